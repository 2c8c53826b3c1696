"""The broker's payloads in our words (`core.broker`), from REST rows and hub events alike.

Pure functions. Whatever comes in, they return structs or raise `PayloadError`, nothing else.
Field names and codes are the Gateway's documented ones; the shapes are those seen on the wire.
"""

from collections.abc import Callable
from typing import Any

from risk_actors.core.broker import (
    Account,
    Fill,
    Order,
    OrderStatus,
    OrderType,
    Position,
    Side,
)
from risk_actors.core.instruments import Instrument, symbol_of
from risk_actors.core.money import ZERO
from risk_actors.projectx.errors import PayloadError
from risk_actors.projectx.fields import Row, excerpt

_LONG = 1
_SHORT = 2
_UNDEFINED = 0
_MAX_NESTING = 4
_MAX_TAG = 64


def account_from(payload: object, source: str = "account") -> Account:
    """Return the account in one row.

    The balance excludes unrealised P&L: live, it moves with every fill by the realised amount.

    Raises:
        PayloadError: the row makes no sense.
    """
    row = Row(source, payload)
    account_id = row.integer("id")
    return Account(
        id=account_id,
        name=row.text("name", default=str(account_id)),
        balance_usd=row.decimal("balance"),
        can_trade=row.flag("canTrade"),
        is_visible=row.flag("isVisible", default=True),
        simulated=row.flag("simulated", default=False),
    )


def position_from(payload: object, source: str = "position") -> Position:
    """Return the position in one row, its size signed.

    The Gateway's size is unsigned and its `type` gives the direction; a closed position comes as
    type 0, size 0 and carries its entry's average price.

    Raises:
        PayloadError: the row makes no sense, such as an open position of no known direction.
    """
    row = Row(source, payload)
    size = row.contracts("size")
    direction = row.integer("type", default=_UNDEFINED if size == 0 else None)
    if direction not in (_UNDEFINED, _LONG, _SHORT):
        raise row.fail(f"type {direction} is unknown")
    if direction == _UNDEFINED:
        size = 0
    average_price = row.optional_decimal("averagePrice")
    if average_price is None:
        if size:
            raise row.fail("averagePrice is missing")
        average_price = ZERO
    return Position(
        account_id=row.integer("accountId"),
        contract_id=row.text("contractId"),
        size=-size if direction == _SHORT else size,
        average_price=average_price,
        opened_ns=row.instant_ns("creationTimestamp"),
    )


def order_from(payload: object, source: str = "order") -> Order:
    """Return the order in one row.

    A type that is new to us is UNKNOWN, a status that is new is NONE.

    Raises:
        PayloadError: the row makes no sense.
    """
    row = Row(source, payload)
    tag = row.raw("customTag")
    return Order(
        id=row.integer("id"),
        account_id=row.integer("accountId"),
        contract_id=row.text("contractId"),
        status=row.code("status", OrderStatus, unknown=OrderStatus.NONE),
        type=row.code("type", OrderType, unknown=OrderType.UNKNOWN),
        side=row.code("side", Side),
        size=row.contracts("size"),
        filled_size=row.contracts("fillVolume", default=0),
        limit_price=row.optional_decimal("limitPrice"),
        stop_price=row.optional_decimal("stopPrice"),
        created_ns=row.instant_ns("creationTimestamp"),
        updated_ns=row.instant_ns("updateTimestamp"),
        parent_order_id=row.optional_id("parentOrderId"),
        linked_order_id=row.optional_id("linkedOrderId"),
        custom_tag=tag[:_MAX_TAG] if isinstance(tag, str) and tag else None,
    )


def fill_from(payload: object, source: str = "trade") -> Fill:
    """Return the fill in one row.

    `profitAndLoss` is gross and absent or null on an opening half-turn; `fees` and `commissions`
    are separate, and both are charged on every half-turn.

    Raises:
        PayloadError: the row makes no sense.
    """
    row = Row(source, payload)
    at_ns = row.instant_ns("creationTimestamp")
    if at_ns == 0:
        raise row.fail("creationTimestamp is missing, or no time of our days")
    return Fill(
        id=row.integer("id"),
        account_id=row.integer("accountId"),
        contract_id=row.text("contractId"),
        order_id=row.integer("orderId"),
        side=row.code("side", Side),
        size=row.contracts("size"),
        price=row.decimal("price"),
        at_ns=at_ns,
        profit_usd=row.optional_decimal("profitAndLoss"),
        costs_usd=(row.optional_decimal("fees") or ZERO)
        + (row.optional_decimal("commissions") or ZERO),
        voided=row.flag("voided", default=False),
    )


def instrument_from(payload: object, source: str = "contract") -> Instrument:
    """Return the instrument in one contract row.

    Raises:
        PayloadError: the row makes no sense, such as a tick that is not positive.
    """
    row = Row(source, payload)
    contract_id = row.text("id")
    tick_size = row.decimal("tickSize")
    tick_value_usd = row.decimal("tickValue")
    if tick_size <= 0 or tick_value_usd <= 0:
        raise row.fail("tickSize and tickValue must be positive")
    return Instrument(
        contract_id=contract_id,
        symbol=symbol_of(contract_id, row.text("name", default=contract_id)),
        tick_size=tick_size,
        tick_value_usd=tick_value_usd,
    )


def rows_from[T](
    response: object, key: str, decode: Callable[[object, str], T], source: str
) -> tuple[T, ...]:
    """Return all rows of a REST answer, decoded.

    One row that makes no sense spoils the whole: a list with a hole reads as "nothing there".

    Raises:
        PayloadError: the list is absent or null, or one of its rows makes no sense.
    """
    rows = Row(source, response).raw(key)
    if not isinstance(rows, list):
        raise PayloadError(source, f"{key} is no list", excerpt(response))
    return tuple(decode(row, source) for row in rows)


def event_rows(source: str, payload: object) -> list[dict[Any, Any]]:
    """Return the rows of one hub event argument.

    The documentation shows them bare, the wire wraps them in `{action, data}`; a list is taken as
    several of either. `action` says nothing that we rely on.

    Raises:
        PayloadError: there is something in it that is no row.
    """
    return _unwrap(source, payload, _MAX_NESTING)


def _unwrap(source: str, payload: object, nesting: int) -> list[dict[Any, Any]]:
    if nesting > 0:
        if isinstance(payload, list | tuple):
            return [row for item in payload for row in _unwrap(source, item, nesting - 1)]
        if isinstance(payload, dict):
            if "data" in payload and "id" not in payload:
                return _unwrap(source, payload["data"], nesting - 1)
            return [payload]
    raise PayloadError(source, "not an object", excerpt(payload))
