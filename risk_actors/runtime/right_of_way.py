"""Who decides goes first: all others let go of the interpreter while it is busy.

All threads share one interpreter, which each may keep for a while. A thread that paints, writes or
reads quotes would take it from the one that has an answer under way. So those in a hurry tell when
they are busy, and the others wait at places where they hold nothing that anybody needs: until the
hurry is over, but only so long, and in the long run for no more than a share of the time.
"""

import _thread
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from selectors import DefaultSelector, SelectorKey

WAIT_AT_MOST_S = 0.003
"""How long one may be kept waiting at a time: an answer takes a third of it."""
OWED_AT_MOST_S = 0.006
"""How long one may be kept waiting in a row of such times, when it was not for long before."""
SHARE = 0.5
"""How much of the time one may be kept waiting for ever, so that nobody starves."""
HEAD_START_S = 0.0003
"""How long a loop that gives way waits before it reads, while one that goes first reads the same.

Both are woken by the same event. Who of them has the interpreter first would be chance, and the one
that is in no hurry needs longer for one event than the whole answer takes."""


class RightOfWay:
    """Who is in a hurry now, and who waits for that to be over.

    It is advice: nothing is wrong when somebody does not wait, or waits in vain for a moment.
    """

    def __init__(self) -> None:
        self._claims: tuple[Claim, ...] = ()
        """Replaced as a whole, under the lock."""
        self.is_read_first = False
        """Whether what loops that give way read is read elsewhere as well, and first."""
        self._lock = _thread.allocate_lock()
        self._waiting: deque[_thread.LockType] = deque()

    def claim(self) -> "Claim":
        """Return the claim of one who is in a hurry from time to time."""
        claim = Claim(self)
        with self._lock:
            self._claims += (claim,)
        return claim

    def drop(self, claim: "Claim") -> None:
        """Take back a claim that nobody will use again."""
        with self._lock:
            self._claims = tuple(each for each in self._claims if each is not claim)
        claim.end()

    @property
    def is_taken(self) -> bool:
        """Whether somebody is in a hurry."""
        for claim in self._claims:  # noqa: SIM110 - a generator would cost more than the rest
            if claim.is_busy:
                return True
        return False

    def wait(self, at_most_s: float) -> None:
        """Wait until nobody is in a hurry, or for so long."""
        bell = _thread.allocate_lock()
        bell.acquire()
        self._waiting.append(bell)
        # Added first and looked at afterwards; whoever is done does it the other way round.
        if not self.is_taken or not bell.acquire(timeout=at_most_s):
            with suppress(ValueError):  # it is being rung, which harms nobody
                self._waiting.remove(bell)

    def let_go(self) -> None:
        """Wake those who wait, if nobody is in a hurry any more."""
        if not self.is_taken:
            with suppress(IndexError):
                while True:
                    self._waiting.popleft().release()


class Claim:
    """Whether one of those in a hurry is busy; it alone and whoever wakes it may tell."""

    __slots__ = ("_way", "is_busy")

    def __init__(self, way: RightOfWay) -> None:
        self._way = way
        self.is_busy = False
        """Set where a call would cost too much."""

    def end(self) -> None:
        """Tell that it is not busy any more."""
        self.is_busy = False
        if self._way._waiting:  # noqa: SLF001 - one of two parts of the same thing
            self._way.let_go()


THE_WAY = RightOfWay()
"""That of this process, for it has one interpreter."""


class Courtesy:
    """Gives way at places where its one thread holds nothing; to be called there."""

    def __init__(
        self, way: RightOfWay = THE_WAY, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        """Take whose way it is, and a clock that is never set."""
        self._way = way
        self._now_s = now_s
        self._left_s = OWED_AT_MOST_S
        self._since_s = now_s()

    def __call__(self) -> None:
        """Wait while somebody is in a hurry, as long as that is fair."""
        if self._way.is_taken:
            self._wait()

    def _wait(self) -> None:
        began_s = self._now_s()
        passed_s, self._since_s = began_s - self._since_s, began_s
        self._left_s = min(self._left_s + SHARE * passed_s, OWED_AT_MOST_S)
        if self._left_s < WAIT_AT_MOST_S:
            return
        self._way.wait(WAIT_AT_MOST_S)
        self._left_s -= self._now_s() - began_s


class CourteousSelector(DefaultSelector):
    """For an event loop that gives way before it does what has come."""

    def __init__(
        self,
        way: RightOfWay = THE_WAY,
        sleep: Callable[[float], None] = time.sleep,
        head_start_s: float = HEAD_START_S,
    ) -> None:
        """Take whose way it is.

        Args:
            way: of whom.
            sleep: waits.
            head_start_s: how long to wait while another reads the same; 0 where nobody does.
        """
        super().__init__()
        self._way = way
        self._head_start_s = head_start_s
        self._give_way = Courtesy(way)
        self._sleep = sleep
        self._is_asked = False

    def ask(self) -> None:
        """Have the next turn of the loop come at once: somebody in a hurry waits for it."""
        self._is_asked = True

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        """Wait for something to do, and then for those in a hurry."""
        found = super().select(timeout)
        if self._is_asked:
            self._is_asked = False
        else:
            if found and self._head_start_s and self._way.is_read_first:
                self._sleep(self._head_start_s)
            self._give_way()
        return found


class HurriedSelector(DefaultSelector):
    """For an event loop that has the right of way while it does what has come."""

    def __init__(self, way: RightOfWay = THE_WAY) -> None:
        super().__init__()
        self._claim = way.claim()
        self._way = way

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        """Wait for something to do."""
        self._claim.end()
        found = super().select(timeout)
        self._claim.is_busy = bool(found)
        return found

    def close(self) -> None:
        """Be in no hurry any more."""
        self._way.drop(self._claim)
        super().close()
