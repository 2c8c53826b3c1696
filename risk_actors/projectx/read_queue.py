"""Whose turn it is to read: the most urgent first, as soon as the budget has room for it.

Nothing here waits at the head of a line: a read that must wait for room, for the end of a pause or
for the window of its own endpoint holds up nobody who may go.

Reads that belong together (an account read whole) keep the place of the first of them: with little
room, one account after the other is read, rather than a part of each.
"""

import asyncio
from bisect import insort
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from itertools import count

from loguru import logger

from risk_actors.projectx.budget import RequestBudget, Urgency
from risk_actors.projectx.ports import Clock

_NS_PER_S = 1e9
_LOOK_EVERY_S = 1.0
"""At least so often, as the clock may be set and the share of reads grows back."""

_place: ContextVar[int | None] = ContextVar("place", default=None)
_next_place = count(1).__next__


@contextmanager
def together() -> Iterator[None]:
    """Have the reads asked for within, and by tasks made within, keep one place in their line."""
    token = _place.set(_next_place())
    try:
        yield
    finally:
        _place.reset(token)


@contextmanager
def first_in_line() -> Iterator[None]:
    """Have the reads asked for within come before the others of their line."""
    token = _place.set(0)
    try:
        yield
    finally:
        _place.reset(token)


class ReadQueue:
    """Gives reads their turn. Use it on its event loop only."""

    def __init__(self, budget: RequestBudget, clock: Clock) -> None:
        self._budget = budget
        self._clock = clock
        self._lines: dict[Urgency, list[_Ticket]] = {urgency: [] for urgency in Urgency}
        self._timer: asyncio.TimerHandle | None = None
        self._has_said = False

    @property
    def waiting(self) -> int:
        """How many reads wait for their turn; may be asked from any thread."""
        return sum(len(line) for line in self._lines.values())

    @asynccontextmanager
    async def turn(self, urgency: Urgency, *, is_bars: bool = False) -> AsyncIterator[int]:
        """Wait for the turn of one read and count it; gives the instant at which it goes."""
        ticket = _Ticket(urgency, is_bars)
        insort(self._lines[urgency], ticket, key=lambda each: each.place)
        self._look()
        try:
            yield await ticket.went_ns
        finally:
            if ticket.has_gone:
                self._budget.end_read(urgency)
            else:
                self._lines[urgency].remove(ticket)
            self._look()

    def _look(self) -> None:
        """Let go whoever may go now, and look again when the next one may."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        now_ns = self._clock.now_ns()
        waits_ns = [self._let_go(now_ns, line) for line in self._lines.values()]
        soonest_ns = min((wait_ns for wait_ns in waits_ns if wait_ns), default=0)
        if soonest_ns and not self._has_said:
            logger.debug("{} reads wait for the request budget", self.waiting)
        self._has_said = bool(soonest_ns)
        if soonest_ns:
            wait_s = min(soonest_ns / _NS_PER_S, _LOOK_EVERY_S)
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._look)

    def _let_go(self, now_ns: int, line: list["_Ticket"]) -> int:
        """Let go those of a line who may; return when the next one may, in ns, or 0."""
        soonest_ns = 0
        for ticket in tuple(line):
            wait_ns = self._budget.wait_ns(now_ns, ticket.urgency, is_bars=ticket.is_bars)
            if not wait_ns:
                line.remove(ticket)
                self._budget.begin_read(now_ns, ticket.urgency, is_bars=ticket.is_bars)
                ticket.go(now_ns)
                continue
            soonest_ns = min(soonest_ns or wait_ns, wait_ns)
            if not ticket.is_bars:
                break
        return soonest_ns


class _Ticket:
    """One read that has asked for its turn."""

    def __init__(self, urgency: Urgency, is_bars: bool) -> None:
        self.urgency = urgency
        self.is_bars = is_bars
        place = _place.get()
        self.place = _next_place() if place is None else place
        self.has_gone = False
        self.went_ns: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def go(self, now_ns: int) -> None:
        self.has_gone = True
        if not self.went_ns.done():
            self.went_ns.set_result(now_ns)
