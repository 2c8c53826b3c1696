"""What the broker says in its own words, made fit to be shown."""

import unicodedata

from risk_actors.projectx.secrets import scrub

LONGEST = 200
_LOOKED_AT = 16_384
"""More than any sentence; credentials are hidden in all of it before it is shortened."""


def plain_text(said: object) -> str:
    """Return what was said as one line without credentials; empty where it is no text.

    Characters that control a terminal or turn the direction of writing are left out.
    """
    if not isinstance(said, str):
        return ""
    text = scrub(said[:_LOOKED_AT])
    spaced = (" " if char.isspace() else char for char in text)
    # Categories C*: control and format characters, surrogates, private and unassigned ones.
    shown = "".join(char for char in spaced if unicodedata.category(char)[0] != "C")
    line = " ".join(shown.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1].rstrip() + "…"
