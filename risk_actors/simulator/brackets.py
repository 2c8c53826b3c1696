"""Bracket legs: suspended until their entry fills, then an OCO pair around the entry price.

Leg prices are tick distances from the entry's average fill. While the entry is filled in part
the legs cover what is filled. A leg that trades takes its size off the other one.
"""

from collections.abc import Iterator
from decimal import Decimal

from risk_actors.simulator.contracts import Contract
from risk_actors.simulator.matching import on_grid
from risk_actors.simulator.records import Bracket, Order, OrderStatus, OrderType, Ticket

_STOP_TYPES = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP})


def legs_of(entry: Order, ticket: Ticket, ids: Iterator[int]) -> list[Order]:
    """Return the suspended legs of an entry, stop loss before target, linked to each other."""
    legs: list[Order] = []
    for bracket, suffix in ((ticket.stop_loss, "SL"), (ticket.take_profit, "TP")):
        if bracket is not None:
            legs.append(_leg(entry, bracket, suffix, next(ids)))
    match legs:
        case [stop_loss, target]:
            stop_loss.linked_id, target.linked_id = target.id, stop_loss.id
        case _:
            pass
    return legs


def _leg(entry: Order, bracket: Bracket, suffix: str, order_id: int) -> Order:
    return Order(
        id=order_id,
        account_id=entry.account_id,
        contract_id=entry.contract_id,
        type=bracket.type,
        side=entry.side.opposite,
        size=entry.size,
        status=OrderStatus.SUSPENDED,
        created_ns=entry.created_ns,
        updated_ns=entry.created_ns,
        source=entry.source,
        custom_tag=f"{entry.custom_tag}-{suffix}" if entry.custom_tag else None,
        parent_id=entry.id,
        bracket=bracket,
        trail_ticks=bracket.ticks if bracket.type is OrderType.TRAILING_STOP else None,
    )


def cover(leg: Order, entry: Order, contract: Contract, *, last: Decimal, taken: int) -> None:
    """Make a leg work for what its entry has filled so far, less what the other leg took."""
    if leg.bracket is None or entry.filled_price is None or leg.status.is_final:
        return
    if leg.status is OrderStatus.SUSPENDED:
        leg.status = OrderStatus.OPEN
    leg.size = max(entry.fill_volume - taken, leg.fill_volume)
    price = on_grid(entry.filled_price + leg.bracket.ticks * contract.tick_size, contract.tick_size)
    if leg.type is OrderType.TRAILING_STOP:
        leg.trail_distance = abs(leg.bracket.ticks) * contract.tick_size
        leg.stop_price = last + leg.side.sign * leg.trail_distance
    elif leg.type in _STOP_TYPES:
        leg.stop_price = price
        if leg.type is OrderType.STOP_LIMIT:
            leg.limit_price = price
    else:
        leg.limit_price = price
