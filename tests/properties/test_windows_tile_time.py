"""Trading days and weeks tile time: every instant lies in exactly one window, in any zone."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from risk_actors.core.trading_calendar import ResetSchedule, Window

S = 1_000_000_000
H = 3600 * S
FIRST, LAST = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * S for year in (2005, 2036))

instants = st.integers(FIRST, LAST)
zones = st.sampled_from(
    [
        "America/Chicago",
        "America/New_York",
        "UTC",
        "Europe/Prague",
        "Europe/London",
        "Australia/Lord_Howe",
        "Australia/Sydney",
        "Asia/Tokyo",
        "Asia/Kathmandu",
        "America/Sao_Paulo",
        "America/St_Johns",
        "Africa/Cairo",
        "Pacific/Apia",
    ]
).map(ZoneInfo)
daily = st.builds("{} {} * * *".format, st.integers(0, 59), st.integers(0, 23))
weekly = st.builds("{} {} * * {}".format, st.integers(0, 59), st.integers(0, 23), st.integers(0, 6))


def near_a_change(zone: ZoneInfo, year: int, offset_s: int) -> int:
    """Return an instant near the first change of the clocks in a year, if there is one."""
    at_s = int(datetime(year, 1, 1, tzinfo=UTC).timestamp())
    offset = datetime.fromtimestamp(at_s, zone).utcoffset()
    for hour in range(366 * 24):
        if datetime.fromtimestamp(at_s + hour * 3600, zone).utcoffset() != offset:
            return (at_s + hour * 3600 + offset_s) * S
    return (at_s + offset_s) * S


def assert_tiles(cron: str, zone: ZoneInfo, at_ns: int) -> Window:
    """Check a window and its neighbours; each is found afresh."""
    window = ResetSchedule(cron, zone).window(at_ns)
    following = ResetSchedule(cron, zone).window(window.end_ns)
    before = ResetSchedule(cron, zone).window(window.start_ns - 1)

    assert window.contains(at_ns)
    assert following.start_ns == window.end_ns
    assert before.end_ns == window.start_ns
    for inside in (window.start_ns, window.end_ns - 1, (window.start_ns + window.end_ns) // 2):
        assert ResetSchedule(cron, zone).window(inside) == window
    return window


@given(cron=daily, zone=zones, at_ns=instants)
def test_days_tile_time_and_last_about_24_hours(cron: str, zone: ZoneInfo, at_ns: int) -> None:
    window = assert_tiles(cron, zone, at_ns)

    # Samoa once left out a whole day.
    longest = 25 * H if zone.key != "Pacific/Apia" else 49 * H
    assert 23 * H - H <= window.end_ns - window.start_ns <= longest + H


@given(cron=weekly, zone=zones, at_ns=instants)
def test_weeks_tile_time_and_last_about_seven_days(cron: str, zone: ZoneInfo, at_ns: int) -> None:
    window = assert_tiles(cron, zone, at_ns)

    assert (7 * 24 - 26) * H <= window.end_ns - window.start_ns <= (7 * 24 + 26) * H


@given(
    hour=st.integers(0, 4),
    minute=st.integers(0, 59),
    zone=zones,
    year=st.integers(2005, 2035),
    offset_s=st.integers(-3 * 3600, 3 * 3600),
)
def test_days_tile_time_around_a_change_of_the_clocks(
    hour: int, minute: int, zone: ZoneInfo, year: int, offset_s: int
) -> None:
    assert_tiles(f"{minute} {hour} * * *", zone, near_a_change(zone, year, offset_s))


@given(
    step=st.sampled_from([7, 15, 30]),
    zone=zones,
    year=st.integers(2005, 2035),
    offset_s=st.integers(-3 * 3600, 3 * 3600),
)
def test_short_windows_tile_time_around_a_change_of_the_clocks(
    step: int, zone: ZoneInfo, year: int, offset_s: int
) -> None:
    assert_tiles(f"*/{step} * * * *", zone, near_a_change(zone, year, offset_s))


@given(cron=daily, zone=zones, at_ns=instants)
def test_a_reset_shows_its_time_on_the_wall_clock_unless_that_time_is_skipped(
    cron: str, zone: ZoneInfo, at_ns: int
) -> None:
    minute, hour = (int(field) for field in cron.split()[:2])

    end_ns = ResetSchedule(cron, zone).window(at_ns).end_ns

    shown = datetime.fromtimestamp(end_ns // S, zone)
    moment_before = datetime.fromtimestamp(end_ns // S - 1, zone)
    is_jump = shown.utcoffset() != moment_before.utcoffset()
    assert (shown.hour, shown.minute) == (hour, minute) or is_jump
    assert shown.second == 0
    assert shown.fold == 0
