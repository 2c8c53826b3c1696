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

from risk_actors.runtime.control import Control


class Mailbox:
    """The queue behind one address. Implements pykka's inbox protocol (put, get, empty)."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._control: deque[Envelope[Any]] = deque()
        self._queue: deque[list[Envelope[Any]]] = deque()
        self._waiting_by_key: dict[str, list[Envelope[Any]]] = {}
        self._arrived = threading.Condition(threading.Lock())
        self._closed = False
        self.high_water = 0
        """Most messages that ever waited."""
        self.conflated = 0
        """Quotes that a newer one replaced while they waited."""

    def deliver(self, message: Any) -> bool:
        """Queue a message; return False when the mailbox is closed (a dead letter)."""
        if self._closed:
            return False
        self.put(Envelope(message))
        return True

    def put(self, envelope: Envelope[Any], /) -> None:
        """Queue an envelope (pykka's own way in)."""
        message = envelope.message
        with self._arrived:
            if isinstance(message, Control):
                self._control.append(envelope)
            else:
                key = getattr(message, "conflation_key", None)
                if key is None:
                    self._queue.append([envelope])
                else:
                    waiting = self._waiting_by_key.get(key)
                    if waiting is not None:
                        waiting[0] = envelope
                        self.conflated += 1
                        return
                    cell = [envelope]
                    self._waiting_by_key[key] = cell
                    self._queue.append(cell)
            depth = len(self._queue) + len(self._control)
            self.high_water = max(self.high_water, depth)
            self._arrived.notify()

    def get(self) -> Envelope[Any]:
        """Take the next envelope, waiting for one."""
        with self._arrived:
            while not self._control and not self._queue:
                self._arrived.wait()
            return self._take()

    def get_nowait(self) -> Envelope[Any] | None:
        """Take the next envelope, or None when nothing waits."""
        with self._arrived:
            return self._take() if self._control or self._queue else None

    def _take(self) -> Envelope[Any]:
        if self._control:
            return self._control.popleft()
        envelope = self._queue.popleft()[0]
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
