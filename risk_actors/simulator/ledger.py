"""Position and P&L arithmetic of the exchange.

It is written apart from the daemon's own P&L on purpose: the two check each other. P&L of a
close is (exit - average entry) / tick size * tick value * size, sign by side, gross of costs.
"""

from decimal import Decimal

from risk_actors.simulator.contracts import Contract
from risk_actors.simulator.records import Order, Position, PositionView, Side, Trade

_GRAIN = Decimal("0.000000001")
"""Averages may not terminate in decimal; the rest of a division stays with the open part."""


def split_at_flat(signed_size: int, side: Side, volume: int) -> tuple[int, int]:
    """Return how much of a fill closes and how much opens, in contracts."""
    if signed_size * side.sign >= 0:
        return 0, volume
    closing = min(abs(signed_size), volume)
    return closing, volume - closing


def add(position: Position, trade: Trade) -> None:
    """Book an opening half-turn: the size grows and the average is rewritten."""
    position.signed_size += trade.side.sign * trade.size
    position.cost += trade.price * trade.size
    position.openings = [*position.openings, trade]


def close(position: Position, contract: Contract, volume: int, price: Decimal) -> Decimal:
    """Take `volume` contracts out of the position at `price` and return the gross P&L in USD.

    The cost leaves in proportion, the last contract takes all that is left, so a round trip's
    P&L is exact however many parts it closes in.
    """
    open_size = abs(position.signed_size)
    direction = 1 if position.signed_size > 0 else -1
    if volume == open_size:
        cost_out = position.cost
    else:
        cost_out = (position.cost * volume / open_size).quantize(_GRAIN)
    position.cost -= cost_out
    position.signed_size -= direction * volume
    points = direction * (price * volume - cost_out)
    return points / contract.tick_size * contract.tick_value_usd


def closed_openings(position: Position, volume: int) -> tuple[Trade, ...]:
    """Return the opening half-turns that a close of `volume` consumes, oldest first.

    They are taken off the position once consumed; one consumed in part stays for the next close.
    """
    consumed: list[Trade] = []
    left = volume
    remaining: list[Trade] = []
    for opening in position.openings:
        if left <= 0:
            remaining.append(opening)
            continue
        consumed.append(opening)
        left -= opening.size
    if left < 0:
        remaining.insert(0, consumed[-1])
    position.openings = remaining
    return tuple(consumed)


def half_turn(
    order: Order,
    contract: Contract,
    *,
    trade_id: int,
    volume: int,
    price: Decimal,
    pnl_usd: Decimal | None,
    now_ns: int,
) -> Trade:
    """Return the trade row of a fill: fees and commission are charged on every half-turn."""
    return Trade(
        id=trade_id,
        account_id=order.account_id,
        contract_id=order.contract_id,
        created_ns=now_ns,
        price=price,
        size=volume,
        side=order.side,
        order_id=order.id,
        pnl_usd=pnl_usd,
        fees_usd=contract.fees_usd * volume,
        commissions_usd=contract.commission_usd * volume,
    )


def view(position: Position, average_price: Decimal) -> PositionView:
    """Return the position as it is shown, with the average to show (the entry's, when flat)."""
    return PositionView(
        id=position.id,
        account_id=position.account_id,
        contract_id=position.contract_id,
        created_ns=position.created_ns,
        signed_size=position.signed_size,
        average_price=average_price,
    )
