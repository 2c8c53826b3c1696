"""Why the exchange refuses a command, and the check of an order before it is accepted.

The Gateway numbers refusals per endpoint, so the exchange names them and the REST layer numbers
them. A rejected order still exists with an id and status 5 (as live); the other refusals leave
nothing behind.
"""

import enum
from decimal import Decimal

from risk_actors.simulator.contracts import Contract
from risk_actors.simulator.matching import is_on_grid
from risk_actors.simulator.records import Bracket, Order, OrderType, Quote, Side, Ticket

_MIN_BRACKET_TICKS = 4
_NEEDS_LIMIT = frozenset({OrderType.LIMIT, OrderType.STOP_LIMIT})
_NEEDS_STOP = frozenset({OrderType.STOP, OrderType.STOP_LIMIT})


class Reason(enum.Enum):
    """What is wrong with a command."""

    ACCOUNT_NOT_FOUND = enum.auto()
    ACCOUNT_VIOLATION = enum.auto()
    ACCOUNT_REJECTED = enum.auto()
    CONTRACT_NOT_FOUND = enum.auto()
    MARKET_CLOSED = enum.auto()
    ORDER_NOT_FOUND = enum.auto()
    ORDER_REJECTED = enum.auto()
    POSITION_NOT_FOUND = enum.auto()
    INVALID_SIZE = enum.auto()


class RefusedError(Exception):
    """The exchange does not do what was asked.

    `order_id` is set where the refused order exists all the same.
    """

    def __init__(
        self, reason: Reason, message: str | None = None, order_id: int | None = None
    ) -> None:
        super().__init__(message or reason.name)
        self.reason = reason
        self.message = message
        self.order_id = order_id


def fault_of(ticket: Ticket, contract: Contract, quote: Quote) -> str | None:
    """Return why an order is rejected, or None when it is acceptable."""
    if ticket.size <= 0:
        return "Invalid order size."
    return (
        _missing_price(ticket)
        or _off_grid(ticket, contract)
        or _wrong_side(ticket, quote)
        or _bad_bracket(ticket.stop_loss, ticket.side, -1, "stop loss")
        or _bad_bracket(ticket.take_profit, ticket.side, 1, "take profit")
    )


def change_fault(
    order: Order,
    contract: Contract,
    quote: Quote,
    size: int | None,
    prices: tuple[Decimal | None, Decimal | None],
) -> str | None:
    """Return why a modification is refused; `prices` are the new limit and stop, None as before."""
    if size is not None and size <= order.fill_volume:
        return "Invalid order size."
    for price in prices:
        if price is not None and (price <= 0 or not is_on_grid(price, contract.tick_size)):
            return f"Invalid price ({price}). Price is outside allowed tick size."
    stop = prices[1]
    if stop is not None and (stop - quote.last) * order.side.sign <= 0:
        return f"Invalid stop price ({stop}). The market has passed it."
    return None


def _missing_price(ticket: Ticket) -> str | None:
    if ticket.type in _NEEDS_LIMIT and ticket.limit_price is None:
        return "Limit price is required."
    if ticket.type in _NEEDS_STOP and ticket.stop_price is None:
        return "Stop price is required."
    if ticket.type is OrderType.TRAILING_STOP and ticket.trail_price is None:
        return "Trail price is required."
    return None


def _off_grid(ticket: Ticket, contract: Contract) -> str | None:
    prices = (ticket.limit_price, ticket.stop_price, ticket.trail_price)
    for price in prices:
        if price is not None and (price <= 0 or not is_on_grid(price, contract.tick_size)):
            return f"Invalid price ({price}). Price is outside allowed tick size."
    return None


def _wrong_side(ticket: Ticket, quote: Quote) -> str | None:
    """A stop must stand where the market has not been yet, or it is a market order."""
    level: Decimal | None = None
    if ticket.type in _NEEDS_STOP:
        level = ticket.stop_price
    elif ticket.type is OrderType.TRAILING_STOP:
        level = ticket.trail_price
    if level is None or (level - quote.last) * ticket.side.sign > 0:
        return None
    where = "above" if ticket.side is Side.BUY else "below"
    return f"Invalid stop price ({level}). Price must be {where} the last price."


def _bad_bracket(bracket: Bracket | None, side: Side, way: int, name: str) -> str | None:
    """Ticks are signed: a long's stop loss is negative and its target positive."""
    if bracket is None:
        return None
    if bracket.ticks * side.sign * way < _MIN_BRACKET_TICKS:
        return (
            f"Invalid {name} ticks ({bracket.ticks}). "
            f"Price should be at least {_MIN_BRACKET_TICKS} ticks away."
        )
    return None
