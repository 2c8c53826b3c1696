"""What an account has traded of late: entries and trades, as rules on trading habits count them.

A trade is a round trip in one contract, from flat to flat; a reversal ends one and begins the
next; scaling in stays in the trade. An entry is an order whose fills opened or increased a
position, however many partial fills it took. What was opened under a lock is marked: it counts in
P&L, but not in cooldowns, streaks or trade counts, so that enforcement never feeds a rule.
"""

from collections.abc import Iterator
from decimal import Decimal
from heapq import heappop, heappush
from itertools import takewhile

import msgspec

from risk_actors.core.broker import Side
from risk_actors.core.trading_calendar import Window


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One order that opened or increased a position."""

    order_id: int
    contract_id: str
    symbol: str
    side: Side
    size: int
    """Contracts it has opened or added so far; what only closed is not in it."""
    at_ns: int
    """Broker time of its first fill that opened or increased."""
    opened_trade: bool
    """Whether its first fill began a trade, or only added to one."""
    under_lock: bool = False
    first_fill_id: int = 0
    """The fill that `at_ns` is the time of."""
    fill_number: int | None = None
    """That fill's place in `TradeHistory.fill_times_ns`; None where it does not count, or for an
    entry that is only imagined."""


class Trade(msgspec.Struct, frozen=True, kw_only=True):
    """One round trip; still open while `closed_ns` is None."""

    contract_id: str
    symbol: str
    side: Side
    """The side it was opened on: a buy is a long trade."""
    opened_ns: int
    """Broker time of the first fill known."""
    peak_size: int
    """The largest size it reached, unsigned contracts."""
    closed_ns: int | None = None
    """Broker time of the fill that made it flat."""
    net_usd: Decimal | None = None
    """Profit of its fills less their fees and commissions; None while the broker has not said."""
    under_lock: bool = False
    """Whether it was opened under a lock."""
    size_before: int = 0
    """What was open (unsigned contracts) before the first fill known; what opening it cost is not
    in `net_usd`."""
    first_fill_id: int = 0
    """The fill that opened it, or the first one known."""
    last_fill_id: int = 0
    """The fill that made it flat; 0 while it is open."""
    changes: tuple[tuple[int, int], ...] = ()
    """While it is open: for each fill known its order, and what it added to the unsigned size."""

    @property
    def opening_known(self) -> bool:
        """Whether `opened_ns` is when it was opened; else it is older than the fills known."""
        return not self.size_before

    def remaining(self, excess_order_ids: frozenset[int]) -> int:
        """Return the size that may stay of an open trade, were the entries named never made.

        Exits are taken to shrink the excess first, for only what is left of it has to go.
        """
        size = self.size_before
        allowed = size
        for order_id, change in self.changes:
            size += change
            if change < 0:
                allowed = min(allowed, size)
            elif order_id not in excess_order_ids:
                allowed += change
        return allowed


class TradeHistory(msgspec.Struct, frozen=True, kw_only=True):
    """Entries and trades since the week began (or since fills are known), oldest first."""

    entries: tuple[Entry, ...] = ()
    closed: tuple[Trade, ...] = ()
    """In the order in which they closed."""
    open: tuple[Trade, ...] = ()
    """In the order in which they were opened."""
    fill_times_ns: tuple[int, ...] = ()
    """Broker time of every fill that counts: not voided, and not of a trade under a lock."""

    def entries_in(self, window: Window) -> int:
        """Return how many entries that count were made in a span of time."""
        since = takewhile(lambda entry: entry.at_ns >= window.start_ns, self.entries_newest_first())
        return sum(entry.at_ns < window.end_ns for entry in since)

    def trades_begun_in(self, window: Window) -> int:
        """Return how many trades that count began in a span of time."""
        since = takewhile(
            lambda trade: trade.opened_ns >= window.start_ns, self.begun_newest_first()
        )
        return sum(trade.opened_ns < window.end_ns for trade in since)

    def is_unpriced_since(self, at_ns: int) -> bool:
        """Tell whether the profit of a trade open now, or closed since, has not been told."""
        for trade in self.open:
            if trade.net_usd is None:
                return True
        for trade in reversed(self.closed):
            if (trade.closed_ns or 0) < at_ns:
                return False
            if trade.net_usd is None:
                return True
        return False

    def entries_newest_first(self) -> Iterator[Entry]:
        """Yield the entries that count; who stops early does not pay for the whole week."""
        return (entry for entry in reversed(self.entries) if not entry.under_lock)

    def closed_newest_first(self) -> Iterator[Trade]:
        """Yield the closed trades that count, the last one closed first."""
        return (trade for trade in reversed(self.closed) if not trade.under_lock)

    def begun_newest_first(self) -> Iterator[Trade]:
        """Yield the trades that count and whose beginning is known, the last one begun first.

        Closed trades come in the order of their closing. One may be passed on once it began after
        the next one closed, for that and all further ones began no later than they closed.
        """
        waiting: list[tuple[int, int, int, Trade]] = []
        number = 0
        for trade in self.open:
            number += 1
            if not (trade.size_before or trade.under_lock):
                heappush(waiting, (-trade.opened_ns, -trade.first_fill_id, number, trade))
        for trade in reversed(self.closed):
            number += 1
            closed_ns = trade.closed_ns
            while closed_ns and waiting and -waiting[0][0] > closed_ns:
                yield heappop(waiting)[-1]
            if not (trade.size_before or trade.under_lock):
                heappush(waiting, (-trade.opened_ns, -trade.first_fill_id, number, trade))
        while waiting:
            yield heappop(waiting)[-1]
