"""An actor's mailbox: system messages overtake, quotes conflate, nothing else is ever dropped.

It belongs to an address and not to an actor, so that an actor that failed and was started anew
finds what was sent to it meanwhile. It is unbounded and never blocks a sender: a bounded one would
make two actors wait for each other. What keeps it short is that quotes conflate (the newest per
contract takes the place of the older one, in the older one's place in the queue).

Whoever finds nothing to take leaves a waker, under the same lock under which senders add; whoever
adds something next takes the waker away and calls it. So no wake-up is lost, none comes twice, and
a taker that is busy costs its senders nothing.
"""

import _thread
from collections import deque
from collections.abc import Callable
from typing import Any

from pykka._envelope import Envelope

from risk_actors.runtime.control import Control, Leave

type Waker = Callable[[], None]

LAZY_LOOK_EVERY_S = 0.02
"""How often a taker in no hurry looks for messages: short against the 50 ms within which the record
is written and the 100 ms between two paintings of the picture."""


class Cell:
    """A place in the queue; a newer quote takes the place of an older one."""

    __slots__ = ("envelope", "key", "sender")

    def __init__(self, message: Any, sender: str = "") -> None:
        self.envelope: Envelope[Any] = Envelope(message)
        self.sender = sender
        self.key: str | None = getattr(message, "conflation_key", None)


class Seat:
    """One actor's way to the mailbox of its address; once vacated it takes nothing any more.

    An actor that is abandoned may come back from its handler beside its successor. What waits then
    is the successor's. Implements pykka's inbox protocol (put, get, empty).
    """

    def __init__(self, mailbox: "Mailbox") -> None:
        self._mailbox = mailbox
        self._bell = _thread.allocate_lock()
        self._bell.acquire()
        self.ring: Waker = self._bell.release
        """Wakes whoever waits in `get`; called once for each waker that was left."""
        self.is_vacated = False
        """Whether its actor is to end; for the mailbox alone to change."""

    def put(self, envelope: Envelope[Any], /) -> None:
        """Queue an envelope."""
        self._mailbox.put(envelope)

    def get(self) -> Envelope[Any]:
        """Take the next envelope, waiting for one (pykka's own way)."""
        return self._mailbox.get(self)

    def await_next(self) -> Envelope[Any]:
        """Take the next envelope, waiting for one; `Leave`, at once, when the seat is vacated."""
        return self._mailbox.get(self)

    def take(self) -> Envelope[Any] | None:
        """Take the next envelope; None when nothing waits, `Leave` when the seat is vacated."""
        return self._mailbox.take(self)

    def rest(self, waker: Waker) -> bool:
        """Leave a waker for the next thing to do; False, and no waker, when there is one now."""
        return self._mailbox.rest(self, waker)

    def wait(self, timeout_s: float = -1) -> bool:
        """Wait until somebody rings; return False when nobody did in time."""
        return self._bell.acquire(timeout=timeout_s)

    def empty(self) -> bool:
        """Tell whether nothing waits."""
        return self._mailbox.empty()

    @property
    def holds_prices_only(self) -> bool:
        """Whether nothing waits but what a newer message may take the place of."""
        return self._mailbox.holds_prices_only


class Mailbox:
    """The queue behind one address. Implements pykka's inbox protocol (put, get, empty)."""

    def __init__(self, address: str, *, is_lazy: bool = False) -> None:
        """Take whose it is.

        Args:
            address: whose.
            is_lazy: whoever takes from here looks for messages from time to time instead of being
                woken for each, so that it does not compete with those who are in a hurry; control,
                stops, beats and a vacated seat wake it at once.
        """
        self.address = address
        self.is_lazy = is_lazy
        self._lock = _thread.allocate_lock()
        """Held for a few bytecodes; never while anything is called that may wait."""
        self._control: deque[Envelope[Any]] = deque()
        self._queue: deque[Cell] = deque()
        self._waiting_by_key: dict[str, Cell] = {}
        self._wakers: list[Waker] = []
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

    # --- for senders ----------------------------------------------------------------------

    def deliver(self, message: Any, sender: str = "") -> bool:
        """Queue a message; return False when the mailbox is closed (a dead letter)."""
        if isinstance(message, Control):
            if self._closed:
                return False
            self._put_control(Envelope(message))
            return True
        return self.post(Cell(message, sender))

    def post(self, cell: Cell) -> bool:
        """Queue a cell; as `deliver`. One without a key may be in many mailboxes at once."""
        if self._closed:
            return False
        key = cell.key
        with self._lock:
            if key is not None:
                waiting = self._waiting_by_key.get(key)
                if waiting is not None:
                    waiting.envelope = cell.envelope
                    self.conflated += 1
                    return True
                self._waiting_by_key[key] = cell
            queue = self._queue
            queue.append(cell)
            self.queued += 1
            depth = len(queue)
            if self._control:
                depth += len(self._control)
            if depth > self.high_water:  # noqa: PLR1730 - a call would cost more than all else here
                self.high_water = depth
            if self.is_lazy or not self._wakers:
                return True
            wakers, self._wakers = self._wakers, []
        for wake in wakers:
            wake()
        return True

    def put(self, envelope: Envelope[Any], /) -> None:
        """Queue an envelope (pykka's own way in: a stop, or a question)."""
        if isinstance(envelope.message, Control):
            self._put_control(envelope)
            return
        cell = Cell(envelope.message)
        cell.envelope, cell.key = envelope, None
        with self._lock:
            self._queue.append(cell)
            self.queued += 1
            self.high_water = max(self.high_water, len(self._queue) + len(self._control))
        self._wake_all()

    def _put_control(self, envelope: Envelope[Any]) -> None:
        with self._lock:
            self._control.append(envelope)
            self.high_water = max(self.high_water, len(self._queue) + len(self._control))
        self._wake_all()

    def _wake_all(self) -> None:
        with self._lock:
            wakers, self._wakers = self._wakers, []
        for wake in wakers:
            wake()

    # --- for supervision ------------------------------------------------------------------

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
        with self._lock:
            if answered is not None and self.beats_answered != answered:
                return False
            seat.is_vacated = True
        self._wake_all()
        return True

    def beat(self) -> bool:
        """Ask whoever takes from here for a sign of life; return False while one is waited for.

        The actor's own thread answers when it comes for its next message. So it shows a handler
        that does not come back, and not how long the queue is. It is no message: nothing is
        handled for it, nothing noted, and the mailbox counts as empty with it.
        """
        with self._lock:
            if self._beat_waits:
                return False
            self._beat_waits = True
        self._wake_all()
        return True

    @property
    def beat_waits(self) -> bool:
        """Whether a sign of life is waited for."""
        return self._beat_waits

    # --- for the taker --------------------------------------------------------------------

    def get(self, seat: Seat | None = None) -> Envelope[Any]:
        """Take the next envelope, waiting for one; `Leave` for a seat that was vacated."""
        seat = self.seat() if seat is None else seat
        while True:
            envelope = self.take(seat)
            if envelope is not None:
                return envelope
            if self.rest(seat, seat.ring):
                self._wait(seat)

    def take(self, seat: Seat | None) -> Envelope[Any] | None:
        """Take the next envelope; None when nothing waits, `Leave` for a seat that was vacated."""
        with self._lock:
            if seat is not None and seat.is_vacated:
                return Envelope(Leave())
            if self._beat_waits:
                self._beat_waits = False
                self.beats_answered += 1
            if self._control:
                self.taken_from = ""
                return self._control.popleft()
            if not self._queue:
                return None
            cell = self._queue.popleft()
            self.taken += 1
            self.taken_from = cell.sender
            if cell.key is not None:
                del self._waiting_by_key[cell.key]
            return cell.envelope

    def rest(self, seat: Seat, waker: Waker) -> bool:
        """Leave a waker, to be called once when there is something to do for whoever holds a seat.

        Returns:
            False, and no waker is left, when there is something to do now.
        """
        with self._lock:
            if seat.is_vacated or self._beat_waits or self._control or self._queue:
                return False
            self._wakers.append(waker)
            return True

    def get_nowait(self) -> Envelope[Any] | None:
        """Take the next envelope, or None when nothing waits."""
        return self.take(None)

    def _wait(self, seat: Seat) -> None:
        if not self.is_lazy:
            seat.wait()
            return
        while not seat.wait(LAZY_LOOK_EVERY_S):
            if not self._queue:
                continue
            with self._lock:
                is_left = seat.ring in self._wakers
                if is_left:
                    self._wakers.remove(seat.ring)
            if not is_left:
                # Somebody took the waker away, and rings at any moment.
                seat.wait()
            return

    def empty(self) -> bool:
        """Tell whether nothing waits."""
        return not self._control and not self._queue

    @property
    def holds_prices_only(self) -> bool:
        """Whether nothing waits but what a newer message may take the place of."""
        return not self._control and len(self._queue) == len(self._waiting_by_key)

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
