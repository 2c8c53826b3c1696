"""What the adapter needs from whoever runs it."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from risk_actors.messages import Message
from risk_actors.runtime.clock import Reference


class Clock(Protocol):
    """Where instants come from, so that a run can be replayed."""

    def now_ns(self) -> int:
        """Return the present instant, whole nanoseconds of UTC."""
        ...


@runtime_checkable
class ReferencedClock(Clock, Protocol):
    """A clock that takes the broker's time for its reference."""

    def monotonic_ns(self) -> int:
        """Return nanoseconds that never step back and that nobody can set."""
        ...

    @property
    def wants_reference(self) -> bool:
        """Whether something happened since the broker last told, so that it should again."""
        ...

    def set_reference(self, reference: Reference, *, is_start: bool = False) -> int:
        """Take the broker's time; return by how much the clock was moved (ns, signed)."""
        ...


type Emit = Callable[[Message], None]
"""Takes one message from the broker's side; must not block. Called on the gateway's thread, and for
account events also on that of its second line, by one of the two at a time."""

type FillsSince = Callable[[int], int]
"""Gives, for the present instant, the instant from which fills are wanted (both ns of UTC)."""
