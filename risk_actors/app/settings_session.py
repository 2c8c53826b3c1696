"""What makes a time zone or a cron expression unusable."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from risk_actors.app.settings_check import did_you_mean

_CRON_FIELDS = 5
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
    from croniter import croniter  # noqa: PLC0415  # slow to import, needed only here

    fields = expression.split()
    if len(fields) != _CRON_FIELDS:
        return (
            f"expected {_CRON_FIELDS} cron fields (minute hour day month weekday),"
            f" found {len(fields)}"
        )
    if _RANDOM_OR_HASHED.search(expression):
        return "a reset cannot fall on a random time (R, H)"
    try:
        croniter(expression, _SOME_INSTANT).get_next(datetime)
    except (ValueError, KeyError) as error:
        return f"not a cron expression ({str(error).removeprefix(f'[{expression}] ')})"
    return None
