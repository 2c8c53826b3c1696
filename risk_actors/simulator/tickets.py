"""From an order as it is asked for to an order as the exchange keeps it."""

from risk_actors.simulator.contracts import Contract
from risk_actors.simulator.records import Order, OrderStatus, OrderType, Quote, Ticket


def order_from(
    ticket: Ticket, contract: Contract, quote: Quote, *, order_id: int, now_ns: int
) -> Order:
    """Return the pending order of a ticket.

    A join order takes the current bid or ask as its limit; a trailing stop keeps the distance of
    its asked level from the last price.
    """
    order = Order(
        id=order_id,
        account_id=ticket.account_id,
        contract_id=ticket.contract_id,
        type=ticket.type,
        side=ticket.side,
        size=ticket.size,
        status=OrderStatus.PENDING,
        created_ns=now_ns,
        updated_ns=now_ns,
        source=ticket.source,
        limit_price=ticket.limit_price,
        stop_price=ticket.stop_price,
        custom_tag=ticket.custom_tag,
    )
    if ticket.type is OrderType.JOIN_BID:
        order.limit_price = quote.bid
    elif ticket.type is OrderType.JOIN_ASK:
        order.limit_price = quote.ask
    if ticket.trail_price is not None:
        order.trail_distance = abs(quote.last - ticket.trail_price)
        order.trail_ticks = int(order.trail_distance / contract.tick_size)
        order.stop_price = ticket.trail_price
    return order
