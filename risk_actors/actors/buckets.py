"""Counts of times by how long they took: what a histogram is shown from."""

from bisect import bisect_left
from typing import NamedTuple

from risk_actors.core.evidence import NS_PER_S


class Counted(NamedTuple):
    """A histogram at one instant."""

    up_to: tuple[tuple[float, int], ...]
    """For each bound in seconds, how many took no longer; the last bound is infinite."""
    sum_s: float


class Buckets:
    """Times by bucket. One thread adds; any other may read, and sees no time twice."""

    def __init__(self, bounds_s: tuple[float, ...]) -> None:
        """Take the upper bounds in seconds, ascending; there is one more without a bound."""
        self._bounds_s = bounds_s
        self._counts = [0] * (len(bounds_s) + 1)
        self._sum_s = 0.0

    def add(self, took_ns: int) -> None:
        """Count one; a time below 0 is no time, and is not counted."""
        if took_ns < 0:
            return
        took_s = took_ns / NS_PER_S
        self._counts[bisect_left(self._bounds_s, took_s)] += 1
        self._sum_s += took_s

    def counted(self) -> Counted:
        """Return what was counted so far, each bucket with those before it."""
        counts, total = self._counts.copy(), 0
        up_to = []
        for bound_s, count in zip((*self._bounds_s, float("inf")), counts, strict=True):
            total += count
            up_to.append((bound_s, total))
        return Counted(tuple(up_to), self._sum_s)
