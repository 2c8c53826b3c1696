"""How fills move a holding, and what closing one earns."""

from decimal import Decimal

import pytest
from core.builders import ES, MNQ, MYM, ZB, ZN, dec, fill

from risk_actors.core.instruments import catalogued_instrument
from risk_actors.core.position_math import FLAT, Holding, after_fill, after_fills, profit_usd


def holding(size: int, price: str | int) -> Holding:
    return Holding(size, dec(price))


@pytest.mark.parametrize(
    ("before", "signed_size", "price", "after"),
    [
        (FLAT, 2, 100, holding(2, 100)),
        (FLAT, -2, 100, holding(-2, 100)),
        (holding(2, 100), 2, 101, holding(4, "100.5")),
        (holding(-1, 100), -3, 104, holding(-4, 103)),
        (holding(4, 100), -1, 250, holding(3, 100)),
        (holding(-4, 100), 3, 250, holding(-1, 100)),
        (holding(4, 100), -4, 250, FLAT),
        (holding(-4, 100), 4, 250, FLAT),
        (holding(4, 100), -6, 250, holding(-2, 250)),
        (holding(-1, 100), 2, 250, holding(1, 250)),
    ],
)
def test_adding_averages_reducing_keeps_and_a_reversal_starts_anew(
    before: Holding, signed_size: int, price: int, after: Holding
) -> None:
    assert after_fill(before, fill(1, signed_size, price)) == after


def test_averages_fall_off_the_tick_grid() -> None:
    held = after_fills(FLAT, [fill(1, 1, "100.25"), fill(2, 2, "100.50")])

    assert held.size == 3
    assert abs(held.average_price - Decimal("301.25") / 3) < Decimal("1e-20")


@pytest.mark.parametrize(
    ("contract", "size", "entry", "exit_price", "profit"),
    [
        (MYM, 15, "49909", "49983", "555.00"),
        (MYM, -15, "49909", "49983", "-555.00"),
        (ZB, -15, "113.46875", "113.5", "-468.75"),
        (ES, 1, "6064.25", "6065.25", "50.00"),
        (MNQ, -3, "20000.00", "19999.75", "1.50"),
        (ZN, 1, "110", "110.015625", "15.625"),
        (MNQ, 2, "20000.125", "20000.25", "0.50"),
        ("CON.F.US.JY6.Z26", -2, "0.0066500", "0.0066505", "-12.50"),
    ],
)
def test_profit_is_ticks_times_tick_value_times_signed_size(
    contract: str, size: int, entry: str, exit_price: str, profit: str
) -> None:
    instrument = catalogued_instrument(contract)
    assert instrument is not None

    earned = profit_usd(
        size=size, entry_price=dec(entry), exit_price=dec(exit_price), instrument=instrument
    )

    assert earned == dec(profit)
