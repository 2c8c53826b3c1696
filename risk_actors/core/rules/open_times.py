"""Since when a position is held, by the broker's clock."""

from risk_actors.core.account_state import OpenPosition
from risk_actors.core.trade_history import Trade, TradeHistory


def opened_at_ns(position: OpenPosition, history: TradeHistory) -> int:
    """Return the first fill of the position's trade, else when the broker says it was opened."""
    trade = _trade_of(position, history)
    if trade is not None and trade.opening_known:
        return trade.opened_ns
    return position.opened_ns


def _trade_of(position: OpenPosition, history: TradeHistory) -> Trade | None:
    for trade in history.open:
        if trade.contract_id == position.contract_id:
            return trade
    if position.fills_size:
        return None
    # Its last fill has come and the broker's row has not: what is reported is the trade just
    # closed, unless the row is that of a position opened after it.
    for trade in reversed(history.closed):
        if trade.contract_id == position.contract_id:
            is_it = trade.closed_ns is not None and position.opened_ns < trade.closed_ns
            return trade if is_it else None
    return None
