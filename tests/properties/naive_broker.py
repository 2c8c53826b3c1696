"""A broker so simple that it is plainly right: every figure is counted anew, lot by lot.

It shares no arithmetic with the core: fractions instead of decimals, one contract at a time
instead of one fill at a time, and the whole history instead of a running state.
"""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

TICKS: dict[str, tuple[Fraction, Fraction]] = {
    "CON.F.US.MNQ.Z26": (Fraction(1, 4), Fraction(1, 2)),
    "CON.F.US.TYA.Z26": (Fraction(1, 64), Fraction(125, 8)),
    "CON.F.US.MYM.Z26": (Fraction(1), Fraction(1, 2)),
}
"""Tick size and dollars per tick of the contracts that are traded: MNQ, ZN and MYM."""


class Deal(NamedTuple):
    """One fill as it happened at the broker."""

    id: int
    contract: str
    order_id: int
    signed_size: int
    price: Fraction
    costs: Decimal
    at_ns: int


class Book(NamedTuple):
    """What one contract's deals amount to."""

    size: int
    average: Fraction
    closed_profits: dict[int, Fraction]
    """Gross dollars per closing deal."""
    trades: int
    entry_orders: frozenset[int]


def reckon(contract: str, deals: Iterable[Deal], *, since_ns: int = 0) -> Book:
    """Go through one contract's deals lot by lot; count trades and entries since an instant."""
    tick_size, tick_value = TICKS[contract]
    size, paid, trades = 0, Fraction(0), 0
    profits: dict[int, Fraction] = {}
    entry_orders: set[int] = set()
    for deal in deals:
        side = 1 if deal.signed_size > 0 else -1
        for _ in range(abs(deal.signed_size)):
            if size * side >= 0:
                if deal.at_ns >= since_ns:
                    trades += size == 0
                    entry_orders.add(deal.order_id)
                paid += deal.price
            else:
                average = paid / abs(size)
                ticks = (deal.price - average) * -side / tick_size
                profits[deal.id] = profits.get(deal.id, Fraction(0)) + ticks * tick_value
                paid -= average
            size += side
    return Book(
        size=size,
        average=paid / abs(size) if size else Fraction(0),
        closed_profits=profits,
        trades=trades,
        entry_orders=frozenset(entry_orders),
    )


def open_profit(contract: str, book: Book, mark: Fraction) -> Fraction:
    """Return the gross dollars of closing what is open at a price."""
    tick_size, tick_value = TICKS[contract]
    return (mark - book.average) / tick_size * tick_value * book.size


def exact(number: Fraction, places: int = 18) -> Decimal:
    """Return a fraction as the decimal a broker would write."""
    return Decimal(round(number * 10**places)).scaleb(-places)
