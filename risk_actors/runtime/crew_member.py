"""One place in a crew, what its turns have cost, and the threads that serve."""

import _thread
import threading
from collections.abc import Callable
from functools import partial
from typing import Protocol

from risk_actors.runtime.turns import Taker

COUNTED_S = 0.001
"""Turns that take no longer are not charged to whoever has them: many of them are much to do, and
no sign of one who is slow."""
SHARE = 0.2
"""How much of the time one may use in the crew for long turns, for ever."""
BURST_S = 0.1
"""How much beyond that, when it has used little before: one turn may come upon a machine that
stands still for a moment, and that is nobody's fault."""
OWED_AT_MOST_S = 1.0
"""However slow one was, it is back in the crew once it has been quick for five times as long."""


class Hand(Protocol):
    """One who is served by a crew."""

    def turn(self, member: "Member") -> bool:
        """Do one thing; return whether there is more to do. Its member's `wake` asks for a turn."""

    @property
    def is_done(self) -> bool:
        """Whether it is never to be given a turn again."""

    @property
    def is_patient(self) -> bool:
        """Whether nothing waits for it but what something newer may take the place of."""


class Server(Protocol):
    """The crew, as far as its members know it."""

    relieved: int

    def queue(self, member: "Member") -> None:
        """Give a member a turn."""


class Member(Taker):
    """One place in the crew. It waits for a turn at most once, and has one turn at a time."""

    __slots__ = (
        "_owed_at_s",
        "_owed_s",
        "aside",
        "crew",
        "hand",
        "longest_turn_s",
        "longest_wait_s",
        "times_aside",
        "wake",
    )

    def __init__(self, crew: "Server", hand: Hand, rank: int) -> None:
        super().__init__(rank)
        self.crew = crew
        self.hand = hand
        self.wake: Callable[[], None] = partial(crew.queue, self)
        """Asks for a turn; to be called once for each time that `turn` returned False."""
        self.aside: Aside | None = None
        """Where it is served while it is slow."""
        self.times_aside = 0
        self.longest_turn_s = 0.0
        """The longest of the turns that were counted."""
        self.longest_wait_s = 0.0
        """The longest it has waited for a turn."""
        self._owed_s = 0.0
        self._owed_at_s = 0.0

    @property
    def is_patient(self) -> bool:
        """Whether nothing waits for it but what something newer may take the place of."""
        return self.hand.is_patient

    def owes_s(self, now_s: float) -> float:
        """Return how much more it has used than its share."""
        return max(0.0, self._owed_s - SHARE * (now_s - self._owed_at_s))

    def charge(self, took_s: float, now_s: float) -> float:
        """Take how long a turn took; return how much more it has used than its share."""
        owed_s = self.owes_s(now_s)
        if took_s >= COUNTED_S:
            owed_s = min(owed_s + took_s, OWED_AT_MOST_S)
            self.longest_turn_s = max(self.longest_turn_s, took_s)
        self._owed_s, self._owed_at_s = owed_s, now_s
        return owed_s


class Aside:
    """A thread that serves one member alone."""

    __slots__ = ("bell", "has_work")

    def __init__(self) -> None:
        self.bell = threading.Event()
        self.has_work = False


class Shift:
    """One thread's time of service, until it is relieved."""

    __slots__ = ("at", "bell", "is_asleep", "is_over", "thread", "turns")

    def __init__(self) -> None:
        self.bell = _thread.allocate_lock()
        self.bell.acquire()
        self.is_asleep = False
        self.is_over = False
        self.at: Member | None = None
        """Whose turn it is."""
        self.turns = 0
        self.thread: threading.Thread | None = None
