"""How many requests may still be sent this minute, and who may send them.

The Gateway allows 200 requests in 60 s over all endpoints and answers 429 beyond, and 50 requests
for bars in 30 s (documented; whether its windows slide is not). We count in sliding windows, which
is right for either kind. Whose requests it counts is not documented either, and other programs use
the same login, so a 429 may come although our count says there is room: see `backoff.py`.

Whoever does not read is blind, so no burst (a start, hubs that drop again and again) may use up
the minute. Each kind of read may be sent at once only until so much of the minute is used; those
that nobody may be without go on from there, at a pace that makes what is left last.
"""

import threading
from enum import Enum
from typing import NamedTuple

from risk_actors.projectx.backoff import Backoff
from risk_actors.projectx.reach import Reach
from risk_actors.projectx.windows import Pace, Window

NS_PER_S = 1_000_000_000
WINDOW_NS = 60 * NS_PER_S
BARS_PER_WINDOW = 50
BARS_WINDOW_NS = 30 * NS_PER_S
_COMMANDS_SHARE = 0.05
"""Part of the budget that no read may use, not even an enforcement's: it is for its commands."""
_EXPECTED_SHARE = 0.1
"""As many commands, pings and logins as there were in a minute may come in the next; so much of
the budget, at most, is kept for them besides."""
_UNTIL_ONE_ENDS_NS = NS_PER_S
"""How soon to look again when it is another read's end that is waited for."""
LOOKS = 3
LOOK_WINDOW_NS = 2 * NS_PER_S
"""The pace of light looks, at its fastest."""
READS = 7
READ_WINDOW_NS = 5 * NS_PER_S
"""The pace of other reads: enough to read one account whole, and to begin with the next. With the
user hub down, nobody is blind for longer than this because of 429s that are over."""
FLOOR = 3
FLOOR_WINDOW_NS = 4 * NS_PER_S
"""What protects (looks, what has changed, enforcements) never comes to a stop: room is kept so that
so many of these reads may go in each window, until there is more."""
_LOOKS_LAST = 20
_READS_LAST = 4
"""For how many of its windows each pace makes last what is left."""
_TIGHT_BELOW = 0.5
_SEVERAL_TRIALS = 2
_ONE_TRIAL = 1


class Urgency(Enum):
    """On whose behalf a read is asked; the first comes before the others."""

    ENFORCEMENT = 0
    """An enforcement in progress looks whether it has worked."""
    CHANGED = 1
    """A light look has shown that an account has changed: it may have to be enforced on."""
    LOOK = 2
    """A light look at the accounts, in the user hub's place or after a gap in its stream."""
    NORMAL = 3
    """Something is not known, or seems not to fit."""
    BACKGROUND = 4
    """Nothing seems amiss: what is read by the clock."""


_ENFORCEMENTS_FLOOR = 1
"""How much of the floor an enforcement may use that looks whether it has worked: whatever is new
must be seen as well."""
_PROTECTING = frozenset({Urgency.ENFORCEMENT, Urgency.CHANGED, Urgency.LOOK})
AT_ONCE = {
    Urgency.LOOK: 0.75,
    Urgency.NORMAL: 0.75,
    Urgency.BACKGROUND: 0.5,
}
"""Part of the reads' share that may be used up by what is sent at once. Enforcements, and what has
changed, as the next one may hang on it, may use all but what is for commands and for the floor."""


class BudgetState(NamedTuple):
    """The budget at one instant, to be shown."""

    used: int
    """Requests of the last 60 s, of all kinds."""
    allowed: int
    """Requests in 60 s that the settings say the broker allows."""
    reads_allowed: int
    """Of these, how many ordinary reads may use; less for a while after a 429."""
    room: int
    """Ordinary reads that may be sent at once now; none during a pause."""
    paused_until_ns: int | None
    """Until when (ns of UTC) ordinary reads pause because of a 429; None when they do not."""
    refused: int
    """How often the broker has answered 429 since the start."""
    refused_ns: int | None
    """When it last did (ns of UTC)."""


class RequestBudget:
    """A sliding window over the requests of the last 60 s.

    Reads wait when their share is used up; commands (close, cancel) are only counted, and a part
    of the budget is out of the ordinary reads' reach so that it is there when an enforcement needs
    it. May be used from any thread.
    """

    def __init__(self, requests_per_minute: int, *, enforcement_share: float = 0.2) -> None:
        self._allowed = requests_per_minute
        self._sent = Window(WINDOW_NS)
        self._others = Window(WINDOW_NS)
        """What is no read: commands, pings, logins. Nobody holds them back."""
        self._bars = Window(BARS_WINDOW_NS)
        share = max(1, int(requests_per_minute * (1 - enforcement_share)))
        self._most_reads = max(share, int(requests_per_minute * (1 - _COMMANDS_SHARE)))
        self._most_expected = int(requests_per_minute * _EXPECTED_SHARE)
        self._backoff = Backoff(share)
        self._paces = {
            Urgency.LOOK: Pace(LOOKS, LOOK_WINDOW_NS, _LOOKS_LAST),
            Urgency.NORMAL: Pace(READS, READ_WINDOW_NS, _READS_LAST),
        }
        """How those go on that may not be blind."""
        self._floor = Window(FLOOR_WINDOW_NS)
        """What was sent of the floor."""
        self._reach = Reach()
        self._running = dict.fromkeys(Urgency, 0)
        self._now_ns = 0
        self._lock = threading.Lock()

    def wait_ns(
        self, now_ns: int, urgency: Urgency = Urgency.NORMAL, *, is_bars: bool = False
    ) -> int:
        """Return how long a read must wait from now, in ns, at least; 0 when it may go.

        It may be able to go earlier, when another read ends.
        """
        with self._lock:
            self._tell(now_ns)
            if self._backoff.is_on_trial or self._reach.is_lost:
                most = _SEVERAL_TRIALS if urgency is Urgency.ENFORCEMENT else _ONE_TRIAL
                if self._running[urgency] >= most:
                    return _UNTIL_ONE_ENDS_NS
            is_urgent = urgency is Urgency.ENFORCEMENT
            waits = [
                self._backoff.pause_ns(now_ns, is_urgent=is_urgent),
                self._reach.wait_ns(now_ns, is_urgent=is_urgent),
                self._room_wait_ns(now_ns, urgency),
            ]
            if is_bars:
                waits.append(self._bars.wait_ns(now_ns, BARS_PER_WINDOW))
            return max(waits)

    def count(self, now_ns: int) -> None:
        """Count one request that is no read, sent now; as many are expected in the next minute."""
        with self._lock:
            self._tell(now_ns)
            self._sent.add(now_ns)
            self._others.add(now_ns)

    def begin_read(self, now_ns: int, urgency: Urgency, *, is_bars: bool = False) -> None:
        """Count one read, sent now; `end_read` must follow."""
        with self._lock:
            self._tell(now_ns)
            if urgency in self._paces and len(self._sent) >= self._limit(now_ns, urgency):
                self._paces[urgency].add(now_ns)
            if urgency in _PROTECTING and not self._leaves_floor(now_ns, urgency):
                self._floor.add(now_ns)
            self._sent.add(now_ns)
            if is_bars:
                self._bars.add(now_ns)
            self._running[urgency] += 1

    def end_read(self, urgency: Urgency) -> None:
        """Take that a read is over, whatever came of it."""
        with self._lock:
            self._running[urgency] -= 1

    def refused(self, now_ns: int, sent_ns: int, retry_after_s: float | None = None) -> None:
        """Take that the broker has answered 429 to what was sent at an instant."""
        with self._lock:
            self._tell(now_ns)
            self._backoff.refused(now_ns, sent_ns, retry_after_s)
            self._reach.found()

    def take_back(self, sent_ns: int) -> None:
        """Take that a request counted at an instant has never left: the broker counts it not."""
        with self._lock:
            self._sent.remove(sent_ns)
            self._others.remove(sent_ns)

    def unsent(self, now_ns: int, sent_ns: int) -> None:
        """Take that a read never left: there was no connection to send it over."""
        with self._lock:
            self._tell(now_ns)
            for window in (self._sent, self._floor, self._bars, *self._paces.values()):
                window.remove(sent_ns)
            self._reach.lost(now_ns, sent_ns)

    def reached(self) -> None:
        """Take that a read was sent, although no answer came."""
        with self._lock:
            self._reach.found()

    def answered(self, sent_ns: int) -> None:
        """Take that the broker has let a read pass that was sent at an instant."""
        with self._lock:
            self._reach.found()
            self._backoff.answered(sent_ns)

    def used(self, now_ns: int) -> int:
        """Return the requests of the last 60 s."""
        with self._lock:
            self._tell(now_ns)
            return len(self._sent)

    @property
    def reads_per_minute(self) -> int:
        """How many reads may be sent in 60 s; less for a while after a 429."""
        with self._lock:
            return self._backoff.reads_per_minute(self._now_ns)

    @property
    def looks_per_minute(self) -> int:
        """How many light looks their pace allows in 60 s; less for a while after a 429."""
        with self._lock:
            return self._most_looks(self._now_ns) * WINDOW_NS // LOOK_WINDOW_NS

    @property
    def is_refused(self) -> bool:
        """Whether the broker has answered 429 and has let no read pass since."""
        with self._lock:
            return self._backoff.is_on_trial

    @property
    def room(self) -> int:
        """How many reads may be sent at once, at least, pauses apart."""
        with self._lock:
            return max(self._limit(self._now_ns, Urgency.NORMAL) - len(self._sent), 0)

    @property
    def is_tight(self) -> bool:
        """Whether less than half of what may be read in a minute is left."""
        return self.room < self.reads_per_minute * _TIGHT_BELOW

    def state(self, now_ns: int) -> BudgetState:
        """Return what there is to show."""
        with self._lock:
            self._tell(now_ns)
            limit = self._limit(now_ns, Urgency.NORMAL)
            pause_ns = self._backoff.pause_ns(now_ns, is_urgent=False)
            return BudgetState(
                used=len(self._sent),
                allowed=self._allowed,
                reads_allowed=self._backoff.reads_per_minute(now_ns),
                room=0 if pause_ns else max(limit - len(self._sent), 0),
                paused_until_ns=now_ns + pause_ns if pause_ns else None,
                refused=self._backoff.refusals,
                refused_ns=self._backoff.refused_ns,
            )

    def _room_wait_ns(self, now_ns: int, urgency: Urgency) -> int:
        wait_ns = 0
        if urgency in AT_ONCE:
            wait_ns = self._sent.wait_ns(now_ns, self._limit(now_ns, urgency))
            pace = self._paces.get(urgency)
            if wait_ns and pace is not None:
                most = self._most_looks(now_ns) if urgency is Urgency.LOOK else pace.most
                limit = self._backoff.full if urgency is Urgency.NORMAL else self._most_reads
                wait_ns = min(wait_ns, pace.next_ns(now_ns, self._sent, most, limit))
        if not wait_ns and self._leaves_floor(now_ns, urgency):
            return 0
        if urgency not in _PROTECTING:
            return max(wait_ns, _UNTIL_ONE_ENDS_NS)
        most = _ENFORCEMENTS_FLOOR if urgency is Urgency.ENFORCEMENT else self._most_floor
        floor_ns = self._floor.wait_ns(now_ns, most) if self._most_floor else 0
        return max(wait_ns, floor_ns, self._sent.wait_ns(now_ns, self._most_reads))

    def _leaves_floor(self, now_ns: int, urgency: Urgency) -> bool:
        limit = self._urgent_limit if urgency in _PROTECTING else self._most_reads
        return self._sent.leaves(now_ns, limit, self._most_floor, FLOOR_WINDOW_NS)

    @property
    def _most_floor(self) -> int:
        """How many reads the floor is, in a window: not more than a small budget has room for."""
        return min(FLOOR, self._backoff.full * FLOOR_WINDOW_NS // (3 * WINDOW_NS))

    def _most_looks(self, now_ns: int) -> int:
        share = self._backoff.reads_per_minute(now_ns) / self._backoff.full
        # With a small budget, the looks alone must not be all there is.
        fits = self._backoff.full * LOOK_WINDOW_NS * 3 // (5 * WINDOW_NS)
        return max(min(round(LOOKS * share), fits), 1)

    def _limit(self, now_ns: int, urgency: Urgency) -> int:
        """Return how many requests in 60 s leave room for one that is sent at once."""
        reads = self._backoff.reads_per_minute(now_ns)
        return max(1, min(int(reads * AT_ONCE[urgency]), self._urgent_limit))

    @property
    def _urgent_limit(self) -> int:
        """How many requests in 60 s leave no room for any read."""
        return self._most_reads - min(len(self._others), self._most_expected)

    def _tell(self, now_ns: int) -> None:
        self._now_ns = now_ns
        for window in (self._sent, self._others, self._floor, self._bars, *self._paces.values()):
            window.forget_outside(now_ns)
        self._backoff.tell(now_ns)
        self._reach.tell(now_ns)
