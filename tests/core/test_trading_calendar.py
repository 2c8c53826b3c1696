"""The trading day and week: resets by cron in a zone, through both changes of the clocks."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from core.builders import CHICAGO, NEW_YORK, H, S, at, chicago_calendar

from risk_actors.core.trading_calendar import ResetSchedule, Window

LORD_HOWE = ZoneInfo("Australia/Lord_Howe")
"""Its clocks change by half an hour."""


def wall_clock(instant_ns: int, zone: ZoneInfo = CHICAGO) -> str:
    return datetime.fromtimestamp(instant_ns // S, zone).strftime("%H:%M:%S")


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * S


def windows(schedule: ResetSchedule, start_ns: int, end_ns: int) -> list[Window]:
    """Return the windows that cover a span, each found from the end of the one before."""
    found = [schedule.window(start_ns)]
    while found[-1].end_ns <= end_ns:
        found.append(schedule.window(found[-1].end_ns))
    return found


def resets(cron: str, zone: ZoneInfo, start_ns: int, end_ns: int) -> list[int]:
    """Return the instants of a span's resets."""
    found = windows(ResetSchedule(cron, zone), start_ns, end_ns)
    return [window.end_ns for window in found if start_ns <= window.end_ns <= end_ns]


# --- the plain day and week -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("instant", "start", "end"),
    [
        (at(2026, 11, 17, 12), at(2026, 11, 16, 17), at(2026, 11, 17, 17)),
        (at(2026, 11, 17, 17), at(2026, 11, 17, 17), at(2026, 11, 18, 17)),
        (at(2026, 11, 17, 17) - 1, at(2026, 11, 16, 17), at(2026, 11, 17, 17)),
        (at(2026, 11, 17, 17) + 1, at(2026, 11, 17, 17), at(2026, 11, 18, 17)),
        (at(2026, 11, 17, 17, 0, second=30), at(2026, 11, 17, 17), at(2026, 11, 18, 17)),
        (at(2026, 11, 17), at(2026, 11, 16, 17), at(2026, 11, 17, 17)),
        (at(2026, 12, 31, 20), at(2026, 12, 31, 17), at(2027, 1, 1, 17)),
    ],
)
def test_the_trading_day_runs_from_reset_to_reset(instant: int, start: int, end: int) -> None:
    assert chicago_calendar().day(instant) == Window(start, end)


@pytest.mark.parametrize(
    "instant",
    [
        at(2026, 11, 15, 17),
        at(2026, 11, 17, 12),
        at(2026, 11, 20, 16),
        at(2026, 11, 21, 12),
        at(2026, 11, 22, 17) - 1,
    ],
)
def test_the_trading_week_runs_from_sunday_to_sunday(instant: int) -> None:
    assert chicago_calendar().week(instant) == Window(at(2026, 11, 15, 17), at(2026, 11, 22, 17))


def test_the_end_of_a_window_belongs_to_the_next_one() -> None:
    window = chicago_calendar().day(at(2026, 11, 17, 12))

    assert window.contains(window.start_ns)
    assert window.contains(window.end_ns - 1)
    assert not window.contains(window.end_ns)
    assert not window.contains(window.start_ns - 1)


def test_a_schedule_answers_for_the_past_after_it_was_asked_for_the_future() -> None:
    calendar = chicago_calendar()

    later = calendar.day(at(2026, 12, 1, 12))
    earlier = calendar.day(at(2026, 11, 17, 12))

    assert later == Window(at(2026, 11, 30, 17), at(2026, 12, 1, 17))
    assert earlier == Window(at(2026, 11, 16, 17), at(2026, 11, 17, 17))


# --- daylight saving ------------------------------------------------------------------------


@pytest.mark.parametrize("zone", [CHICAGO, NEW_YORK], ids=str)
@pytest.mark.parametrize(
    ("change", "short_or_long"),
    [((2026, 3, 8), 23 * H), ((2026, 11, 1), 25 * H), ((2027, 3, 14), 23 * H)],
)
def test_the_day_of_a_clock_change_is_23_or_25_hours_and_its_neighbours_are_24(
    zone: ZoneInfo, change: tuple[int, int, int], short_or_long: int
) -> None:
    calendar = chicago_calendar(zone=zone)
    noon_before = at(*change, 12, zone=zone) - 24 * H

    days = [calendar.day(noon_before + number * 24 * H) for number in range(3)]

    assert [day.end_ns - day.start_ns for day in days] == [24 * H, short_or_long, 24 * H]
    assert {wall_clock(day.end_ns, zone) for day in days} == {"17:00:00"}
    assert days[1].start_ns == days[0].end_ns
    assert days[2].start_ns == days[1].end_ns


@pytest.mark.parametrize("zone", [CHICAGO, NEW_YORK], ids=str)
@pytest.mark.parametrize(
    ("change", "hours"), [((2026, 3, 8), 7 * 24 - 1), ((2026, 11, 1), 7 * 24 + 1)]
)
def test_the_week_of_a_clock_change_is_an_hour_shorter_or_longer(
    zone: ZoneInfo, change: tuple[int, int, int], hours: int
) -> None:
    week = chicago_calendar(zone=zone).week(at(*change, 12, zone=zone))

    assert week.end_ns == at(*change, 17, zone=zone)
    assert week.end_ns - week.start_ns == hours * H


@pytest.mark.parametrize(
    ("cron", "zone", "skipped_on", "jump_utc"),
    [
        ("30 2 * * *", CHICAGO, (2026, 3, 8), "2026-03-08 08:00"),
        ("0 2 * * *", CHICAGO, (2026, 3, 8), "2026-03-08 08:00"),
        ("30 2 * * *", NEW_YORK, (2026, 3, 8), "2026-03-08 07:00"),
        ("59 2 * * *", NEW_YORK, (2027, 3, 14), "2027-03-14 07:00"),
        ("15 2 * * *", LORD_HOWE, (2026, 10, 4), "2026-10-03 15:30"),
    ],
)
def test_a_time_that_the_clocks_skip_happens_once_at_the_jump(
    cron: str, zone: ZoneInfo, skipped_on: tuple[int, int, int], jump_utc: str
) -> None:
    start_ns = at(*skipped_on, zone=zone)

    found = resets(cron, zone, start_ns, start_ns + 22 * H)

    assert found == [utc(jump_utc)]


@pytest.mark.parametrize(
    ("cron", "zone", "repeated_on", "first_utc"),
    [
        ("30 1 * * *", CHICAGO, (2026, 11, 1), "2026-11-01 06:30"),
        ("0 1 * * *", CHICAGO, (2026, 11, 1), "2026-11-01 06:00"),
        ("59 1 * * *", NEW_YORK, (2026, 11, 1), "2026-11-01 05:59"),
        ("45 1 * * *", LORD_HOWE, (2026, 4, 5), "2026-04-04 14:45"),
    ],
)
def test_a_time_that_comes_twice_counts_once_the_first_time(
    cron: str, zone: ZoneInfo, repeated_on: tuple[int, int, int], first_utc: str
) -> None:
    start_ns = at(*repeated_on, zone=zone)

    found = resets(cron, zone, start_ns, start_ns + 23 * H)

    assert found == [utc(first_utc)]


def test_in_the_repeated_hour_the_first_reset_has_happened_already() -> None:
    schedule = ResetSchedule("30 1 * * *", CHICAGO)
    first_pass = at(2026, 11, 1, 1, 10)
    second_pass = at(2026, 11, 1, 1, 10, fold=1)

    assert second_pass - first_pass == H
    assert schedule.window(first_pass).end_ns == at(2026, 11, 1, 1, 30)
    assert schedule.window(second_pass).start_ns == at(2026, 11, 1, 1, 30)
    assert schedule.window(second_pass).end_ns == at(2026, 11, 2, 1, 30)


def test_frequent_resets_pause_in_the_repeated_hour() -> None:
    found = resets("*/15 * * * *", CHICAGO, at(2026, 11, 1, 1), at(2026, 11, 1, 2, 15))

    assert [wall_clock(instant) for instant in found] == [
        "01:15:00",
        "01:30:00",
        "01:45:00",
        "02:00:00",
        "02:15:00",
    ]


@pytest.mark.parametrize("change", [(2026, 3, 8), (2026, 11, 1)])
def test_every_second_around_a_clock_change_lies_in_its_window(
    change: tuple[int, int, int],
) -> None:
    start_ns = at(*change)
    for cron in ("0 17 * * *", "30 1 * * *", "30 2 * * *", "0 3 * * *", "*/7 * * * *"):
        tiles = windows(ResetSchedule(cron, CHICAGO), start_ns, start_ns + 6 * H)

        for instant in range(start_ns, start_ns + 6 * H, 97 * S):
            fresh = ResetSchedule(cron, CHICAGO).window(instant)

            assert fresh.contains(instant)
            assert fresh in tiles


# --- expressions ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cron", "instant", "start", "end"),
    [
        ("0 0 * * *", at(2026, 11, 17, 12), at(2026, 11, 17), at(2026, 11, 18)),
        ("30 17 * * 1-5", at(2026, 11, 21, 12), at(2026, 11, 20, 17, 30), at(2026, 11, 23, 17, 30)),
        ("0 17 * * FRI", at(2026, 11, 17, 12), at(2026, 11, 13, 17), at(2026, 11, 20, 17)),
        ("0 17 29 2 *", at(2026, 11, 17, 12), at(2024, 2, 29, 17), at(2028, 2, 29, 17)),
    ],
)
def test_other_schedules(cron: str, instant: int, start: int, end: int) -> None:
    assert ResetSchedule(cron, CHICAGO).window(instant) == Window(start, end)


@pytest.mark.parametrize(
    "cron",
    ["", "17:00", "0 25 * * *", "60 17 * * *", "0 17 * *", "* * * * * *", "@daily", "0 17 * * FUN"],
)
def test_what_is_no_five_field_expression_is_refused(cron: str) -> None:
    with pytest.raises(ValueError, match="is not a cron expression such as `0 17"):
        ResetSchedule(cron, CHICAGO)


def test_a_schedule_that_never_comes_round_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="`0 17 30 2 \\*` never comes round"):
        chicago_calendar(daily="0 17 30 2 *")


def test_a_thousand_days_follow_each_other_without_a_gap() -> None:
    calendar = chicago_calendar()
    day = calendar.day(at(2026, 1, 1, 12))
    first_local = datetime(2026, 1, 1, 17, tzinfo=CHICAGO)

    for number in range(1, 1000):
        following = calendar.day(day.end_ns)

        assert following.start_ns == day.end_ns
        assert following.start_ns == int((first_local + timedelta(number - 1)).timestamp()) * S
        day = following


def test_windows_asked_for_in_any_order_are_those_of_a_schedule_never_asked() -> None:
    schedule = ResetSchedule("0 2 * * *", CHICAGO)
    # Over both changes of the clocks, to and fro.
    start_ns = at(2026, 3, 1)
    for step in range(0, 40 * 24, 17):
        for hours in (step, 40 * 24 - step, (step * 7) % (40 * 24)):
            instant_ns = start_ns + hours * H
            known, new = schedule.window(instant_ns), ResetSchedule("0 2 * * *", CHICAGO)
            assert known == new.window(instant_ns)
            assert known.contains(instant_ns)


def test_the_days_of_a_week_looked_at_in_turn_are_found_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    schedule = ResetSchedule("0 17 * * *", CHICAGO)
    found: list[int] = []
    find = schedule._find

    def counted(at_ns: int) -> Window:
        found.append(at_ns)
        return find(at_ns)

    monkeypatch.setattr(schedule, "_find", counted)
    days_ns = [at(2026, 11, day, 12) for day in range(2, 9)]

    for _ in range(5):
        assert [schedule.window(day_ns).contains(day_ns) for day_ns in days_ns] == [True] * 7

    assert len(found) == len(days_ns)
