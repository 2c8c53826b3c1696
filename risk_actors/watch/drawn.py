"""What one look at the terminal shows: exactly as many lines as there is room for."""

from collections.abc import Callable
from typing import NamedTuple

from rich.text import Text

from risk_actors.watch.look import Look
from risk_actors.watch.sight import Moment, Sight


class Size(NamedTuple):
    """A terminal's size in characters."""

    width: int
    height: int


class Drawn(NamedTuple):
    """The lines, and what was found out about scrolling while drawing them."""

    lines: list[Text]
    top: int
    """How many lines of the page are above; no more than there are."""
    page_lines: int
    """How many lines of the page are shown at once."""


type Draw = Callable[[Sight, Look, Moment, Size], Drawn]
"""Lays out what is known; lines wider than the terminal are cut, missing ones are empty."""


def changed_lines(before: list[Text], after: list[Text]) -> list[int]:
    """Return the places of the lines that must be painted anew; a slow link is spared the rest."""
    return [
        place
        for place in range(max(len(before), len(after)))
        if place >= len(before) or place >= len(after) or not _is_same(before[place], after[place])
    ]


def _is_same(one: Text, other: Text) -> bool:
    return one.plain == other.plain and one.spans == other.spans and one.style == other.style
