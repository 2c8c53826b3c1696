"""The trading day and week: from one reset to the next, by cron schedule in a time zone.

A schedule means wall-clock time in its zone, so a day is 23 or 25 hours long when daylight saving
begins or ends. A wall-clock time that the change skips counts as the instant the clocks jump past
it; one that comes twice counts the first time. Both happen once.
"""

from datetime import UTC, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from croniter import croniter

from risk_actors.core.evidence import NS_PER_S


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
            ValueError: the expression is no valid schedule.
        """
        if not croniter.is_valid(cron):
            raise ValueError(f"`{cron}` is not a cron expression such as `0 17 * * *`")
        self._cron = cron
        self._zone = zone
        self._window = Window(0, 0)

    def window(self, at_ns: int) -> Window:
        """Return the window that an instant lies in."""
        if not self._window.contains(at_ns):
            self._window = self._find(at_ns)
        return self._window

    def _find(self, at_ns: int) -> Window:
        local = datetime.fromtimestamp(at_ns // NS_PER_S, self._zone).replace(tzinfo=None)
        # Wall-clock arithmetic is off by up to the size of a clock change; so candidates on both
        # sides are turned into instants first, and the instants decide.
        before = croniter(self._cron, local)
        earlier = [self._instant(before.get_prev(datetime)) for _ in range(3)]
        after = croniter(self._cron, local)
        later = [self._instant(after.get_next(datetime)) for _ in range(3)]
        here = [self._instant(local)] if croniter.match(self._cron, local) else []
        instants = sorted({*earlier, *later, *here})
        start_ns = max(instant for instant in instants if instant <= at_ns)
        end_ns = min(instant for instant in instants if instant > at_ns)
        return Window(start_ns, end_ns)

    def _instant(self, local: datetime) -> int:
        aware = local.replace(second=0, microsecond=0, tzinfo=self._zone, fold=0)
        return int(aware.astimezone(UTC).timestamp()) * NS_PER_S


class TradingCalendar:
    """The trading day and the trading week of a session."""

    def __init__(self, *, zone: ZoneInfo, daily_reset: str, weekly_reset: str) -> None:
        """Take the zone and the two cron expressions.

        Raises:
            ValueError: an expression is no valid schedule.
        """
        self.zone = zone
        self._daily = ResetSchedule(daily_reset, zone)
        self._weekly = ResetSchedule(weekly_reset, zone)

    def day(self, at_ns: int) -> Window:
        """Return the trading day of an instant."""
        return self._daily.window(at_ns)

    def week(self, at_ns: int) -> Window:
        """Return the trading week of an instant."""
        return self._weekly.window(at_ns)
