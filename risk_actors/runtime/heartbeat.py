"""Signs of life: who has not answered a beat for too long, and who does not keep up.

An actor answers when it comes for its next message (`Mailbox.beat`), so silence is a handler that
does not come back. A queue that grows while beats are answered is another trouble: too much to do.
So is one that waits for its turn among others: it is late, not silent, and another in its place
would wait as long.
Both are told apart here, from what the mailboxes count; nothing is done in the way of a message.
"""

import threading
from collections import deque
from collections.abc import Callable
from enum import Enum
from typing import NamedTuple

from risk_actors.core.evidence import NS_PER_S
from risk_actors.runtime.mailbox import Mailbox

_MOST_MARKS = 600


def never() -> bool:
    """Return that nobody waits for a turn."""
    return False


class HeartTerms(NamedTuple):
    """How often actors are asked, and for how long they may be silent."""

    every_s: float = 1.0
    stuck_after_ns: int = 5 * NS_PER_S
    """No handler waits for anything: the longest work of a handler is one write to the store, which
    gives up on a busy file after 5 s at most. What takes longer does not come back by itself."""
    replace_after_ns: int = 10 * NS_PER_S
    """Twice that: a machine that only was very busy for a moment has recovered by then."""
    late_after_ns: int = 5 * NS_PER_S
    """A message that waited this long is judged too late for protection."""
    unhealthy_after_ns: int = 15 * NS_PER_S
    """Longer than until a replacement, so that this has its chance before the process ends."""


class Trouble(Enum):
    """What was found."""

    STUCK = "stuck"
    HOPELESS = "hopeless"
    """Stuck for so long that it is to be replaced."""
    ANSWERS = "answers"
    """It was stuck, and answers again."""
    LATE = "late"
    CAUGHT_UP = "caught up"


class Finding(NamedTuple):
    """News of one actor; told once each."""

    address: str
    trouble: Trouble
    for_ns: int
    """For how long it was, or had been, so."""


class Signs(NamedTuple):
    """How an actor is."""

    silent_ns: int = 0
    lag_ns: int = 0
    """How long the oldest message that waits has waited, or it for its turn, to the last look."""
    idle_ns: int = 0
    """How long it has handled nothing."""


class _Watched:
    """What is known of one actor; instants are by the time that was watched."""

    def __init__(self, mailbox: Mailbox, now_ns: int, waits: Callable[[], bool]) -> None:
        self.mailbox = mailbox
        self.waits = waits
        self.waits_ns: int | None = None
        """Since when it has not answered only because it has no turn."""
        self.answered = mailbox.beats_answered
        self.asked_ns: int | None = now_ns if mailbox.beat_waits else None
        self.marks: deque[tuple[int, int]] = deque()
        """When so many messages had been queued, as long as one of them waits."""
        self.worked = -1
        self.worked_ns = now_ns
        self.stuck_ns: int | None = None
        self.is_hopeless = False
        self.late_ns: int | None = None
        self.signs = Signs()


class Heartbeat:
    """Asks for signs of life and judges them. `look` is called about every `every_s`."""

    def __init__(self, terms: HeartTerms) -> None:
        self.terms = terms
        self._lock = threading.Lock()
        self._watched: dict[str, _Watched] = {}
        self._now_ns = 0
        self._looked_ns: int | None = None
        self._seen_ns = 0
        self._still_ns = 0

    def watch(self, address: str, mailbox: Mailbox, waits: Callable[[], bool] = never) -> None:
        """Begin to watch an actor, or another one at the same address.

        Args:
            address: its own.
            mailbox: what it takes from.
            waits: whether it waits for its turn among others who share its thread.
        """
        with self._lock:
            self._watched[address] = _Watched(mailbox, self._now_ns, waits)

    def forget(self, address: str) -> None:
        """Watch nobody at an address any more."""
        with self._lock:
            self._watched.pop(address, None)

    def signs(self, address: str) -> Signs:
        """Return how an actor was at the last look."""
        with self._lock:
            watched = self._watched.get(address)
            return Signs() if watched is None else watched.signs

    def stands_still(self, monotonic_ns: int) -> bool:
        """Tell whether nobody has looked for longer than an actor may be silent.

        To be asked about once a second. What lies between two questions counts for no longer than
        an actor takes to be stuck: beyond that the machine slept, and whoever asks woke first.
        """
        with self._lock:
            if self._looked_ns is None:
                return False
            self._still_ns += min(monotonic_ns - self._seen_ns, self.terms.stuck_after_ns)
            self._seen_ns = monotonic_ns
            return self._still_ns > self.terms.unhealthy_after_ns

    def look(self, monotonic_ns: int, handled: dict[str, int]) -> list[Finding]:
        """Ask everybody, and return what is news.

        Args:
            monotonic_ns: now. Where it has moved on by more than two beats, as after a sleep of
                the machine, nobody could have answered: that time does not count.
            handled: by address, how many messages it has handled, those of supervision included.
        """
        with self._lock:
            if self._looked_ns is not None:
                most_ns = round(2 * self.terms.every_s * NS_PER_S)
                self._now_ns += min(monotonic_ns - self._looked_ns, most_ns)
            self._looked_ns = self._seen_ns = monotonic_ns
            self._still_ns = 0
            return [
                finding
                for address, watched in self._watched.items()
                for finding in self._look_at(address, watched, handled.get(address, 0))
            ]

    def _look_at(self, address: str, watched: _Watched, handled: int) -> list[Finding]:
        now_ns, mailbox = self._now_ns, watched.mailbox
        if mailbox.beats_answered != watched.answered:
            watched.answered, watched.asked_ns, watched.waits_ns = (
                mailbox.beats_answered,
                None,
                None,
            )
        if watched.asked_ns is not None and watched.waits():
            if watched.waits_ns is None:
                watched.waits_ns = watched.asked_ns
            # Silence begins with a turn that does not end.
            watched.asked_ns = now_ns
        if mailbox.beat():
            watched.asked_ns = now_ns
        silent_ns = 0 if watched.asked_ns is None else now_ns - watched.asked_ns
        if handled != watched.worked:
            watched.worked, watched.worked_ns = handled, now_ns
        lag_ns = self._lag_ns(watched)
        watched.signs = Signs(silent_ns, lag_ns, now_ns - watched.worked_ns)
        told = [*self._of_silence(watched, silent_ns), *self._of_lag(watched, lag_ns, silent_ns)]
        return [Finding(address, trouble, for_ns) for trouble, for_ns in told]

    def _lag_ns(self, watched: _Watched) -> int:
        """Return how long something that waits has waited, from when so much had been queued."""
        mailbox, marks = watched.mailbox, watched.marks
        taken = mailbox.taken
        while marks and marks[0][1] <= taken:
            marks.popleft()
        queued = mailbox.queued
        if queued > taken and len(marks) < _MOST_MARKS and (not marks or marks[-1][1] < queued):
            marks.append((self._now_ns, queued))
        lag_ns = self._now_ns - marks[0][0] if marks else 0
        if watched.waits_ns is None:
            return lag_ns
        return max(lag_ns, self._now_ns - watched.waits_ns)

    def _of_silence(self, watched: _Watched, silent_ns: int) -> list[tuple[Trouble, int]]:
        terms, told = self.terms, []
        if watched.stuck_ns is None and silent_ns >= terms.stuck_after_ns:
            watched.stuck_ns = self._now_ns - silent_ns
            told.append((Trouble.STUCK, silent_ns))
        elif watched.stuck_ns is not None and silent_ns < terms.stuck_after_ns:
            told.append((Trouble.ANSWERS, self._now_ns - watched.stuck_ns))
            watched.stuck_ns, watched.is_hopeless = None, False
        if not watched.is_hopeless and silent_ns >= terms.replace_after_ns:
            watched.is_hopeless = True
            told.append((Trouble.HOPELESS, silent_ns))
        return told

    def _of_lag(self, watched: _Watched, lag_ns: int, silent_ns: int) -> list[tuple[Trouble, int]]:
        """Tell of a queue that is not worked off by an actor that answers."""
        if watched.late_ns is None:
            if lag_ns < self.terms.late_after_ns or silent_ns >= self.terms.stuck_after_ns // 2:
                return []
            watched.late_ns = self._now_ns - lag_ns
            return [(Trouble.LATE, lag_ns)]
        if lag_ns >= self.terms.late_after_ns:
            return []
        late_ns, watched.late_ns = watched.late_ns, None
        return [(Trouble.CAUGHT_UP, self._now_ns - late_ns)]
