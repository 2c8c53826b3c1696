"""An actor's mailbox: system messages overtake, quotes conflate, nothing else is ever dropped.

It belongs to an address and not to an actor, so that an actor that failed and was started anew
finds what was sent to it meanwhile. It is unbounded and never blocks a sender: a bounded one would
make two actors wait for each other. What keeps it short is that quotes conflate (the newest per
contract takes the place of the older one, in the older one's place in the queue).
"""

import threading
from collections import deque
from typing import Any

from pykka._envelope import Envelope

from risk_actors.runtime.control import Control, Leave


class _Cell:
    """A place in the queue; a newer quote takes the place of an older one."""

    __slots__ = ("envelope", "sender")

    def __init__(self, envelope: Envelope[Any], sender: str) -> None:
        self.envelope = envelope
        self.sender = sender


class Seat:
    """One actor's way to the mailbox of its address; once vacated it takes nothing any more.

    An actor that is abandoned may come back from its handler beside its successor. What waits then
    is the successor's. Implements pykka's inbox protocol (put, get, empty).
    """

    def __init__(self, mailbox: "Mailbox") -> None:
        self._mailbox = mailbox
        self.is_vacated = False
        """Whether its actor is to end; for the mailbox alone to change."""

    def put(self, envelope: Envelope[Any], /) -> None:
        """Queue an envelope."""
        self._mailbox.put(envelope)

    def get(self) -> Envelope[Any]:
        """Take the next envelope, waiting for one; `Leave`, at once, when the seat is vacated."""
        return self._mailbox.get(self)

    def empty(self) -> bool:
        """Tell whether nothing waits."""
        return self._mailbox.empty()


class Mailbox:
    """The queue behind one address. Implements pykka's inbox protocol (put, get, empty)."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._control: deque[Envelope[Any]] = deque()
        self._queue: deque[_Cell] = deque()
        self._waiting_by_key: dict[str, _Cell] = {}
        self._arrived = threading.Condition(threading.Lock())
        self._closed = False
        self._beat_waits = False
        self.beats_answered = 0
        """How often whoever takes from here has answered `beat`."""
        self.queued = 0
        """Messages that were ever queued, those of the supervision plane left out."""
        self.taken = 0
        """Those of them that were taken."""
        self.high_water = 0
        """Most messages that ever waited."""
        self.conflated = 0
        """Quotes that a newer one replaced while they waited."""
        self.taken_from = ""
        """Who sent what was taken last; empty for the supervision plane. For the taker alone."""

    def deliver(self, message: Any, sender: str = "") -> bool:
        """Queue a message; return False when the mailbox is closed (a dead letter)."""
        if self._closed:
            return False
        self._put(Envelope(message), sender)
        return True

    def put(self, envelope: Envelope[Any], /) -> None:
        """Queue an envelope (pykka's own way in)."""
        self._put(envelope, "")

    def _put(self, envelope: Envelope[Any], sender: str) -> None:
        message = envelope.message
        with self._arrived:
            if isinstance(message, Control):
                self._control.append(envelope)
            else:
                key = getattr(message, "conflation_key", None)
                if key is None:
                    self._queue.append(_Cell(envelope, sender))
                    self.queued += 1
                else:
                    waiting = self._waiting_by_key.get(key)
                    if waiting is not None:
                        waiting.envelope = envelope
                        self.conflated += 1
                        return
                    cell = _Cell(envelope, sender)
                    self._waiting_by_key[key] = cell
                    self._queue.append(cell)
                    self.queued += 1
            depth = len(self._queue) + len(self._control)
            self.high_water = max(self.high_water, depth)
            self._arrived.notify()

    def seat(self) -> Seat:
        """Return a way in for one actor."""
        return Seat(self)

    def vacate(self, seat: Seat, answered: int | None = None) -> bool:
        """Hand nothing out to whoever holds a seat any more; who waits there is woken.

        Args:
            seat: what its actor takes from.
            answered: how many beats had been answered when the actor was found to be silent; when
                there are more by now it came back, nothing is done and False returned.
        """
        with self._arrived:
            if answered is not None and self.beats_answered != answered:
                return False
            seat.is_vacated = True
            self._arrived.notify_all()
            return True

    def get(self, seat: Seat | None = None) -> Envelope[Any]:
        """Take the next envelope, waiting for one; `Leave` for a seat that was vacated."""
        with self._arrived:
            while True:
                if seat is not None and seat.is_vacated:
                    return Envelope(Leave())
                self._answer_beat()
                if self._control or self._queue:
                    return self._take()
                self._arrived.wait()

    def get_nowait(self) -> Envelope[Any] | None:
        """Take the next envelope, or None when nothing waits."""
        with self._arrived:
            self._answer_beat()
            return self._take() if self._control or self._queue else None

    def beat(self) -> bool:
        """Ask whoever takes from here for a sign of life; return False while one is waited for.

        The actor's own thread answers when it comes for its next message. So it shows a handler
        that does not come back, and not how long the queue is. It is no message: nothing is
        handled for it, nothing noted, and the mailbox counts as empty with it.
        """
        with self._arrived:
            if self._beat_waits:
                return False
            self._beat_waits = True
            self._arrived.notify()
            return True

    @property
    def beat_waits(self) -> bool:
        """Whether a sign of life is waited for."""
        return self._beat_waits

    def _answer_beat(self) -> None:
        if self._beat_waits:
            self._beat_waits = False
            self.beats_answered += 1

    def _take(self) -> Envelope[Any]:
        if self._control:
            self.taken_from = ""
            return self._control.popleft()
        cell = self._queue.popleft()
        self.taken += 1
        self.taken_from = cell.sender
        envelope = cell.envelope
        key = getattr(envelope.message, "conflation_key", None)
        if key is not None:
            del self._waiting_by_key[key]
        return envelope

    def empty(self) -> bool:
        """Tell whether nothing waits."""
        return not self._control and not self._queue

    @property
    def depth(self) -> int:
        """Messages waiting now."""
        return len(self._queue) + len(self._control)

    def close(self) -> None:
        """Take nothing more: whatever is delivered from now on is a dead letter."""
        self._closed = True

    @property
    def is_closed(self) -> bool:
        """Whether deliveries are refused."""
        return self._closed
