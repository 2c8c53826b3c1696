"""Hours in which only what is urgent is told."""

import re
from datetime import datetime, time, tzinfo
from typing import NamedTuple, Self

from risk_actors.core.evidence import NS_PER_S

_HOURS = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")


class QuietHours(NamedTuple):
    """From one time of day to another, over midnight where the second is the earlier one."""

    begin: time
    end: time

    @classmethod
    def of(cls, text: str) -> Self:
        """Return the hours that a text such as `22:00-07:00` names.

        Raises:
            ValueError: it names none.
        """
        fault = f'quiet_hours: "{text}" is not written like "22:00-07:00"'
        found = _HOURS.fullmatch(text.strip())
        if found is None:
            raise ValueError(fault)
        hour, minute, end_hour, end_minute = map(int, found.groups())
        try:
            hours = cls(time(hour, minute), time(end_hour, end_minute))
        except ValueError:
            raise ValueError(fault) from None
        if hours.begin == hours.end:
            raise ValueError(f'quiet_hours: "{text}" begins when it ends')
        return hours

    def holds(self, at: time) -> bool:
        """Tell whether a time of day lies in them; the end does not."""
        if self.begin < self.end:
            return self.begin <= at < self.end
        return at >= self.begin or at < self.end


def is_quiet(hours: tuple[QuietHours, ...], now_ns: int, zone: tzinfo) -> bool:
    """Tell whether an instant lies in any of the hours."""
    at = datetime.fromtimestamp(now_ns // NS_PER_S, zone).time()
    return any(each.holds(at) for each in hours)
