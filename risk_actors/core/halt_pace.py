"""When a close that a halted market refused is tried again, given the market's hours.

A calendar knows when a market opens after the night, the weekend or a holiday; nobody knows when a
halt inside the session ends. So while the calendar says closed, closes are few and one goes out at
the opening; around the opening, where clocks and the exchange differ by seconds, they are quick.
The calendar may be wrong, so it never makes the pause longer than a minute.
"""

from risk_actors.core.commands import Refusal
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.market_calendar import MarketCalendar
from risk_actors.core.retry_pace import RETRY_BY_REASON_NS

WHILE_CLOSED_NS = 60 * NS_PER_S
AROUND_OPENING_NS = 2 * NS_PER_S
OPENING_LASTS_NS = 30 * NS_PER_S
"""So long after the opening a refusal is most likely because it is not quite open yet."""
HALTS = frozenset({Refusal.HALTED, Refusal.RESERVED})

_LONGEST_NS = RETRY_BY_REASON_NS[Refusal.HALTED][-1]


def due_in_hours(market: MarketCalendar, symbol: str, now_ns: int, due_ns: int) -> int:
    """Return when to try again a close that the market refused now.

    Args:
        market: when each market is open.
        symbol: the exchange's symbol of the contract.
        now_ns: the time.
        due_ns: when it would be tried again without a calendar.
    """
    opened_ns = market.opened_ns(symbol, now_ns)
    if opened_ns is not None:
        is_opening = now_ns - opened_ns < OPENING_LASTS_NS
        return min(due_ns, now_ns + AROUND_OPENING_NS) if is_opening else due_ns
    has_tried_enough = due_ns - now_ns >= _LONGEST_NS
    next_ns = now_ns + WHILE_CLOSED_NS if has_tried_enough else due_ns
    return min(next_ns, market.next_open_ns(symbol, now_ns))
