"""When a lock ends."""

from risk_actors.core.trading_calendar import TradingCalendar
from risk_actors.core.verdict import LockEnd, LockTerms


def lock_end_ns(terms: LockTerms, calendar: TradingCalendar, since_ns: int) -> int | None:
    """Return the end of a lock that began at an instant; None where a condition ends it."""
    match terms.end:
        case LockEnd.DAILY_RESET:
            return calendar.day(since_ns).end_ns
        case LockEnd.WEEKLY_RESET:
            return calendar.week(since_ns).end_ns
        case LockEnd.INSTANT:
            return terms.until_ns
        case LockEnd.CONDITION:
            return None
