"""The table of CME holidays that ships: current, well-formed, and as the exchange published it."""

import importlib.util
from datetime import date, time
from pathlib import Path

import pytest
from core.builders import S

from risk_actors.core import cme_holidays
from risk_actors.core.holidays import exchange_holidays
from risk_actors.core.market_calendar import MarketCalendar
from risk_actors.core.market_hours import Group, is_trade_date

ROOT = Path(__file__).parents[2]


def test_the_table_is_what_the_tool_writes() -> None:
    pytest.importorskip("pandas_market_calendars")
    spec = importlib.util.spec_from_file_location("holidays_tool", ROOT / "tools" / "holidays.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)

    assert tool.TARGET.read_text(encoding="utf-8") == tool.render()


@pytest.mark.parametrize(
    ("symbol", "name"),
    [("ES", "CME Globex Equity"), ("6E", "CMEGlobex_FX"), ("ZN", "CME Globex Fixed Income")],
)
def test_every_session_is_the_one_of_the_library(symbol: str, name: str) -> None:
    """These calendars are taken as they are, so every opening and close must agree."""
    library = pytest.importorskip("pandas_market_calendars")
    schedule = library.get_calendar(name).schedule("2026-01-01", "2028-12-31")
    market = MarketCalendar()

    assert len(schedule) > 750
    for row in schedule.itertuples():
        opens_ns, closes_ns = (
            int(at.timestamp()) * S for at in (row.market_open, row.market_close)
        )
        assert not market.is_open(symbol, opens_ns - 1), row
        assert market.next_close_ns(symbol, opens_ns) == closes_ns, row
        assert not market.is_open(symbol, closes_ns), row


def test_every_year_of_the_table_has_its_holidays() -> None:
    years = [day.year for group, day in exchange_holidays() if group is Group.EQUITY]

    assert set(years) == set(range(cme_holidays.FIRST_YEAR, cme_holidays.LAST_YEAR + 1))
    assert all(years.count(year) >= 10 for year in set(years))
    assert all(is_trade_date(day) for _, day in exchange_holidays())


@pytest.mark.parametrize(
    ("group", "day", "closes"),
    [
        # As the exchange published them for 2026.
        (Group.EQUITY, date(2026, 1, 19), time(12)),
        (Group.RATES, date(2026, 1, 19), time(12)),
        (Group.METALS, date(2026, 1, 19), time(13, 30)),
        (Group.EQUITY, date(2026, 4, 3), time(8, 15)),
        (Group.ENERGY, date(2026, 4, 3), None),
        (Group.METALS, date(2026, 6, 19), time(12)),
        (Group.ENERGY, date(2026, 7, 3), time(12)),
        (Group.GRAINS, date(2026, 6, 19), None),
        (Group.ENERGY, date(2026, 9, 7), time(13, 30)),
        (Group.EQUITY, date(2026, 11, 26), time(12)),
        (Group.GRAINS, date(2026, 11, 26), None),
        (Group.EQUITY, date(2026, 11, 27), time(12, 15)),
        (Group.METALS, date(2026, 11, 27), time(13, 45)),
        (Group.GRAINS, date(2026, 11, 27), time(12, 5)),
        (Group.METALS, date(2026, 12, 24), time(12, 45)),
        (Group.EQUITY, date(2026, 12, 25), None),
        # Christmas 2027 falls on a Saturday and is kept on Friday.
        (Group.EQUITY, date(2027, 12, 24), None),
    ],
)
def test_known_dates(group: Group, day: date, closes: time | None) -> None:
    assert exchange_holidays()[group, day].closes == closes


@pytest.mark.parametrize(
    ("group", "day"),
    [
        (Group.FX, date(2026, 1, 19)),
        (Group.FX, date(2026, 11, 26)),
        (Group.CRYPTO, date(2026, 12, 25)),
        (Group.EQUITY, date(2026, 11, 25)),
    ],
)
def test_ordinary_dates_have_no_entry(group: Group, day: date) -> None:
    assert (group, day) not in exchange_holidays()
