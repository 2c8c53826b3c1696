"""How many trades and entries a trading day has: the counters that accounts are shown with."""

from typing import NamedTuple, Self

from risk_actors.core.trade_history import TradeHistory
from risk_actors.core.trading_calendar import Window


class DayCounts(NamedTuple):
    """The counts of one day, and what was counted."""

    history: TradeHistory
    day: Window
    trades: int
    entries: int

    @classmethod
    def of(cls, history: TradeHistory, day: Window) -> Self:
        """Return the counts of a day."""
        return cls(history, day, history.trades_begun_in(day), history.entries_in(day))
