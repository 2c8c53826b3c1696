"""How a rule comes from its specification to enforcement; `tools/promote.py` is the command."""
