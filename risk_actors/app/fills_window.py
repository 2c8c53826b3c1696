"""Since when the broker's fills are wanted."""

from risk_actors.core.trading_calendar import TradingCalendar


class FillsWindow:
    """Since when the broker's fills are wanted, by the calendar that holds now."""

    def __init__(self, calendar: TradingCalendar) -> None:
        self.calendar = calendar

    def __call__(self, now_ns: int) -> int:
        """Return the earlier of both beginnings; a week may begin after the day does."""
        return min(self.calendar.day(now_ns).start_ns, self.calendar.week(now_ns).start_ns)
