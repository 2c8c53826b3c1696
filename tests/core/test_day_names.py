from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from risk_actors.core.day_names import name_of_day, named_day
from risk_actors.core.trading_calendar import TradingCalendar
from tests.conftest import S


def calendar(daily_reset: str, zone: str = "America/Chicago") -> TradingCalendar:
    return TradingCalendar(
        zone=ZoneInfo(zone), daily_reset=daily_reset, weekly_reset="0 17 * * SUN"
    )


@pytest.mark.parametrize(
    ("daily_reset", "at", "name"),
    [
        ("0 17 * * *", "2026-11-20T16:59:59", "2026-11-20"),
        ("0 17 * * *", "2026-11-20T17:00:00", "2026-11-21"),
        ("0 17 * * *", "2026-11-22T20:00:00", "2026-11-23"),
        ("0 17 * * *", "2026-11-01T12:00:00", "2026-11-01"),
        ("0 0 * * *", "2026-11-20T00:00:00", "2026-11-20"),
        ("0 0 * * *", "2026-11-20T23:59:59", "2026-11-20"),
        ("0 8 * * *", "2026-11-20T09:00:00", "2026-11-21"),
        ("0 8 * * *", "2026-11-20T07:00:00", "2026-11-20"),
    ],
)
def test_a_day_is_called_by_the_date_on_which_it_ends(daily_reset: str, at: str, name: str) -> None:
    days = calendar(daily_reset)
    at_ns = int(datetime.fromisoformat(at).replace(tzinfo=days.zone).timestamp()) * S

    assert name_of_day(at_ns, days) == date.fromisoformat(name)
    assert named_day(date.fromisoformat(name), days) == days.day(at_ns)


@pytest.mark.parametrize(
    ("zone", "daily_reset"),
    [
        ("America/Chicago", "0 17 * * *"),
        ("America/Chicago", "30 0 * * *"),
        ("Europe/Berlin", "0 0 * * *"),
        ("Africa/Cairo", "0 0 * * *"),
        ("UTC", "0 8 * * *"),
    ],
)
def test_every_date_of_a_year_has_one_day_and_gives_it_back(zone: str, daily_reset: str) -> None:
    """Also where daylight saving begins or ends, at midnight in Cairo."""
    days = calendar(daily_reset, zone)
    before_ns = named_day(date(2025, 12, 31), days).end_ns
    for ordinal in range(date(2026, 1, 1).toordinal(), date(2027, 1, 1).toordinal()):
        day = date.fromordinal(ordinal)
        window = named_day(day, days)

        assert window.start_ns == before_ns
        assert name_of_day(window.start_ns, days) == day
        assert name_of_day(window.end_ns - 1, days) == day
        before_ns = window.end_ns
