"""The course that an account's balance took over the fills of a week, reckoned back from now.

Only fills move it here. Money paid in or out in between shifts what lies before it; a trader sets
the floor of a drawdown by hand after a payout.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Self

from risk_actors.core.broker import Fill
from risk_actors.core.money import ZERO
from risk_actors.core.pnl_state import Closing
from risk_actors.core.trading_calendar import TradingCalendar


class BalanceCourse:
    """Sums of net results in the order of time."""

    def __init__(self, calendar: TradingCalendar) -> None:
        self._calendar = calendar
        self._total_usd = ZERO
        self._high_usd = ZERO
        self._total_by_day_end: dict[int, Decimal] = {}
        self._last = (0, 0)
        self._closings: tuple[tuple[Decimal | None, int], tuple[Closing, ...]] = ((None, 0), ())

    @classmethod
    def of(cls, fills: Iterable[Fill], calendar: TradingCalendar) -> Self:
        """Return the course over fills that come in any order."""
        course = cls(calendar)
        for fill in sorted(fills, key=_by_time):
            course.add(fill)
        return course

    def add(self, fill: Fill) -> bool:
        """Add a fill; tell False, and do nothing, where it belongs before one already added."""
        if _by_time(fill) < self._last:
            return False
        self._last = _by_time(fill)
        if not fill.voided:
            self._total_usd += fill.net_usd
            self._high_usd = max(self._high_usd, self._total_usd)
            day = self._calendar.day(fill.at_ns)
            if not self._total_by_day_end:
                # What it all began with is how the day before ended.
                self._total_by_day_end[day.start_ns] = ZERO
            self._total_by_day_end[day.end_ns] = self._total_usd
        return True

    def high_usd(self, balance_usd: Decimal | None) -> Decimal | None:
        """Return the highest balance since before the first fill, given the balance now."""
        if balance_usd is None:
            return None
        return balance_usd - self._total_usd + self._high_usd

    def closings(self, balance_usd: Decimal | None, *, before_ns: int) -> tuple[Closing, ...]:
        """Return how each day with fills, and the one before the first, ended by an instant."""
        if balance_usd is None:
            return ()
        start_usd = balance_usd - self._total_usd
        if self._closings[0] != (start_usd, before_ns):
            made = tuple(
                Closing(day_end_ns=end_ns, balance_usd=start_usd + total_usd)
                for end_ns, total_usd in self._total_by_day_end.items()
                if end_ns <= before_ns
            )
            self._closings = ((start_usd, before_ns), made)
        return self._closings[1]


def _by_time(fill: Fill) -> tuple[int, int]:
    return fill.at_ns, fill.id
