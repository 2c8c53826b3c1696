"""Sentences out of templates and figures."""

from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from core.builders import CHICAGO, MS, NOON, at

from risk_actors.core.evidence import Evidence, format_instant, format_usd, iso_utc
from risk_actors.core.money import to_cents


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "0.00"),
        ("-1234.5", "-1,234.50"),
        ("1234567.891", "1,234,567.89"),
        ("0.005", "0.01"),
        ("-0.001", "0.00"),
        ("499.985", "499.99"),
        ("-499.985", "-499.99"),
        ("15.625", "15.63"),
    ],
)
def test_dollars_are_shown_as_they_are_compared(amount: str, text: str) -> None:
    assert format_usd(Decimal(amount)) == text
    assert to_cents(Decimal(text.replace(",", ""))) == to_cents(Decimal(amount))


def test_a_sentence_formats_dollars_and_instants_in_the_traders_zone() -> None:
    evidence = Evidence(
        template="{pnl:usd} of {limit:usd} at {at:time} in {symbol} after {trades}",
        figures={
            "pnl": Decimal("-500.004"),
            "limit": None,
            "at": NOON,
            "symbol": "MNQ",
            "trades": 3,
        },
    )

    assert evidence.sentence() == "-500.00 of unknown at 18:00:00 UTC in MNQ after 3"
    assert evidence.sentence(CHICAGO) == "-500.00 of unknown at 12:00:00 CST in MNQ after 3"


def test_a_sentence_without_figures_is_its_template() -> None:
    assert Evidence(template="Nothing was read yet").sentence() == "Nothing was read yet"


def test_instants_show_the_zone_in_force() -> None:
    tokyo = ZoneInfo("Asia/Tokyo")

    assert format_instant(at(2026, 7, 1, 9, 30), CHICAGO) == "09:30:00 CDT"
    assert format_instant(at(2026, 7, 1, 9, 30), tokyo) == "23:30:00 JST"
    assert iso_utc(NOON + 7 * MS) == "2026-11-17T18:00:00.007+00:00"
