"""One thread that serves several actors, whoever stands furthest downstream first.

With a thread for each actor an event that goes to all rules wakes as many threads as there are
rules, and they wait for the interpreter one after another: the one rule that is broken, the
enforcer and the way out among them. A crew handles one message after another in one thread
instead. What a handler sent downstream is handled before the next thing from upstream, so a breach
is at the broker before the rules behind it have looked. Each actor keeps its own mailbox and takes
its messages one at a time, in their order; actors share nothing but the thread.

A handler that does not come back must not hold up the others: whoever watches relieves the thread,
which is left to that handler, and another serves the rest. So the actors of a crew wait for a stuck
one for `PATIENCE_S` at most; what becomes of the stuck one is the supervisor's business, as ever.
"""

import _thread
import threading
from collections import deque
from contextlib import suppress
from itertools import count
from typing import Protocol

PATIENCE_S = 0.05
"""How long a handler may take before the thread is left to it. Ten times what the slowest needs; to
be wrong costs one short-lived thread."""

_numbers = count(1)


class Hand(Protocol):
    """One who is served by a crew."""

    def turn(self, member: "Member") -> bool:
        """Do one thing; return whether there is more to do. Its member's `wake` asks for a turn."""

    @property
    def is_done(self) -> bool:
        """Whether it is never to be given a turn again."""


class Member:
    """One place in the crew. It waits for a turn at most once, and has one turn at a time."""

    __slots__ = ("crew", "hand", "rank", "wake")

    def __init__(self, crew: "Crew", hand: Hand, rank: int) -> None:
        self.crew = crew
        self.hand = hand
        self.rank = rank
        self.wake = self._wake

    def _wake(self) -> None:
        """Ask for a turn; to be called once for each time that `turn` returned False."""
        self.crew.queue(self)


class _Shift:
    """One thread's time of service, until it is relieved."""

    __slots__ = ("at", "bell", "is_asleep", "is_over", "turns")

    def __init__(self) -> None:
        self.bell = _thread.allocate_lock()
        self.bell.acquire()
        self.is_asleep = False
        self.is_over = False
        self.at: Member | None = None
        """Whose turn it is."""
        self.turns = 0


class Crew:
    """Serves its members; the thread begins with the first one and ends with the last."""

    def __init__(self, name: str, ranks: int, patience_s: float = PATIENCE_S) -> None:
        """Take how many ranks there are.

        Args:
            name: of its threads.
            ranks: 0 is furthest downstream, and first to be served.
            patience_s: how long a turn may take before another thread serves the others.
        """
        self._name = name
        self._patience_s = patience_s
        self._ready: tuple[deque[Member], ...] = tuple(deque() for _ in range(ranks))
        self._lock = threading.Lock()
        """Held to begin, end, relieve, wake and fall asleep; never during a turn."""
        self._members: set[Member] = set()
        self._shift: _Shift | None = None
        self._ended = threading.Event()
        self._ended.set()
        self.relieved = 0
        """How often a thread was left to a handler that took too long."""

    def join(self, hand: Hand, rank: int) -> Member:
        """Take somebody in, who has the first turn at once."""
        member = Member(self, hand, rank)
        with self._lock:
            self._members.add(member)
            self._ready[rank].append(member)
            if self._shift is None:
                self._ended = ended = threading.Event()
                self._begin_shift()
                threading.Thread(
                    target=self._watch, args=(ended,), name=f"{self._name}-watch", daemon=True
                ).start()
            else:
                self._ring(self._shift)
        return member

    def queue(self, member: Member) -> None:
        """Give a member a turn when those downstream of it have had theirs."""
        self._ready[member.rank].append(member)
        # Added first and looked at afterwards; whoever falls asleep does it the other way round.
        shift = self._shift
        if shift is not None and shift.is_asleep:
            with self._lock:
                self._ring(shift)

    def _ring(self, shift: _Shift) -> None:
        if shift.is_asleep:
            shift.is_asleep = False
            shift.bell.release()

    def _begin_shift(self) -> None:
        self._shift = shift = _Shift()
        name = f"{self._name}-{next(_numbers)}"
        threading.Thread(target=self._serve, args=(shift,), name=name, daemon=True).start()

    # --- the serving thread -----------------------------------------------------------------

    def _serve(self, shift: _Shift) -> None:
        ready = self._ready
        while not shift.is_over:
            for queue in ready:
                if queue:
                    break
            else:
                self._sleep(shift)
                continue
            try:
                member = queue.popleft()
            except IndexError:
                # A thread that was relieved a moment ago took it.
                continue
            shift.turns += 1
            shift.at = member
            has_more = False
            with suppress(BaseException):  # it has told its overseer; the others must be served
                has_more = member.hand.turn(member)
            shift.at = None
            if has_more:
                self.queue(member)
            elif member.hand.is_done:
                self._leave(member)

    def _sleep(self, shift: _Shift) -> None:
        with self._lock:
            if shift.is_over or any(self._ready):
                return
            shift.is_asleep = True
        if any(self._ready):
            with self._lock:
                if shift.is_asleep:
                    shift.is_asleep = False
                    return
        shift.bell.acquire()

    def _leave(self, member: Member) -> None:
        with self._lock:
            self._members.discard(member)
            if not self._members and self._shift is not None:
                self._shift.is_over = True
                self._ring(self._shift)
                self._shift = None
                self._ended.set()

    # --- the watching thread ----------------------------------------------------------------

    def _watch(self, ended: threading.Event) -> None:
        seen: tuple[_Shift, int] | None = None
        while not ended.wait(self._patience_s):
            shift = self._shift
            if shift is None or shift.at is None:
                seen = None
                continue
            now = (shift, shift.turns)
            if now == seen:
                self._relieve(shift, shift.turns)
            seen = now

    def _relieve(self, shift: _Shift, turns: int) -> None:
        with self._lock:
            if shift is not self._shift or shift.at is None or shift.turns != turns:
                return
            shift.is_over = True
            self.relieved += 1
            self._begin_shift()
