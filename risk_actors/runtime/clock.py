"""The one seam for time: the system's clock, and one that a test moves."""

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, Protocol

from risk_actors.core.clock_steps import STEP_NS, WRONG_FROM_NS, Clocks


class Clock(Protocol):
    """Tells the time in nanoseconds."""

    def now_ns(self) -> int:
        """Return nanoseconds of UTC since 1970."""

    def monotonic_ns(self) -> int:
        """Return nanoseconds that never step back."""


SLOWER_BY = 10
"""A clock that is ahead of the broker's loses one part in so many until they agree."""
_SLOWS_AFTER_NS = 1_000_000_000
"""It slows down this much later, so that no thread sees it step back."""


class Reference(NamedTuple):
    """Between which instants the broker's clock was when our monotonic one showed an instant."""

    monotonic_ns: int
    earliest_ns: int
    latest_ns: int


class _Course(NamedTuple):
    """How the time follows from the monotonic clock; never changed, only replaced as a whole."""

    offset_ns: int
    is_referenced: bool = False
    slower_from_ns: int = 0
    owed_ns: int = 0
    """What the clock is to lose from then on, for it cannot go back."""

    def at(self, monotonic_ns: int) -> int:
        if not self.owed_ns:
            return monotonic_ns + self.offset_ns
        return monotonic_ns + self.offset_ns - (self.owed_ns - self.still_owed_ns(monotonic_ns))

    def still_owed_ns(self, monotonic_ns: int) -> int:
        paid_ns = max(monotonic_ns - self.slower_from_ns, 0) // SLOWER_BY
        return max(self.owed_ns - paid_ns, 0)


def ahead_of(now_ns: int, reference: Reference) -> int:
    """Return how far a time is surely ahead of the broker's, negative where it is behind."""
    return max(now_ns - reference.latest_ns, 0) - max(reference.earliest_ns - now_ns, 0)


def _steady_clock() -> Callable[[], int]:
    """Return a clock that nobody can set and that counts while the machine sleeps, if it has one.

    Linux calls it CLOCK_BOOTTIME; on a Mac CLOCK_MONOTONIC does so, other than Python's own
    monotonic clock; on Windows the latter does.
    """
    for name in ("CLOCK_BOOTTIME", "CLOCK_MONOTONIC"):
        number = getattr(time, name, None)
        if number is not None:
            return partial(time.clock_gettime_ns, number)
    return time.monotonic_ns


class SystemClock:
    """The machine's clocks, made into one that never goes back and that nobody can set.

    Deadlines and the order of events and snapshots are told from `now_ns`, so a wall clock that is
    set back must not turn it back. Once the broker's time is known it runs on the monotonic clock
    alone: a wall clock that is set ahead ends no lock. Only the broker's time moves it ahead, as
    after a sleep through which the monotonic clock stood still. Until then, as nothing better is
    known, a wall clock that is set ahead and a machine that slept move it on.

    It errs on the late side: where the broker's whole seconds leave a doubt, the earliest instant
    is taken, so that a lock ends up to two seconds late rather than early. Ahead of the broker it
    can only be by a broker's answer that was wrong, by none before the start, or by drift; then it
    runs a tenth slower until they agree, and says so, for until then locks end that much early.
    """

    def __init__(
        self,
        wall_ns: Callable[[], int] = time.time_ns,
        monotonic_ns: Callable[[], int] | None = None,
    ) -> None:
        self._wall_ns = wall_ns
        self._monotonic_ns = monotonic_ns or _steady_clock()
        self._lock = threading.Lock()
        """Held by whoever replaces the course; who reads it needs none."""
        self._course = _Course(wall_ns() - self._monotonic_ns())
        self._wall_offset_ns = self._course.offset_ns

    def now_ns(self) -> int:
        """Return nanoseconds of UTC since 1970; never less than before."""
        course = self._course
        monotonic_ns = self._monotonic_ns()
        if not course.is_referenced:
            offset_ns = self._wall_ns() - monotonic_ns
            if offset_ns - course.offset_ns > STEP_NS:
                course = self._follow(offset_ns)
        if not course.owed_ns:
            return monotonic_ns + course.offset_ns
        return course.at(monotonic_ns)

    def monotonic_ns(self) -> int:
        """Return nanoseconds that never step back."""
        return self._monotonic_ns()

    def read(self) -> Clocks:
        """Return all clocks at this instant."""
        now_ns, course, monotonic_ns = self.now_ns(), self._course, self._monotonic_ns()
        return Clocks(
            now_ns=now_ns,
            wall_ns=self._wall_ns(),
            monotonic_ns=monotonic_ns,
            is_referenced=course.is_referenced,
            ahead_ns=course.still_owed_ns(monotonic_ns),
        )

    @property
    def wants_reference(self) -> bool:
        """Whether the wall clock was set, or the machine slept, since the broker last told."""
        offset_ns = self._wall_ns() - self._monotonic_ns()
        return self._course.is_referenced and abs(offset_ns - self._wall_offset_ns) > STEP_NS

    def set_reference(self, reference: Reference, *, is_start: bool = False) -> int:
        """Take the broker's time; return by how much ours was moved at once (ns, signed).

        Args:
            reference: what the broker's clock showed.
            is_start: nobody has told the time by this clock yet, so that it may go back too; it
                does so once.
        """
        with self._lock:
            course, monotonic_ns = self._course, self._monotonic_ns()
            then_ns = course.at(reference.monotonic_ns)
            ahead_ns = ahead_of(then_ns, reference)
            may_move = ahead_ns < 0 or (is_start and not course.is_referenced)
            self._wall_offset_ns = self._wall_ns() - monotonic_ns
            if abs(ahead_ns) <= WRONG_FROM_NS:
                self._course = course._replace(is_referenced=True)
                return 0
            if may_move:
                moved_ns = reference.earliest_ns - then_ns
                offset_ns = course.at(monotonic_ns) - monotonic_ns + moved_ns
                self._course = _Course(offset_ns, is_referenced=True)
                return moved_ns
            self._course = _Course(
                course.at(monotonic_ns) - monotonic_ns,
                is_referenced=True,
                slower_from_ns=monotonic_ns + _SLOWS_AFTER_NS,
                owed_ns=ahead_ns,
            )
            return 0

    def _follow(self, offset_ns: int) -> _Course:
        with self._lock:
            if not self._course.is_referenced and offset_ns > self._course.offset_ns:
                self._course = _Course(offset_ns)
            return self._course


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


def read(clock: Clock) -> Clocks:
    """Return all clocks at this instant; a clock that is one alone is its own wall clock."""
    if isinstance(clock, SystemClock):
        return clock.read()
    now_ns = clock.now_ns()
    return Clocks(now_ns, now_ns, clock.monotonic_ns(), is_referenced=False, ahead_ns=0)
