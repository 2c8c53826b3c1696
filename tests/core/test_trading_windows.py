"""The trader's windows: midnight, both changes of the clocks, holidays, symbols of their own."""

from typing import Any

import msgspec
import pytest
from core.builders import CHICAGO, NEW_YORK, S, at
from hypothesis import given
from hypothesis import strategies as st

from risk_actors.core.market_calendar import MarketCalendar
from risk_actors.core.trading_calendar import Window
from risk_actors.core.trading_windows import TradingWindow, TradingWindows
from risk_actors.core.wall_clock import wall_time

NS = 1
DAY = {"days": ["Mon-Fri"], "start": "08:30", "end": "15:10"}
NIGHT = {"days": ["Sun-Thu"], "start": "17:00", "end": "15:10"}


def window(table: dict[str, Any]) -> TradingWindow:
    return msgspec.convert(table, TradingWindow)


def windows(*tables: dict[str, Any], **more: Any) -> TradingWindows:
    return TradingWindows([window(table) for table in tables], **more)


def check(hours: TradingWindows, opens: int, closes: int, symbol: str | None = "ES") -> None:
    """Check a window's edges to the nanosecond; nothing else may touch it."""
    assert hours.span_at(symbol, opens - NS) is None
    assert hours.next_open_ns(symbol, opens - NS) == opens
    assert hours.span_at(symbol, opens) == Window(opens, closes)
    assert hours.span_at(symbol, closes - NS) == Window(opens, closes)
    assert hours.span_at(symbol, closes) is None


@pytest.mark.parametrize(
    ("table", "opens", "closes"),
    [
        (DAY, at(2026, 11, 17, 8, 30), at(2026, 11, 17, 15, 10)),
        (NIGHT, at(2026, 11, 16, 17), at(2026, 11, 17, 15, 10)),
        # A window over midnight belongs to the day it starts on: the last one starts on Thursday.
        (NIGHT, at(2026, 11, 19, 17), at(2026, 11, 20, 15, 10)),
        (NIGHT, at(2026, 11, 22, 17), at(2026, 11, 23, 15, 10)),
        # To the second, and in another zone.
        (
            DAY | {"start": "08:30:15", "end": "15:09:59"},
            at(2026, 11, 17, 8, 30, second=15),
            at(2026, 11, 17, 15, 9, second=59),
        ),
        (
            DAY | {"zone": "America/New_York"},
            at(2026, 11, 17, 8, 30, zone=NEW_YORK),
            at(2026, 11, 17, 15, 10, zone=NEW_YORK),
        ),
        # 2026-03-08: 02:00 to 03:00 is skipped.
        (
            {"days": ["Sun"], "start": "01:00", "end": "05:00"},
            at(2026, 3, 8, 1),
            at(2026, 3, 8, 1) + 3 * 3600 * S,
        ),
        (
            {"days": ["Sun"], "start": "02:30", "end": "05:00"},
            at(2026, 3, 8, 3),
            at(2026, 3, 8, 5),
        ),
        (
            {"days": ["Sun"], "start": "01:00", "end": "02:30"},
            at(2026, 3, 8, 1),
            at(2026, 3, 8, 3),
        ),
        (
            {"days": ["Sat"], "start": "22:00", "end": "06:00"},
            at(2026, 3, 7, 22),
            at(2026, 3, 7, 22) + 7 * 3600 * S,
        ),
        # 2026-11-01: 01:00 to 02:00 comes twice; the first counts, as start and as end.
        (
            {"days": ["Sun"], "start": "00:30", "end": "01:30"},
            at(2026, 11, 1, 0, 30),
            at(2026, 11, 1, 1, 30, fold=0),
        ),
        (
            {"days": ["Sun"], "start": "01:30", "end": "03:00"},
            at(2026, 11, 1, 1, 30, fold=0),
            at(2026, 11, 1, 1, 30, fold=0) + 9000 * S,
        ),
        (
            {"days": ["Sat"], "start": "22:00", "end": "06:00"},
            at(2026, 10, 31, 22),
            at(2026, 10, 31, 22) + 9 * 3600 * S,
        ),
    ],
)
def test_a_window_includes_its_start_and_not_its_end(
    table: dict[str, Any], opens: int, closes: int
) -> None:
    check(windows(table), opens, closes)


def test_a_window_that_the_clocks_skip_does_not_happen() -> None:
    hours = windows({"days": ["Sun"], "start": "02:10", "end": "02:50"})

    assert hours.next_open_ns("ES", at(2026, 3, 8, 1)) == at(2026, 3, 15, 2, 10)


def test_windows_that_overlap_or_touch_are_one() -> None:
    morning = DAY | {"end": "11:00"}
    noon = DAY | {"start": "11:00", "end": "13:00"}
    late = DAY | {"start": "12:30"}

    check(windows(late, morning, noon), at(2026, 11, 17, 8, 30), at(2026, 11, 17, 15, 10))


def test_a_day_from_midnight_to_midnight_joins_the_next() -> None:
    hours = windows({"days": ["Mon-Fri"], "start": "00:00", "end": "00:00"})

    check(hours, at(2026, 11, 16), at(2026, 11, 21))


def test_windows_without_a_gap_never_close() -> None:
    hours = windows({"days": ["Mon-Sun"], "start": "00:00", "end": "00:00"})

    for hour in range(0, 400, 7):
        assert hours.span_at("ES", at(2026, 10, 28) + hour * 3600 * S) is not None


def test_a_window_may_end_early_so_that_all_is_closed_by_its_end() -> None:
    hours = windows(NIGHT, ends_early_s=120)

    check(hours, at(2026, 11, 16, 17), at(2026, 11, 17, 15, 8))


def test_touching_windows_do_not_end_early_between_them() -> None:
    hours = windows(DAY | {"end": "12:00"}, DAY | {"start": "12:00"}, ends_early_s=120)

    check(hours, at(2026, 11, 17, 8, 30), at(2026, 11, 17, 15, 8))


def test_the_next_opening_after_an_opening_is_the_one_of_the_next_window() -> None:
    assert windows(DAY).next_open_ns("ES", at(2026, 11, 17, 8, 30)) == at(2026, 11, 18, 8, 30)
    assert windows(DAY).next_open_ns("ES", at(2026, 11, 20, 12)) == at(2026, 11, 23, 8, 30)


# --- symbols --------------------------------------------------------------------------------

CORN = {"days": ["Mon-Fri"], "start": "08:30", "end": "13:00", "symbols": ["zc", "ZW"]}


def test_a_symbol_with_windows_of_its_own_uses_only_those() -> None:
    hours = windows(NIGHT, CORN)

    check(hours, at(2026, 11, 17, 8, 30), at(2026, 11, 17, 13), "ZC")
    check(hours, at(2026, 11, 17, 8, 30), at(2026, 11, 17, 13), "ZW")
    check(hours, at(2026, 11, 16, 17), at(2026, 11, 17, 15, 10), "ZS")
    check(hours, at(2026, 11, 16, 17), at(2026, 11, 17, 15, 10), None)


def test_without_a_window_for_all_other_symbols_are_not_restricted() -> None:
    hours = windows(CORN)

    assert hours.own_symbols == {"ZC", "ZW"}
    assert hours.is_restricted("ZC")
    assert not hours.is_restricted("ES")


# --- holidays -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("symbol", "opens", "closes"),
    [
        # Thanksgiving 2026: the window is cut at noon and the next opens in the evening.
        ("ES", at(2026, 11, 25, 17), at(2026, 11, 26, 12)),
        ("GC", at(2026, 11, 25, 17), at(2026, 11, 26, 13, 30)),
        ("6E", at(2026, 11, 25, 17), at(2026, 11, 26, 15, 10)),
        ("ES", at(2026, 11, 26, 17), at(2026, 11, 27, 12, 15)),
        (None, at(2026, 11, 25, 17), at(2026, 11, 26, 15, 10)),
        # No window on Christmas Day, Friday: after the early close on Thursday comes Sunday.
        ("ES", at(2026, 12, 23, 17), at(2026, 12, 24, 12, 15)),
        ("ES", at(2026, 12, 27, 17), at(2026, 12, 28, 15, 10)),
        # An early close after the window's end changes nothing.
        ("MBT", at(2026, 11, 26, 17), at(2026, 11, 27, 15, 10)),
    ],
)
def test_holidays_and_early_closes_cut_the_windows(
    symbol: str | None, opens: int, closes: int
) -> None:
    check(windows(NIGHT, market=MarketCalendar()), opens, closes, symbol)


def test_the_next_opening_skips_closed_days() -> None:
    hours = windows(NIGHT, market=MarketCalendar())

    assert hours.next_open_ns("ES", at(2026, 12, 24, 12, 15)) == at(2026, 12, 27, 17)
    assert hours.next_open_ns("GC", at(2026, 4, 2, 15, 10)) == at(2026, 4, 5, 17)


def test_an_early_close_counts_for_ending_early_too() -> None:
    hours = windows(NIGHT, market=MarketCalendar(), ends_early_s=600)

    check(hours, at(2026, 11, 26, 17), at(2026, 11, 27, 12, 5))


def test_the_daily_pause_of_the_market_does_not_cut_windows() -> None:
    hours = windows(
        {"days": ["Mon-Fri"], "start": "09:00", "end": "20:00"}, market=MarketCalendar()
    )

    check(hours, at(2026, 11, 17, 9), at(2026, 11, 17, 20))


def test_without_a_market_holidays_are_days_like_any_other() -> None:
    check(windows(NIGHT), at(2026, 12, 24, 17), at(2026, 12, 25, 15, 10))


# --- what may be written --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "weekdays"),
    [
        (["Mon"], {0}),
        (["mon", "FRI"], {0, 4}),
        (["Mon-Fri"], {0, 1, 2, 3, 4}),
        (["Sun-Thu"], {6, 0, 1, 2, 3}),
        (["Sat - Sun", "Wed"], {5, 6, 2}),
        (["Mon-Sun"], set(range(7))),
        (["Tue-Tue"], {1}),
    ],
)
def test_days_are_names_or_spans(days: list[str], weekdays: set[int]) -> None:
    assert window(DAY | {"days": days}).weekdays == weekdays


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"days": []}, "length >= 1"),
        ({"days": ["Monday"]}, "`Monday` is no day; write Mon, Tue"),
        ({"days": ["Mon-Fri-Sun"]}, "is no day"),
        ({"days": [""]}, "is no day"),
        ({"start": "8:30"}, "`8:30` is no time of day; write it as 08:30"),
        ({"end": "24:00"}, "`24:00` is no time of day"),
        ({"end": "15:60"}, "is no time of day"),
        ({"end": "15:10:60"}, "is no time of day"),
        ({"end": " 15:10"}, "is no time of day"),
        ({"zone": "Chicago"}, "`Chicago` is no time zone"),
        ({"zone": ""}, "is no time zone"),
        ({"symbols": ["EP"]}, "write `ES`"),
        ({"sybmols": ["ES"]}, "unknown field"),
    ],
)
def test_what_is_no_window_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=message):
        window(DAY | change)


# --- against a naive model ------------------------------------------------------------------

times = st.builds("{:02}:{:02}".format, st.integers(0, 23), st.sampled_from([0, 10, 30]))
tables = st.builds(
    lambda days, start, end: {"days": days, "start": start, "end": end},
    st.lists(st.sampled_from(["Mon", "Wed", "Thu", "Sat", "Sun-Tue", "Fri"]), min_size=1),
    times,
    times,
)
# Weeks without a change of the clocks: there every time of day comes once.
minutes = st.integers(0, 60 * 24 * 28).map(lambda n: at(2026, 8, 3) + n * 60 * S)


def naively_inside(table: dict[str, Any], at_ns: int) -> bool:
    local = wall_time(at_ns, CHICAGO)
    shown = f"{local:%H:%M}"
    weekdays = window(table).weekdays
    today, yesterday = local.weekday() in weekdays, (local.weekday() - 1) % 7 in weekdays
    start, end = table["start"], table["end"]
    if end > start:
        return today and bool(start <= shown < end)
    return (today and bool(shown >= start)) or (yesterday and bool(shown < end))


@given(st.lists(tables, min_size=1, max_size=3), minutes)
def test_an_instant_is_inside_when_the_wall_clock_says_so(
    drawn: list[dict[str, Any]], at_ns: int
) -> None:
    hours = windows(*drawn)
    span = hours.span_at("ES", at_ns)

    assert (span is not None) is any(naively_inside(table, at_ns) for table in drawn)
    if span is not None and span.end_ns < at_ns + 2 * 24 * 3600 * S:
        assert not any(naively_inside(table, span.end_ns) for table in drawn)
    if span is None:
        opens_ns = hours.next_open_ns("ES", at_ns)
        assert any(naively_inside(table, opens_ns) for table in drawn)
        assert not any(naively_inside(table, opens_ns - 60 * S) for table in drawn)


def test_a_span_is_the_one_that_holds_the_instant_wherever_it_was_looked_for_before() -> None:
    hours = windows(DAY, NIGHT | {"symbols": ["NQ"]}, market=MarketCalendar())
    start_ns = at(2026, 11, 16, 0)

    for step in range(0, 5 * 24 * 6, 7):
        for minutes in (step * 10, (5 * 24 * 6 - step) * 10):
            instant_ns = start_ns + minutes * 60 * S
            for symbol in ("ES", "NQ", None):
                around = hours.spans(symbol, instant_ns - 3600 * S, instant_ns + 3600 * S)
                holding = [span for span in around if span.contains(instant_ns)]
                assert hours.span_at(symbol, instant_ns) == (holding[0] if holding else None)
