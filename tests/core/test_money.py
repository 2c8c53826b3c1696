"""Dollars are exact and are compared at the cent."""

from decimal import Decimal, InvalidOperation

import pytest

from risk_actors.core.money import decimal_from, to_cents


@pytest.mark.parametrize(
    ("amount", "cents"),
    [
        ("0", 0),
        ("500", 50000),
        ("-500.00", -50000),
        ("499.994999", 49999),
        ("499.995", 50000),
        ("-499.994999", -49999),
        ("-499.995", -50000),
        ("0.005", 1),
        ("-0.005", -1),
        ("0.0049", 0),
        ("15.625", 1563),
        ("-46.875", -4688),
        ("999999999.99", 99999999999),
    ],
)
def test_half_a_cent_rounds_away_from_zero(amount: str, cents: int) -> None:
    assert to_cents(Decimal(amount)) == cents


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (15.625, "15.625"),
        (0.1, "0.1"),
        (150175.38, "150175.38"),
        (0.0000005, "5E-7"),
        (1e16, "1E+16"),
        (3, "3"),
        (-0.37, "-0.37"),
        ("49909", "49909"),
        ("113.46875", "113.46875"),
        (Decimal("1.10"), "1.10"),
    ],
)
def test_a_number_becomes_the_decimal_it_was_written_as(
    number: float | str | Decimal, text: str
) -> None:
    assert decimal_from(number) == Decimal(text)
    assert decimal_from(0.1) + decimal_from(0.2) == decimal_from(0.3)


def test_text_that_is_no_number_is_refused() -> None:
    with pytest.raises((ValueError, InvalidOperation)):
        decimal_from("12,5")
