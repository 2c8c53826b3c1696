"""What an actor was given, in which order and at which instants: enough to run it again.

An actor's state and what it sends follow from the messages it handled and from the one instant at
which it handled each; both are noted here. What an actor upstream sent need not be kept: that
follows in turn. The graph has no cycle, so from what its sources said every decision can be
reckoned again, whatever the order in which threads happened to run.

Noting is observation, like a mailbox's counters: no message, and nothing in the system reads it
but the journal, which drains all tapes when it writes.
"""

from collections import deque
from typing import NamedTuple

from risk_actors.core.evidence import NS_PER_S
from risk_actors.messages import Message, Tick
from risk_actors.runtime.clock import Clock
from risk_actors.runtime.control import Control

MADE = "made"
"""In place of a sender: the actor was made at this instant, at the start or after it failed."""
BROUGHT = "brought"
"""In place of a sender: it was made again with one that failed, and had not failed itself."""
REPLACED = "replaced"
"""In place of a sender: it was made in place of one that was stuck, with a state of its own."""
STORE = "store"
"""In place of a sender: a write to the actor's store failed."""
STEPPED_BACK_NS = NS_PER_S
"""What lies further back than this was said by a clock that was set."""
KEEP_AT_MOST = 200_000
"""Notes kept while nobody drains them; older ones are lost then, and counted."""


class StoreFailed(NamedTuple):
    """A call of the actor's store raised an error."""

    call: int
    """Which call it was, counted from the start of the run."""
    detail: str


class Note(NamedTuple):
    """One message that an actor handled."""

    sender: str
    """The sender's address; empty for the supervision plane; or one of the words above."""
    at_ns: int
    """The actor's instant while it handled it."""
    message: Message | Control | StoreFailed | None


class Tape:
    """The notes of one address. Its actor adds, the journal drains, both without a lock."""

    def __init__(self, address: str, keep_at_most: int = KEEP_AT_MOST) -> None:
        self.address = address
        self._notes: deque[Note] = deque(maxlen=keep_at_most)
        self._noted = 0
        self._drained = 0

    def note(
        self, sender: str, at_ns: int, message: Message | Control | StoreFailed | None
    ) -> None:
        """Add a note; called in the actor's thread."""
        # As the class itself makes one, without a call in between.
        self._notes.append(tuple.__new__(Note, (sender, at_ns, message)))
        self._noted += 1

    def drain(self) -> list[Note]:
        """Take all notes made until now, oldest first; called in the journal's thread."""
        taken = [self._notes.popleft() for _ in range(len(self._notes))]
        self._drained += len(taken)
        return taken

    @property
    def waiting(self) -> int:
        """Notes that wait to be drained."""
        return len(self._notes)

    @property
    def lost(self) -> int:
        """Notes that were dropped because nobody drained them; what follows cannot be replayed."""
        return self._noted - self._drained - len(self._notes)


class InstantClock:
    """The clock of an actor that can be replayed: it stands still while a message is handled.

    A tick carries its own instant; any other message is handled at the time it is taken. So only
    the latter need be noted, and a day of ticks is nothing but a count.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._now_ns = clock.now_ns()

    def now_ns(self) -> int:
        """Return the instant of the message at hand."""
        return self._now_ns

    def monotonic_ns(self) -> int:
        """Return nanoseconds that never step back, as they are now."""
        return self._clock.monotonic_ns()

    def take(self, message: object) -> int:
        """Move to the instant at which a message is handled, and return it.

        A tick that waited is a little older than what was handled before it: that is no step back.
        """
        at_ns = message.at_ns if type(message) is Tick else self._clock.now_ns()
        # Nearly always it is later, and a call costs more than the comparison.
        self._now_ns = at_ns if at_ns > self._now_ns else next_instant(self._now_ns, at_ns)
        return self._now_ns


def next_instant(now_ns: int, at_ns: int) -> int:
    """Return an actor's instant after `now_ns` when a message of `at_ns` is handled.

    A little back is no step back; further back is a clock that was set.
    """
    return at_ns if at_ns < now_ns - STEPPED_BACK_NS else max(now_ns, at_ns)
