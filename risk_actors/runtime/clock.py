"""The one seam for time: the system's clock, and one that a test moves."""

import time
from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """Tells the time in nanoseconds."""

    def now_ns(self) -> int:
        """Return nanoseconds of UTC since 1970."""

    def monotonic_ns(self) -> int:
        """Return nanoseconds that never step back."""


STEP_NS = 500_000_000
"""A wall clock that is this far ahead was set, or the machine slept."""


class SystemClock:
    """The machine's clocks, made into one that never goes back.

    Deadlines and the order of events and snapshots are told from `now_ns`, so a wall clock that is
    set back must not turn it back. It counts on from where it was; a wall clock that is set ahead,
    and a machine that slept, move it on.
    """

    def __init__(
        self,
        wall_ns: Callable[[], int] = time.time_ns,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._wall_ns = wall_ns
        self._monotonic_ns = monotonic_ns
        self._offset_ns = wall_ns() - monotonic_ns()

    def now_ns(self) -> int:
        """Return nanoseconds of UTC since 1970; never less than before."""
        monotonic_ns = self._monotonic_ns()
        offset_ns = self._wall_ns() - monotonic_ns
        if offset_ns - self._offset_ns > STEP_NS:
            self._offset_ns = offset_ns
        return self._offset_ns + monotonic_ns

    def monotonic_ns(self) -> int:
        """Return nanoseconds that never step back."""
        return self._monotonic_ns()


class VirtualClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now_ns: int) -> None:
        self._now_ns = now_ns
        self._monotonic_ns = 0

    def now_ns(self) -> int:
        """Return the instant it was moved to."""
        return self._now_ns

    def monotonic_ns(self) -> int:
        """Return how far it was moved."""
        return self._monotonic_ns

    def advance(self, by_ns: int) -> None:
        """Move on.

        Raises:
            ValueError: time would go backwards; to model a stepped clock use `step`.
        """
        if by_ns < 0:
            raise ValueError("time does not go backwards")
        self._now_ns += by_ns
        self._monotonic_ns += by_ns

    def step(self, by_ns: int) -> None:
        """Set the wall clock forwards or backwards, as an operator or a time server does."""
        self._now_ns += by_ns
