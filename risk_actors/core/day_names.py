"""Which date a trading day is called by: the one on which it ends.

With the usual reset at 17:00 that is what traders and firms say too: what is traded on Sunday
evening belongs to Monday.
"""

from datetime import date, time

from risk_actors.core.trading_calendar import TradingCalendar, Window
from risk_actors.core.wall_clock import instant_ns, wall_time


def named_day(day: date, calendar: TradingCalendar) -> Window:
    """Return the trading day of a date: the one in which the date begins."""
    return calendar.day(instant_ns(day, time(), calendar.zone))


def name_of_day(at_ns: int, calendar: TradingCalendar) -> date:
    """Return the date by which the trading day of an instant is called."""
    # A day that ends at midnight is over before the next date begins.
    return wall_time(calendar.day(at_ns).end_ns - 1, calendar.zone).date()
