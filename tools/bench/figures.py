"""What a part of the benchmark hands back: figures with their targets, and the raw numbers.

The contract between the parts and the frame: a part is one module of this package with
`def run(terms: Terms) -> Part`, and imports its neighbours as
`from .figures import Part`. Each part runs
in a process of its own. A figure that could not be measured says so in its note; a part
that raises is shown as not measured, and the others go on.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple


class Figure(NamedTuple):
    """One number that is shown, and what it should be."""

    name: str
    """What it is, such as `breach to close, ours / sdk, median`."""

    value: float | None
    """The number; None could not be measured, and the note says why."""

    unit: str
    """`x` (a ratio), `us`, `ms`, `s`, `events/s` or `MiB`."""

    target: float | None = None
    """What it must reach; None is shown without a judgement."""

    is_at_most: bool = True
    """The target is a ceiling; else it is a floor."""

    note: str = ""
    """What was measured; of a miss, its cause."""

    is_saved: bool = True
    """A later run is compared with it; a number that only describes the run is not."""


class Part(NamedTuple):
    """The figures of one part."""

    name: str
    """The module's own name, as `--only` takes it."""

    figures: tuple[Figure, ...]
    """What the table shows."""

    detail: dict[str, Any]
    """Raw medians, 99th percentiles and rounds: for the JSON. Plain JSON values only."""


class Terms(NamedTuple):
    """How long and how often to measure."""

    rounds: int
    """How many rounds; what is compared is interleaved within each of them."""

    is_quick: bool
    """A smoke run of the benchmark itself, whose figures mean little."""

    is_full: bool = False
    """With the waits that take many minutes, such as ten idle minutes."""


def percentile(values: Sequence[float], fraction: float) -> float:
    """Return the value below which that fraction lies (nearest rank), such as 0.99.

    Raises:
        ValueError: when there are no values.
    """
    if not values:
        raise ValueError("No values to take a percentile of.")
    ordered = sorted(values)
    rank = -int(-fraction * len(ordered) // 1)
    return ordered[min(max(rank - 1, 0), len(ordered) - 1)]


def median(values: Sequence[float]) -> float:
    """Return the middle value, or the mean of the two in the middle.

    Raises:
        ValueError: when there are no values.
    """
    if not values:
        raise ValueError("No values to take a median of.")
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2
