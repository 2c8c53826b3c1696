"""When something in a scenario happens: seconds since its start, or a time on the wall.

Wall-clock times are those of the session's zone. They can be kept only where the clock is ours;
a scenario that also runs over sockets counts seconds, and its settings name instants by
placeholders.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

NS_PER_S = 1_000_000_000

_PLACEHOLDER = re.compile(
    r"\{start(?:(?P<sign>[+-])(?P<count>\d+(?:\.\d+)?)(?P<unit>s|m|h|d))?(?::(?P<form>[^}]+))?\}"
)
_UNIT_S = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}


class When:
    """A point in a scenario's time, as its file writes it."""

    def __init__(self, given: object) -> None:
        """Take what the file says.

        Raises:
            ValueError: it is no number, time of day, or date and time.
        """
        is_time = isinstance(given, time | datetime)
        is_number = isinstance(given, int | float) and not isinstance(given, bool)
        if not (is_time or is_number):
            raise ValueError(
                "expected seconds since the start (12.5), a time of day (08:31:00) "
                "or a date with one (2026-03-03T08:31:00), without quotes"
            )
        self.given = given

    @property
    def is_wall_clock(self) -> bool:
        """Tell whether it is a time on the wall."""
        return not isinstance(self.given, int | float)

    def instant_ns(self, *, zone: ZoneInfo, start_ns: int, day: date) -> int:
        """Return the instant; `day` is the date that a time of day without one belongs to."""
        match self.given:
            case datetime() as moment:
                local = moment if moment.tzinfo else moment.replace(tzinfo=zone)
                return to_ns(local)
            case time() as of_day:
                return to_ns(datetime.combine(day, of_day, zone))
            case int() | float() as seconds:
                return start_ns + round(seconds * NS_PER_S)
        raise AssertionError(self.given)

    def __repr__(self) -> str:
        return str(self.given)


def to_ns(moment: datetime) -> int:
    """Return an aware moment as whole nanoseconds UTC."""
    since = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since // timedelta(microseconds=1)) * 1_000


def to_moment(at_ns: int, zone: ZoneInfo) -> datetime:
    """Return nanoseconds UTC as a moment in a zone, cut to the microsecond."""
    whole_s, rest_ns = divmod(at_ns, NS_PER_S)
    return datetime.fromtimestamp(whole_s, zone) + timedelta(microseconds=rest_ns // 1_000)


def has_placeholder(text: str) -> bool:
    """Tell whether a text names an instant relative to the start."""
    return _PLACEHOLDER.search(text) is not None


def resolve_placeholders(text: str, start_ns: int, zone: ZoneInfo) -> str:
    """Return the text with `{start}`, `{start+90s}`, `{start-2h:%H:%M}` written out.

    Units are s, m, h and d. Without a form the instant is ISO 8601 with its offset, to the second.
    """

    def written(found: re.Match[str]) -> str:
        shift_s = float(found["count"] or 0) * _UNIT_S[found["unit"] or "s"]
        signed_ns = round(shift_s * NS_PER_S) * (-1 if found["sign"] == "-" else 1)
        moment = to_moment(start_ns + signed_ns, zone)
        if found["form"]:
            return moment.strftime(found["form"])
        return moment.isoformat(timespec="seconds")

    return _PLACEHOLDER.sub(written, text)
