"""Who has the next turn: whoever stands furthest downstream, and nobody waits without end.

By rank alone one who always has something to do would starve all behind him: time, prices and the
rules among them. So:

- Every second turn goes to whoever has waited longest, once that is longer than `LATE_S`. With
  n others ready, one who is late has a turn after 2 n turns at most, whatever his rank.
- A source, which takes what comes from outside, has `AT_ONCE` turns; further ones when there is
  nothing else to do. What it sends makes work for many, and what cannot be done yet is better kept
  with the source that it comes from than in the mailboxes of those whom all sources share.
  Meanwhile one turn of one source in `LATE_S` is conceded, so that it does not stand still either.

Nothing here knows a clock or a thread: instants are arguments, in seconds of any clock that is
never set.
"""

from collections import deque
from collections.abc import Collection

LATE_S = 0.01
"""How long one may wait for its turn before it is asked how long. Many times what an answer to an
event takes, so that answers go by rank alone as long as there is time for everything."""

AT_ONCE = 8
"""Turns of a source before those downstream of all sources have had theirs. A fill is told in two
or three events, which are to be known together; few events come in more."""


class Taker:
    """One who takes turns. It waits for one at most once."""

    __slots__ = ("had", "is_source", "is_waiting", "rank", "round", "since_s")

    def __init__(self, rank: int) -> None:
        self.rank = rank
        self.is_source = False
        self.is_waiting = False
        """Whether it waits for its turn now, rather than to have something to do."""
        self.since_s = 0.0
        """Since when."""
        self.round = -1
        self.had = 0
        """How many turns it has had in that round."""

    @property
    def is_patient(self) -> bool:
        """Whether nothing waits for it but what something newer may take the place of."""
        return False


class Turns[T: Taker]:
    """Those who wait for a turn. Any thread may add; one takes."""

    def __init__(
        self, ranks: int, *, sources: Collection[int] = (), prices_every_s: float = 0.0
    ) -> None:
        """Take how many ranks there are.

        Args:
            ranks: 0 is furthest downstream.
            sources: ranks that take what comes from outside, and have to hold back.
            prices_every_s: how soon a turn of the last rank may follow another while whoever has
                it is patient; the last rank is for prices, then.
        """
        self._new: deque[T] = deque()
        self._ranks: tuple[deque[T], ...] = tuple(deque() for _ in range(ranks))
        self._held_back: deque[T] = deque()
        self._all = (self._new, *self._ranks, self._held_back)
        self._prices = self._ranks[-1] if prices_every_s else None
        self._by_rank = (self._new, *(self._ranks[:-1] if prices_every_s else self._ranks))
        self._unpaced = (*self._by_rank, self._held_back)
        self._sources = frozenset(sources)
        self._prices_every_s = prices_every_s
        self._round = 0
        """Ends when nobody but sources that hold back has anything to do."""
        self._look_s = 0.0
        """Before that nobody is late."""
        self._was_late = False
        self._concede_s = 0.0
        self.prices_s = 0.0
        """When the next turn may be for prices alone."""
        self.is_for_prices = False
        """Whether the turn that was taken last is for prices alone."""

    def add_new(self, taker: T, now_s: float) -> None:
        """Let one wait for its first turn, which comes before all others."""
        taker.is_source = taker.rank in self._sources
        taker.since_s = now_s
        taker.is_waiting = True
        self._new.append(taker)

    def add(self, taker: T, now_s: float) -> None:
        """Let one wait for a turn."""
        taker.since_s = now_s
        taker.is_waiting = True
        if taker.is_source and taker.had >= AT_ONCE and taker.round == self._round:
            self._held_back.append(taker)
        else:
            self._ranks[taker.rank].append(taker)

    def take(self, now_s: float) -> T | None:
        """Return who has a turn now; None when nobody has, or another thread took it."""
        self.is_for_prices = False
        try:
            if now_s >= self._look_s and not self._was_late:
                queue = self._longest_waiting(now_s)
                if queue is not None:
                    self._was_late = True
                    return self._given(queue, now_s)
            self._was_late = False
            for queue in self._by_rank:
                if queue:
                    taker = queue.popleft()
                    taker.is_waiting = False
                    if taker.is_source:
                        self._count(taker)
                    return taker
            return self._take_behind(now_s)
        except IndexError:
            return None

    @property
    def is_ready(self) -> bool:
        """Whether somebody has a turn now, prices left out where they come at their pace."""
        return any(self._unpaced)

    def rest_s(self, now_s: float) -> float:
        """Return how long there is to rest before prices have a turn; -1 when none wait."""
        return max(0.0, self.prices_s - now_s) if self._prices else -1

    def _take_behind(self, now_s: float) -> T | None:
        prices = self._prices
        if prices and (now_s >= self.prices_s or not prices[0].is_patient):
            return self._given(prices, now_s)
        self._round += 1
        return self._given(self._held_back, now_s) if self._held_back else None

    def _given(self, queue: deque[T], now_s: float) -> T:
        taker = queue.popleft()
        taker.is_waiting = False
        if queue is self._prices:
            self.prices_s = now_s + self._prices_every_s
            self.is_for_prices = taker.is_patient
        elif queue is self._held_back:
            self._concede_s = now_s + LATE_S
        if taker.is_source:
            self._count(taker)
        return taker

    def _count(self, taker: T) -> None:
        if taker.round != self._round:
            taker.round, taker.had = self._round, 0
        taker.had += 1

    def _longest_waiting(self, now_s: float) -> deque[T] | None:
        """Return where the one stands who has waited longest, if that is too long."""
        found, first_s = None, now_s + LATE_S
        for queue in self._all:
            if not queue:
                continue
            due_s = queue[0].since_s + LATE_S
            if queue is self._held_back:
                due_s = max(due_s, self._concede_s)
            elif queue is self._prices and queue[0].is_patient:
                due_s = max(due_s, self.prices_s)
            if due_s < first_s:
                found, first_s = queue, due_s
        if first_s > now_s:
            # Whoever comes later is late later.
            self._look_s = first_s
            return None
        return found
