"""How many trades and entries a trading day has: the counters that accounts are shown with."""

from collections.abc import Iterable
from typing import NamedTuple, Self

from risk_actors.core.trade_history import Entry, Trade, TradeHistory
from risk_actors.core.trading_calendar import Window


class DayCounts(NamedTuple):
    """The counts of one day, and what was counted."""

    history: TradeHistory
    day: Window
    closed: int
    """Trades that began in the day and have ended."""
    open: int
    """Those that are under way."""
    entries: int

    @property
    def trades(self) -> int:
        """Trades that began in the day."""
        return self.closed + self.open

    @classmethod
    def of(cls, history: TradeHistory, day: Window) -> Self:
        """Return the counts of a day."""
        under_way = _begun(history.open, day)
        ended = history.trades_begun_in(day) - under_way
        return cls(history, day, ended, under_way, history.entries_in(day))

    def after(self, history: TradeHistory) -> Self:
        """Return the counts of the same day by another history.

        Most only have more at their ends, and nothing is counted twice. What was counted anew has
        other trades and entries, the first ones among them.
        """
        known = self.history
        goes_on = _goes_on(known.closed, history.closed) and _goes_on(
            known.entries, history.entries
        )
        if not goes_on:
            return self.of(history, self.day)
        return self._replace(
            history=history,
            closed=self.closed + _begun(history.closed[len(known.closed) :], self.day),
            open=_begun(history.open, self.day),
            entries=self.entries + _made(history.entries[len(known.entries) :], self.day),
        )


def _goes_on(before: tuple[object, ...], now: tuple[object, ...]) -> bool:
    """Tell whether a tuple is another one with more at its end.

    An entry that grows is replaced where it stands, but neither its time nor whether it counts
    changes with its size.
    """
    return not before or (len(now) >= len(before) and now[0] is before[0])


def _begun(trades: Iterable[Trade], day: Window) -> int:
    """Return how many trades began in a day, those under a lock left out."""
    count = 0
    for trade in trades:
        if day.start_ns <= trade.opened_ns < day.end_ns and not (
            trade.under_lock or trade.size_before
        ):
            count += 1
    return count


def _made(entries: Iterable[Entry], day: Window) -> int:
    """Return how many entries were made in a day, those under a lock left out."""
    count = 0
    for entry in entries:
        if day.start_ns <= entry.at_ns < day.end_ns and not entry.under_lock:
            count += 1
    return count
