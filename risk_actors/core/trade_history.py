"""What an account has traded of late: entries and trades, as rules on trading habits count them.

A trade is a round trip in one contract, from flat to flat; a reversal ends one and begins the
next; scaling in stays in the trade. An entry is an order whose fills opened or increased a
position, however many partial fills it took. What was opened under a lock is marked: it counts in
P&L, but not in cooldowns, streaks or trade counts, so that enforcement never feeds a rule.
"""

from collections.abc import Iterator
from decimal import Decimal

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
    """Whether it began a trade, or only added to one."""
    under_lock: bool = False


class Trade(msgspec.Struct, frozen=True, kw_only=True):
    """One round trip; still open while `closed_ns` is None."""

    contract_id: str
    symbol: str
    side: Side
    """The side it was opened on: a buy is a long trade."""
    opened_ns: int
    """Broker time of the first fill."""
    peak_size: int
    """The largest size it reached, unsigned contracts."""
    closed_ns: int | None = None
    """Broker time of the fill that made it flat."""
    net_usd: Decimal | None = None
    """Profit of its fills less their fees and commissions; None while the broker has not said."""
    under_lock: bool = False


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
        return sum(1 for _ in self._counted(window))

    def trades_begun_in(self, window: Window) -> int:
        """Return how many trades that count began in a span of time."""
        return sum(1 for entry in self._counted(window) if entry.opened_trade)

    def _counted(self, window: Window) -> Iterator[Entry]:
        """Yield the entries that count, newest first; older ones are not even looked at."""
        for entry in reversed(self.entries):
            if entry.at_ns < window.start_ns:
                return
            if entry.at_ns < window.end_ns and not entry.under_lock:
                yield entry
