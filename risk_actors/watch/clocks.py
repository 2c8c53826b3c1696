"""How far the daemon's clock is ahead of ours, from the instants that it tells.

What arrives was written before, and what answers a request was written after the request: both
bound the difference. Clocks that may agree by what is known are taken to agree, so that a line that
is slow from the start is seen to be slow.
"""

import math
from typing import NamedTuple


class Told(NamedTuple):
    """An instant of the daemon's clock, and when by ours it was heard."""

    earliest_s: float
    latest_s: float
    """The same as the earliest, but for the header `Date`, which has whole seconds only."""
    heard_s: float
    asked_s: float | None = None
    """When we asked; None for what comes without being asked for each time."""


class Clocks:
    """The bounds on the difference, narrowed with each instant that is told."""

    def __init__(self) -> None:
        self._least_s = -math.inf
        self._most_s = math.inf

    @property
    def ahead_s(self) -> float:
        """Return how far the daemon's clock is ahead of ours; 0 while they may agree."""
        return max(self._least_s, min(0.0, self._most_s))

    def take(self, told: Told) -> None:
        """Narrow the bounds; begin anew when they contradict each other, for a clock was set."""
        least_s = told.earliest_s - told.heard_s
        most_s = math.inf if told.asked_s is None else told.latest_s - told.asked_s
        if least_s > self._most_s or most_s < self._least_s:
            self._least_s, self._most_s = least_s, most_s
            return
        self._least_s = max(self._least_s, least_s)
        self._most_s = min(self._most_s, most_s)
