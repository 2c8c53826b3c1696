"""How the tests are run: their kinds and parts, one run with its report, the menu, what changed."""
