"""How a fill moves a position: size, average price and profit, as the broker reckons them."""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from risk_actors.core.broker import Fill
from risk_actors.core.instruments import Instrument


class Holding(NamedTuple):
    """A signed size and the average price of its entries."""

    size: int
    average_price: Decimal


FLAT = Holding(0, Decimal(0))


def after_fill(held: Holding, fill: Fill) -> Holding:
    """Return the holding after a fill.

    Adding to a position averages its price; reducing leaves the average; a reversal starts anew
    at the fill's price.
    """
    size = held.size + fill.signed_size
    if size == 0:
        return FLAT
    if held.size * fill.signed_size >= 0:
        total = held.average_price * abs(held.size) + fill.price * fill.size
        return Holding(size, total / abs(size))
    if size * held.size > 0:
        return Holding(size, held.average_price)
    return Holding(size, fill.price)


def after_fills(held: Holding, fills: Iterable[Fill]) -> Holding:
    """Return the holding after fills in this order."""
    for fill in fills:
        held = after_fill(held, fill)
    return held


def profit_usd(
    *, size: int, entry_price: Decimal, exit_price: Decimal, instrument: Instrument
) -> Decimal:
    """Return the gross P&L of closing a signed size: (exit - entry) / tick size * tick value."""
    ticks = (exit_price - entry_price) / instrument.tick_size
    return ticks * instrument.tick_value_usd * size
