"""Simulated days on a virtual clock, drawn from seeds: they hunt for broken invariants."""
