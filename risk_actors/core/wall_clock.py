"""Wall-clock times as instants, also where daylight saving skips them or shows them twice.

A time that the change of the clocks skips counts as the instant the clocks jump past it; one that
comes twice counts the first time.
"""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from risk_actors.core.evidence import NS_PER_S


def instant_ns(day: date, at: time, zone: ZoneInfo) -> int:
    """Return when the clocks of a zone first show a time (to the second), or jump past it."""
    wall = datetime.combine(day, at.replace(microsecond=0))
    first_s = _seconds(wall.replace(tzinfo=zone, fold=0))
    if _shown(first_s, zone) != wall:
        first_s = _jump_between(_seconds(wall.replace(tzinfo=zone, fold=1)), first_s, zone)
    return first_s * NS_PER_S


def wall_time(at_ns: int, zone: ZoneInfo) -> datetime:
    """Return what the clocks of a zone show at an instant, to the second, without the zone."""
    return _shown(at_ns // NS_PER_S, zone)


def _shown(at_s: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(at_s, zone).replace(tzinfo=None, fold=0)


def _seconds(aware: datetime) -> int:
    return int(aware.astimezone(UTC).timestamp())


def _jump_between(before_s: int, after_s: int, zone: ZoneInfo) -> int:
    """Return the second at which the clocks jump; it lies after one and not after the other."""
    offset = datetime.fromtimestamp(before_s, zone).utcoffset()
    while after_s - before_s > 1:
        middle_s = (before_s + after_s) // 2
        if datetime.fromtimestamp(middle_s, zone).utcoffset() == offset:
            before_s = middle_s
        else:
            after_s = middle_s
    return after_s
