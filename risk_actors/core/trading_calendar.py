"""The trading day and week: from one reset to the next, by cron schedule in a time zone.

A schedule means wall-clock time in its zone, so a day is 23 or 25 hours long when daylight saving
begins or ends. A wall-clock time that the change skips counts as the instant the clocks jump past
it; one that comes twice counts the first time. Both happen once.
"""

from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from croniter import CroniterBadDateError, croniter

from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.wall_clock import instant_ns

_CRON_FIELDS = 5
_WINDOWS_KEPT = 16
"""More than the days of a week and of the one before: fills of both are looked at in turn."""
_SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)


class Window(NamedTuple):
    """A half-open span of time: start included, end not."""

    start_ns: int
    end_ns: int

    def contains(self, at_ns: int) -> bool:
        """Tell whether an instant lies in the window."""
        return self.start_ns <= at_ns < self.end_ns


class ResetSchedule:
    """A cron schedule in a time zone; it divides time into windows."""

    def __init__(self, cron: str, zone: ZoneInfo) -> None:
        """Take a five-field cron expression.

        Raises:
            ValueError: the expression is no valid schedule, or never comes round.
        """
        if len(cron.split()) != _CRON_FIELDS or not croniter.is_valid(cron):
            raise ValueError(f"`{cron}` is not a cron expression such as `0 17 * * *`")
        try:
            croniter(cron, _SOME_DAY).get_next(datetime)
        except CroniterBadDateError:
            raise ValueError(f"`{cron}` never comes round") from None
        self.cron = cron
        self.zone = zone
        self._window = Window(0, 0)
        self._found: tuple[Window, ...] = ()

    def window(self, at_ns: int) -> Window:
        """Return the window that an instant lies in."""
        # Several threads ask, of present and past: what one looks at must not change under it.
        window = self._window
        if not window.contains(at_ns):
            window = self._window = self._kept(at_ns)
        return window

    def _kept(self, at_ns: int) -> Window:
        """Return the window of an instant, which is found once while it is among the last ones."""
        found = self._found
        for window in found:
            if window.start_ns <= at_ns < window.end_ns:
                return window
        window = self._find(at_ns)
        self._found = (window, *found[: _WINDOWS_KEPT - 1])
        return window

    def _find(self, at_ns: int) -> Window:
        local = datetime.fromtimestamp(at_ns // NS_PER_S, self.zone).replace(tzinfo=None)
        start_ns = self._instant(croniter(self.cron, local).get_prev(datetime))
        if croniter.match(self.cron, local):
            start_ns = self._instant(local)
        # In an hour that comes twice, what lies ahead on the clock may have happened already.
        ahead = croniter(self.cron, local)
        while (end_ns := self._instant(ahead.get_next(datetime))) <= at_ns:
            start_ns = end_ns
        return Window(start_ns, end_ns)

    def _instant(self, local: datetime) -> int:
        """Return when a wall clock first shows the minute of a time, or passes over it."""
        return instant_ns(local.date(), local.time().replace(second=0), self.zone)


class TradingCalendar:
    """The trading day and the trading week of a session."""

    def __init__(self, *, zone: ZoneInfo, daily_reset: str, weekly_reset: str) -> None:
        """Take the zone and the two cron expressions.

        Raises:
            ValueError: an expression is no valid schedule.
        """
        self.zone = zone
        self.daily = ResetSchedule(daily_reset, zone)
        self.weekly = ResetSchedule(weekly_reset, zone)

    def day(self, at_ns: int) -> Window:
        """Return the trading day of an instant."""
        return self.daily.window(at_ns)

    def week(self, at_ns: int) -> Window:
        """Return the trading week of an instant."""
        return self.weekly.window(at_ns)
