"""The one seam for time: the system's clock, and one that a test moves."""

import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time in nanoseconds."""

    def now_ns(self) -> int:
        """Return nanoseconds of UTC since 1970."""

    def monotonic_ns(self) -> int:
        """Return nanoseconds that never step back."""


class SystemClock:
    """The machine's clocks."""

    def now_ns(self) -> int:
        """Return nanoseconds of UTC since 1970."""
        return time.time_ns()

    def monotonic_ns(self) -> int:
        """Return nanoseconds that never step back."""
        return time.monotonic_ns()


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
