"""When an order trades, and at what price: pure functions of one order and one quote.

A buy trades at the ask and a sell at the bid. Stops trigger on the last price, or once the whole
market is through them; a triggered stop then trades at the market, so it can slip.
"""

from decimal import ROUND_HALF_UP, Decimal

from risk_actors.simulator.records import Order, OrderType, Quote, Side

_TAKERS = frozenset({OrderType.MARKET, OrderType.STOP, OrderType.TRAILING_STOP})
_STOPS = frozenset({OrderType.STOP, OrderType.TRAILING_STOP, OrderType.STOP_LIMIT})


def on_grid(price: Decimal, tick_size: Decimal) -> Decimal:
    """Return the price rounded to the nearest tick."""
    ticks = (price / tick_size).to_integral_value(rounding=ROUND_HALF_UP)
    return ticks * tick_size


def is_on_grid(price: Decimal, tick_size: Decimal) -> bool:
    """Tell whether a price is a whole number of ticks."""
    return price % tick_size == 0


def is_limit_like(order: Order) -> bool:
    """Tell whether the fill of this order is reported in the order limit fills are."""
    return order.type not in _TAKERS


def touch_price(side: Side, quote: Quote) -> Decimal:
    """Return what a market order of that side trades at."""
    return quote.ask if side is Side.BUY else quote.bid


def stop_is_reached(order: Order, quote: Quote) -> bool:
    """Tell whether the market has reached this order's stop price."""
    stop = order.stop_price
    if stop is None:
        return False
    if order.side is Side.BUY:
        return quote.last >= stop or quote.bid >= stop
    return quote.last <= stop or quote.ask <= stop


def trigger(order: Order, quote: Quote) -> bool:
    """Turn a reached stop-limit into a limit order; return whether it did."""
    if order.type is OrderType.STOP_LIMIT and stop_is_reached(order, quote):
        order.type = OrderType.LIMIT
        return True
    return False


def trail(order: Order, quote: Quote) -> bool:
    """Pull a trailing stop behind the last price; return whether it moved."""
    if order.type is not OrderType.TRAILING_STOP or order.trail_distance is None:
        return False
    if order.side is Side.SELL:
        wanted = quote.last - order.trail_distance
        moves = order.stop_price is None or wanted > order.stop_price
    else:
        wanted = quote.last + order.trail_distance
        moves = order.stop_price is None or wanted < order.stop_price
    if moves:
        order.stop_price = wanted
    return moves


def fill_price(order: Order, quote: Quote, *, arriving: bool) -> Decimal | None:
    """Return the price at which the order trades now, or None while it rests.

    A limit that rests trades at its own price; one that arrives through the market trades at the
    better market price.
    """
    touch = touch_price(order.side, quote)
    if order.type is OrderType.MARKET:
        return touch
    if order.type in _STOPS:
        reached = order.type is not OrderType.STOP_LIMIT and stop_is_reached(order, quote)
        return touch if reached else None
    if order.limit_price is None:
        return None
    if (touch - order.limit_price) * order.side.sign > 0:
        return None
    return touch if arriving else order.limit_price
