"""What the adapter needs from whoever runs it."""

from collections.abc import Callable
from typing import Protocol

from risk_actors.messages import Message


class Clock(Protocol):
    """Where instants come from, so that a run can be replayed."""

    def now_ns(self) -> int:
        """Return the present instant, whole nanoseconds of UTC."""
        ...


type Emit = Callable[[Message], None]
"""Takes one message from the broker's side; called on the gateway's thread, must not block."""

type FillsSince = Callable[[int], int]
"""Gives, for the present instant, the instant from which fills are wanted (both ns of UTC)."""
