"""Wall-clock times as instants, around both changes of the clocks."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from core.builders import CHICAGO, S

from risk_actors.core.wall_clock import instant_ns, wall_time

BERLIN = ZoneInfo("Europe/Berlin")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")


def utc(year: int, month: int, day: int, hour: int, minute: int = 0, second: int = 0) -> int:
    return int(datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()) * S


@pytest.mark.parametrize(
    ("day", "at", "zone", "instant"),
    [
        (date(2026, 1, 5), time(8, 30), CHICAGO, utc(2026, 1, 5, 14, 30)),
        (date(2026, 7, 6), time(8, 30, 59), CHICAGO, utc(2026, 7, 6, 13, 30, 59)),
        # 2026-03-08: the clocks jump from 02:00 to 03:00; what is skipped is the jump itself.
        (date(2026, 3, 8), time(1, 59, 59), CHICAGO, utc(2026, 3, 8, 7, 59, 59)),
        (date(2026, 3, 8), time(2), CHICAGO, utc(2026, 3, 8, 8)),
        (date(2026, 3, 8), time(2, 30), CHICAGO, utc(2026, 3, 8, 8)),
        (date(2026, 3, 8), time(2, 59, 59), CHICAGO, utc(2026, 3, 8, 8)),
        (date(2026, 3, 8), time(3), CHICAGO, utc(2026, 3, 8, 8)),
        # 2026-11-01: 01:00 to 02:00 comes twice; the first counts.
        (date(2026, 11, 1), time(1), CHICAGO, utc(2026, 11, 1, 6)),
        (date(2026, 11, 1), time(1, 30), CHICAGO, utc(2026, 11, 1, 6, 30)),
        (date(2026, 11, 1), time(2), CHICAGO, utc(2026, 11, 1, 8)),
        (date(2026, 3, 29), time(2, 30), BERLIN, utc(2026, 3, 29, 1)),
        # A change by half an hour.
        (date(2026, 10, 4), time(2, 15), LORD_HOWE, utc(2026, 10, 3, 15, 30)),
    ],
)
def test_a_time_that_is_skipped_is_the_jump_and_a_repeated_one_counts_first(
    day: date, at: time, zone: ZoneInfo, instant: int
) -> None:
    assert instant_ns(day, at, zone) == instant


def test_the_clocks_show_whole_seconds() -> None:
    at_ns = utc(2026, 11, 1, 7, 30) + 999_999_999

    assert wall_time(at_ns, CHICAGO) == datetime(2026, 11, 1, 1, 30)  # noqa: DTZ001
