"""The quality gates: what each judges, how it is run, and how the verdicts are shown."""
