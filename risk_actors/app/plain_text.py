"""Text without the characters that a terminal obeys instead of showing.

A name of the trader's or of the broker's that holds them could colour, move or hide what stands
around it: those of ASCII and Latin-1, the ends of lines, and what turns the direction of writing.
"""

import re

_OBEYED = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_OBEYED_IN_LINES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def has_control(text: str) -> bool:
    """Tell whether a text holds a character that a terminal obeys; ends of lines are such."""
    return _OBEYED.search(text) is not None


def without_controls(text: str) -> str:
    """Return a text of one or more lines that only shows; what is left out takes no width."""
    return _OBEYED_IN_LINES.sub("", text)


def spelt(text: str) -> str:
    r"""Return a text on one line whose control characters can be read, such as `\x1b`."""
    return _OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
