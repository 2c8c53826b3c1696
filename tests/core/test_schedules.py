"""Named schedules: which run is due, and which was missed while nothing ran."""

from zoneinfo import ZoneInfo

import pytest
from core.builders import CHICAGO, H, S, at, chicago_calendar

from risk_actors.core.last_run import LastRun
from risk_actors.core.schedules import DAILY_RESET, WEEKLY_RESET, Told
from risk_actors.core.trading_calendar import TradingCalendar

NOON = at(2026, 11, 17, 12)
"""A Tuesday."""
FIRST_RUN = LastRun()


def told_in(told: Told, now_ns: int) -> list[tuple[str, int, bool]]:
    return [(due.name, due.window.start_ns, due.caught_up) for due in told.due(now_ns)]


def test_a_first_start_misses_nothing_and_tells_the_next_runs() -> None:
    told = Told(chicago_calendar(), NOON, FIRST_RUN)

    assert told_in(told, NOON) == []
    assert told_in(told, at(2026, 11, 17, 17) - 1) == []
    assert told_in(told, at(2026, 11, 17, 17)) == [(DAILY_RESET, at(2026, 11, 17, 17), False)]
    assert told_in(told, at(2026, 11, 17, 17)) == []


def test_a_week_is_told_before_its_first_day() -> None:
    told = Told(chicago_calendar(), at(2026, 11, 22, 16), FIRST_RUN)

    sunday = at(2026, 11, 22, 17)
    assert told_in(told, sunday) == [(WEEKLY_RESET, sunday, False), (DAILY_RESET, sunday, False)]


MONDAY, TUESDAY, SUNDAY = at(2026, 11, 16, 17), at(2026, 11, 17, 17), at(2026, 11, 15, 17)


@pytest.mark.parametrize(
    ("last_run", "start", "names"),
    [
        pytest.param(
            LastRun(alive_ns=NOON, day_start_ns=MONDAY, week_start_ns=SUNDAY),
            TUESDAY - H,
            [],
            id="down, and no reset in it",
        ),
        pytest.param(
            LastRun(alive_ns=NOON, day_start_ns=MONDAY, week_start_ns=SUNDAY),
            TUESDAY,
            [DAILY_RESET],
            id="started exactly at the reset",
        ),
        pytest.param(
            LastRun(alive_ns=NOON, day_start_ns=MONDAY, week_start_ns=SUNDAY),
            TUESDAY + 60 * H,
            [DAILY_RESET],
            id="three daily resets missed",
        ),
        pytest.param(
            LastRun(alive_ns=NOON, day_start_ns=MONDAY, week_start_ns=SUNDAY),
            at(2026, 12, 15, 12),
            [WEEKLY_RESET, DAILY_RESET],
            id="four weeks down",
        ),
        pytest.param(
            LastRun(alive_ns=NOON), TUESDAY + H, [DAILY_RESET], id="the run before saw no reset"
        ),
        pytest.param(
            LastRun(alive_ns=TUESDAY + S, day_start_ns=MONDAY, week_start_ns=SUNDAY),
            TUESDAY + H,
            [DAILY_RESET],
            id="killed between the reset and its record",
        ),
        pytest.param(
            LastRun(alive_ns=TUESDAY + S, day_start_ns=TUESDAY, week_start_ns=SUNDAY),
            TUESDAY + H,
            [],
            id="told, recorded and killed",
        ),
        pytest.param(
            LastRun(alive_ns=TUESDAY + 24 * H, day_start_ns=TUESDAY + 24 * H, week_start_ns=SUNDAY),
            TUESDAY + H,
            [],
            id="the run before had a clock that was a day ahead",
        ),
    ],
)
def test_a_run_missed_while_down_is_told_at_the_start_once(
    last_run: LastRun, start: int, names: list[str]
) -> None:
    told = Told(chicago_calendar(), start, last_run)

    due = list(told.due(start))

    assert [each.name for each in due] == names
    assert all(each.caught_up and each.window.contains(start) for each in due)
    assert list(told.due(start + S)) == []


def test_what_a_fast_clock_told_too_early_is_told_again_in_its_time() -> None:
    tomorrow = TUESDAY + 24 * H
    told = Told(chicago_calendar(), TUESDAY + H, LastRun(day_start_ns=tomorrow))

    assert told_in(told, tomorrow - 1) == []
    assert told_in(told, tomorrow) == [(DAILY_RESET, tomorrow, False)]


def test_a_clock_set_back_tells_nothing_twice() -> None:
    told = Told(chicago_calendar(), NOON, FIRST_RUN)
    assert len(list(told.due(TUESDAY))) == 1

    assert list(told.due(NOON)) == []
    assert list(told.due(NOON - 30 * 24 * H)) == []
    assert list(told.due(TUESDAY + 1)) == []
    assert [due.name for due in told.due(TUESDAY + 24 * H)] == [DAILY_RESET]


@pytest.mark.parametrize(
    ("cron", "zone", "begin", "end"),
    [
        ("0 17 * * *", CHICAGO, (2026, 3, 6, 12), (2026, 3, 11, 12)),
        ("0 17 * * *", CHICAGO, (2026, 10, 30, 12), (2026, 11, 4, 12)),
        ("30 2 * * *", CHICAGO, (2026, 3, 6, 12), (2026, 3, 11, 12)),
        ("30 1 * * *", CHICAGO, (2026, 10, 30, 12), (2026, 11, 4, 12)),
        ("0 2 * * *", ZoneInfo("Europe/Berlin"), (2026, 10, 23, 12), (2026, 10, 28, 12)),
        ("15 2 * * *", ZoneInfo("Australia/Lord_Howe"), (2026, 10, 2, 12), (2026, 10, 7, 12)),
    ],
)
def test_each_day_is_told_once_through_a_clock_change_also_at_the_hour_of_the_reset(
    cron: str, zone: ZoneInfo, begin: tuple[int, ...], end: tuple[int, ...]
) -> None:
    calendar = TradingCalendar(zone=zone, daily_reset=cron, weekly_reset="0 17 * * SUN")
    now_ns, end_ns = at(*begin, zone=zone), at(*end, zone=zone)
    told = Told(calendar, now_ns, FIRST_RUN)

    days = []
    while now_ns < end_ns:
        now_ns += 60 * S
        found = [due for due in told.due(now_ns) if due.name == DAILY_RESET]
        assert all(now_ns - due.window.start_ns < 60 * S for due in found)
        days += [due.window for due in found]

    assert len(days) == 5
    assert [day.start_ns for day in days[1:]] == [day.end_ns for day in days[:-1]]


def test_a_run_that_could_not_be_told_is_due_again() -> None:
    sunday = at(2026, 11, 22, 17)
    told = Told(chicago_calendar(), sunday - S, FIRST_RUN)

    assert next(told.due(sunday)).name == WEEKLY_RESET

    assert [due.name for due in told.due(sunday)] == [WEEKLY_RESET, DAILY_RESET]
    assert list(told.due(sunday)) == []


def test_the_schedules_are_known_by_name_with_the_last_run_and_the_next() -> None:
    told = Told(chicago_calendar(), NOON, FIRST_RUN)

    shown = [
        (name, schedule.cron, schedule.zone, window.start_ns, window.end_ns)
        for name, (schedule, window) in told.runs().items()
    ]

    assert shown == [
        (WEEKLY_RESET, "0 17 * * SUN", "America/Chicago", SUNDAY, at(2026, 11, 22, 17)),
        (DAILY_RESET, "0 17 * * *", "America/Chicago", MONDAY, TUESDAY),
    ]
