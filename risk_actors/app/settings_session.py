"""What makes a time zone or a cron expression unusable."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from risk_actors.app.settings_check import did_you_mean

_CRON_FIELDS = ("minute", "hour", "day", "month", "weekday")
_CRON_HELP = (
    "write minute hour day month weekday, such as `0 17 * * *` (every day at 17:00) or"
    " `0 17 * * SUN` (Sundays at 17:00)"
)
_RANDOM_OR_HASHED = re.compile(r"(?<![A-Za-z])[RHrh](?![A-Za-z])")
# Any instant will do: it is only asked whether the expression ever comes round.
_SOME_INSTANT = datetime(2026, 1, 1, tzinfo=UTC)


def zone_fault(name: str) -> str | None:
    """Return why this is no time zone, or None."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        zones = sorted(available_timezones())
        lower = {zone.lower(): zone for zone in zones}
        hint = did_you_mean(name, lower)
        near = re.search("`(.+)`", hint)
        return "no such time zone" + (f"; did you mean `{lower[near[1]]}`?" if near else "")
    return None


def cron_fault(expression: str) -> str | None:
    """Return why this cron expression cannot time a reset, or None."""
    fields = expression.split()
    if len(fields) != len(_CRON_FIELDS):
        return f"expected {len(_CRON_FIELDS)} parts, found {len(fields)}; {_CRON_HELP}"
    if _RANDOM_OR_HASHED.search(expression):
        return "a reset cannot fall on a random time (R, H)"
    for index, (name, text) in enumerate(zip(_CRON_FIELDS, fields, strict=True)):
        alone = ["*"] * len(fields)
        alone[index] = text
        if not _comes_round(" ".join(alone)):
            return f"`{text}` is no {name}; {_CRON_HELP}"
    return None if _comes_round(expression) else f"there is no such date; {_CRON_HELP}"


def _comes_round(expression: str) -> bool:
    from croniter import croniter  # noqa: PLC0415  # slow to import, needed only here

    try:
        croniter(expression, _SOME_INSTANT).get_next(datetime)
    except (ValueError, KeyError):
        return False
    return True
