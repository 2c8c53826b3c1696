"""When each market is open: weekly hours by group, holidays, early closes, both DST changes."""

from datetime import date, time

import pytest
from core.builders import NEW_YORK, at

from risk_actors.core.holidays import Holiday
from risk_actors.core.market_calendar import MarketCalendar
from risk_actors.core.trading_calendar import Window

MARKET = MarketCalendar()

NS = 1


@pytest.mark.parametrize(
    ("symbol", "opens", "closes"),
    [
        # Tuesday 2026-11-17, an ordinary day.
        ("ES", at(2026, 11, 16, 17), at(2026, 11, 17, 16)),
        ("MNQ", at(2026, 11, 16, 17), at(2026, 11, 17, 16)),
        ("6E", at(2026, 11, 16, 17), at(2026, 11, 17, 16)),
        ("ZN", at(2026, 11, 16, 17), at(2026, 11, 17, 16)),
        ("CL", at(2026, 11, 16, 17), at(2026, 11, 17, 16)),
        ("GC", at(2026, 11, 16, 17), at(2026, 11, 17, 16)),
        ("ZC", at(2026, 11, 16, 19), at(2026, 11, 17, 7, 45)),
        ("ZC", at(2026, 11, 17, 8, 30), at(2026, 11, 17, 13, 20)),
        ("LE", at(2026, 11, 17, 8, 30), at(2026, 11, 17, 13, 5)),
        ("HE", at(2026, 11, 17, 8, 30), at(2026, 11, 17, 13, 5)),
        ("ZZZ", at(2026, 11, 16, 17), at(2026, 11, 17, 16)),
        (None, at(2026, 11, 16, 17), at(2026, 11, 17, 16)),
        # The week ends on Friday and begins on Sunday, in summer and in winter time.
        ("ES", at(2026, 11, 22, 17), at(2026, 11, 23, 16)),
        ("ES", at(2026, 3, 8, 17), at(2026, 3, 9, 16)),
        ("ES", at(2026, 3, 8, 18, zone=NEW_YORK), at(2026, 3, 9, 17, zone=NEW_YORK)),
        ("ES", at(2026, 11, 1, 17), at(2026, 11, 2, 16)),
        ("ZC", at(2026, 11, 1, 19), at(2026, 11, 2, 7, 45)),
        # Early closes, and the session after them.
        ("ES", at(2026, 11, 25, 17), at(2026, 11, 26, 12)),
        ("GC", at(2026, 11, 25, 17), at(2026, 11, 26, 13, 30)),
        ("6E", at(2026, 11, 25, 17), at(2026, 11, 26, 16)),
        ("ES", at(2026, 11, 26, 17), at(2026, 11, 27, 12, 15)),
        ("CL", at(2026, 11, 26, 17), at(2026, 11, 27, 13, 45)),
        ("LE", at(2026, 11, 27, 8, 30), at(2026, 11, 27, 12, 5)),
        ("ES", at(2026, 12, 23, 17), at(2026, 12, 24, 12, 15)),
        ("ES", at(2026, 12, 27, 17), at(2026, 12, 28, 16)),
        ("ES", at(2027, 1, 3, 17), at(2027, 1, 4, 16)),
    ],
)
def test_a_session_includes_its_start_and_not_its_end(
    symbol: str | None, opens: int, closes: int
) -> None:
    assert not MARKET.is_open(symbol, opens - NS)
    assert MARKET.next_open_ns(symbol, opens - NS) == opens
    assert MARKET.is_open(symbol, opens)
    assert MARKET.next_close_ns(symbol, opens) == closes
    assert MARKET.is_open(symbol, closes - NS)
    assert MARKET.next_close_ns(symbol, closes - NS) == closes
    assert not MARKET.is_open(symbol, closes)
    assert MARKET.opened_ns(symbol, opens - NS) is None
    assert MARKET.opened_ns(symbol, opens) == MARKET.opened_ns(symbol, closes - NS) == opens
    assert MARKET.opened_ns(symbol, closes) is None
    assert MARKET.next_close_ns(symbol, closes) is None


@pytest.mark.parametrize(
    ("symbol", "closed_at", "opens"),
    [
        ("ES", at(2026, 11, 20, 16), at(2026, 11, 22, 17)),
        ("ES", at(2026, 11, 27, 12, 15), at(2026, 11, 29, 17)),
        # Christmas on a Friday: nothing from the early close on the 24th until Sunday.
        ("ES", at(2026, 12, 24, 12, 15), at(2026, 12, 27, 17)),
        ("ZC", at(2026, 12, 24, 12, 5), at(2026, 12, 27, 19)),
        # New Year on a Thursday: closed from the evening before it until its own evening.
        ("ES", at(2025, 12, 31, 16), at(2026, 1, 1, 17)),
        # Good Friday: metals and energy are closed, equities trade for the jobs report.
        ("GC", at(2026, 4, 2, 16), at(2026, 4, 5, 17)),
        ("ES", at(2026, 4, 3, 8, 15), at(2026, 4, 5, 17)),
        # Grains and livestock are closed on the holidays on which others close early.
        ("ZW", at(2026, 11, 25, 13, 20), at(2026, 11, 26, 19)),
        ("LE", at(2026, 6, 18, 13, 5), at(2026, 6, 22, 8, 30)),
        # What is not known is closed only while everything (but crypto) is.
        ("ZZZ", at(2026, 12, 24, 12, 45), at(2026, 12, 27, 17)),
    ],
)
def test_the_market_stays_closed_from_the_last_close_to_the_next_opening(
    symbol: str, closed_at: int, opens: int
) -> None:
    assert MARKET.is_open(symbol, closed_at - NS)
    assert not MARKET.is_open(symbol, closed_at)
    assert not MARKET.is_open(symbol, opens - NS)
    assert MARKET.is_open(symbol, opens)
    assert MARKET.next_open_ns(symbol, closed_at) == opens
    assert MARKET.next_open_ns(symbol, opens - NS) == opens


@pytest.mark.parametrize(
    ("at_ns", "is_open"),
    [
        (at(2026, 5, 28, 16), False),
        (at(2026, 5, 28, 17), True),
        (at(2026, 5, 23, 12), False),
        # From Friday 2026-05-29 at 16:00 on crypto trades round the clock.
        (at(2026, 5, 29, 16) - NS, True),
        (at(2026, 5, 29, 16), True),
        (at(2026, 5, 30, 12), True),
        (at(2026, 6, 2, 16, 30), True),
        (at(2026, 11, 26, 15), True),
        (at(2026, 12, 25, 12), True),
    ],
)
def test_crypto_has_no_pause_since_the_end_of_may_2026(at_ns: int, *, is_open: bool) -> None:
    assert MARKET.is_open("MBT", at_ns) is is_open


def test_a_market_that_never_closes_has_no_next_close_nor_an_opening_within_a_year() -> None:
    assert MARKET.next_close_ns("MBT", at(2026, 11, 17, 12)) is None
    assert MARKET.next_open_ns("MBT", at(2026, 11, 17, 12)) > at(2027, 11, 17, 12)


def test_years_that_the_table_lacks_have_ordinary_days() -> None:
    assert MARKET.is_open("ES", at(2031, 12, 25, 12))


# --- the trader's own holidays --------------------------------------------------------------


def own(day: date, closes: time | None = None, *symbols: str, is_ordinary: bool = False) -> Holiday:
    return Holiday(day=day, closes=closes, symbols=symbols, is_ordinary=is_ordinary)


def test_an_early_close_of_ones_own_wins_over_the_table() -> None:
    market = MarketCalendar([own(date(2026, 11, 27), time(11))])

    assert market.next_close_ns("ES", at(2026, 11, 27, 9)) == at(2026, 11, 27, 11)
    assert market.next_close_ns("6E", at(2026, 11, 27, 9)) == at(2026, 11, 27, 11)
    assert market.next_close_ns("MBT", at(2026, 11, 27, 9)) == at(2026, 11, 27, 11)
    assert market.next_close_ns("ZZZ", at(2026, 11, 27, 9)) == at(2026, 11, 27, 11)


def test_an_entry_for_symbols_leaves_the_others_to_the_table() -> None:
    market = MarketCalendar([own(date(2026, 11, 27), time(11), "ES")])

    assert market.next_close_ns("ES", at(2026, 11, 27, 9)) == at(2026, 11, 27, 11)
    assert market.next_close_ns("NQ", at(2026, 11, 27, 9)) == at(2026, 11, 27, 12, 15)


def test_an_entry_for_symbols_wins_over_one_for_all() -> None:
    market = MarketCalendar(
        [own(date(2026, 11, 27), time(11), "ES"), own(date(2026, 11, 27), time(10))]
    )

    assert market.next_close_ns("ES", at(2026, 11, 27, 9)) == at(2026, 11, 27, 11)
    assert market.next_close_ns("NQ", at(2026, 11, 27, 9)) == at(2026, 11, 27, 10)


def test_an_ordinary_day_of_ones_own_takes_the_tables_entry_back() -> None:
    market = MarketCalendar([own(date(2026, 11, 27), is_ordinary=True)])

    assert market.next_close_ns("ES", at(2026, 11, 27, 9)) == at(2026, 11, 27, 16)
    assert market.next_close_ns("ES", at(2026, 11, 26, 9)) == at(2026, 11, 26, 12)


def test_a_day_off_takes_the_session_of_the_evening_before_too() -> None:
    market = MarketCalendar([own(date(2026, 11, 18))])

    assert market.next_close_ns("ES", at(2026, 11, 17, 9)) == at(2026, 11, 17, 16)
    assert market.next_open_ns("ES", at(2026, 11, 17, 9)) == at(2026, 11, 18, 17)


def test_an_early_close_after_the_regular_one_changes_nothing() -> None:
    market = MarketCalendar([own(date(2026, 11, 18), time(15))])

    assert market.next_close_ns("LE", at(2026, 11, 18, 9)) == at(2026, 11, 18, 13, 5)
    assert market.closures("LE", at(2026, 11, 17), at(2026, 11, 19)) == []


def test_closures_of_neighbouring_dates_are_one() -> None:
    market = MarketCalendar([own(date(2026, 11, day)) for day in (19, 20, 23)])

    assert market.closures("ES", at(2026, 11, 20), at(2026, 11, 21)) == [
        Window(at(2026, 11, 18, 16), at(2026, 11, 23, 17))
    ]
    assert market.next_open_ns("ES", at(2026, 11, 18, 16)) == at(2026, 11, 23, 17)


def test_the_next_opening_is_found_beyond_weeks_of_holidays() -> None:
    days = [date.fromordinal(date(2026, 8, 3).toordinal() + n) for n in range(40)]
    market = MarketCalendar([own(day) for day in days if day.weekday() < 5])

    assert market.next_open_ns("ES", at(2026, 8, 2, 17)) == at(2026, 9, 13, 17)


@pytest.mark.parametrize("symbol", ["ES", "ZC", "MBT", "ZZZ", None])
def test_what_was_asked_before_changes_no_answer(symbol: str | None) -> None:
    """A calendar remembers what it found; each answer is that of one which was never asked."""
    asked = MarketCalendar()
    hours = [*range(0, 200, 7), 3, 90, 12, 150]

    for hour in hours:
        at_ns = at(2026, 11, 24) + hour * 3_600 * 1_000_000_000
        fresh = MarketCalendar()
        assert asked.is_open(symbol, at_ns) == fresh.is_open(symbol, at_ns)
        assert asked.next_close_ns(symbol, at_ns) == fresh.next_close_ns(symbol, at_ns)
        assert (asked.opened_ns(symbol, at_ns) is None) == (fresh.opened_ns(symbol, at_ns) is None)
