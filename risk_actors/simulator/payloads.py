"""How the Gateway writes accounts, orders, positions and trades as JSON objects.

REST rows carry every field, null where there is none; the stream leaves nulls out. Decimals are
written as JSON numbers, exactly.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from risk_actors.simulator.contracts import Contract
from risk_actors.simulator.matching import on_grid
from risk_actors.simulator.records import (
    Account,
    Order,
    OrderStatus,
    OrderType,
    Position,
    PositionView,
    Trade,
)

type Row = dict[str, Any]

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_NS_PER_S = 1_000_000_000
_LONG, _SHORT, _UNDEFINED = 1, 2, 0
_AVERAGE_GRAIN = Decimal("0.0000000001")


def to_json(value: object) -> bytes:
    """Return a value as JSON; decimals become numbers."""
    return _ENCODER.encode(value)


def timestamp(at_ns: int, *, seven_digits: bool = True) -> str:
    """Return a time as the Gateway writes it: ISO 8601, +00:00, up to 7 fractional digits."""
    seconds, rest_ns = divmod(at_ns, _NS_PER_S)
    whole = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f"{rest_ns // 100:07d}" if seven_digits else f"{rest_ns // 1_000_000:03d}"
    return f"{whole}.{fraction}+00:00"


def account_row(account: Account) -> Row:
    """Return an account's row."""
    return {
        "id": account.id,
        "name": account.name,
        "balance": account.balance_usd,
        "canTrade": account.can_trade,
        "isVisible": account.is_visible,
        "simulated": account.simulated,
    }


def contract_row(contract: Contract) -> Row:
    """Return a contract's row."""
    return {
        "id": contract.contract_id,
        "name": contract.name,
        "description": contract.description,
        "tickSize": contract.tick_size,
        "tickValue": contract.tick_value_usd,
        "activeContract": True,
        "symbolId": contract.symbol_id,
    }


def order_row(order: Order, contract: Contract, *, seven_digits: bool = True) -> Row:
    """Return an order's row. A trailing stop reads back its distance as `trailPrice`."""
    trails = order.type is OrderType.TRAILING_STOP
    shows_link = order.linked_id is not None and order.type is OrderType.LIMIT
    unpriced = order.status is OrderStatus.SUSPENDED
    return {
        "id": order.id,
        "accountId": order.account_id,
        "contractId": order.contract_id,
        "symbolId": contract.symbol_id,
        "creationTimestamp": timestamp(order.created_ns, seven_digits=seven_digits),
        "updateTimestamp": timestamp(order.updated_ns, seven_digits=seven_digits),
        "status": int(order.status),
        "type": int(order.type),
        "side": int(order.side),
        "size": order.size,
        "limitPrice": None if unpriced else order.limit_price,
        "stopPrice": None if unpriced else order.stop_price,
        "fillVolume": order.fill_volume,
        "filledPrice": _rounded(order.filled_price),
        "customTag": order.custom_tag,
        "trailDistance": order.trail_ticks,
        "trailPrice": order.trail_distance if trails and not unpriced else None,
        "parentOrderId": order.parent_id,
        "linkedOrderId": order.linked_id if shows_link else None,
    }


def position_row(
    position: Position | PositionView, contract: Contract, *, seven_digits: bool = True
) -> Row:
    """Return a position's row; `size` is never negative, direction is in `type`."""
    signed = position.signed_size
    kind = _LONG if signed > 0 else _SHORT if signed < 0 else _UNDEFINED
    return {
        "id": position.id,
        "accountId": position.account_id,
        "contractId": position.contract_id,
        "contractDisplayName": contract.name,
        "creationTimestamp": timestamp(position.created_ns, seven_digits=seven_digits),
        "type": kind,
        "size": abs(signed),
        "averagePrice": _rounded(position.average_price),
    }


def trade_row(trade: Trade, *, seven_digits: bool = True) -> Row:
    """Return a half-turn's row; `profitAndLoss` is gross, null when it opens."""
    return {
        "id": trade.id,
        "accountId": trade.account_id,
        "contractId": trade.contract_id,
        "creationTimestamp": timestamp(trade.created_ns, seven_digits=seven_digits),
        "price": trade.price,
        "profitAndLoss": trade.pnl_usd,
        "fees": trade.fees_usd,
        "commissions": trade.commissions_usd,
        "side": int(trade.side),
        "size": trade.size,
        "voided": trade.voided,
        "orderId": trade.order_id,
    }


def without_nulls(row: Row) -> Row:
    """Return the row as the stream sends it, null fields left out."""
    return {key: value for key, value in row.items() if value is not None}


def _rounded(price: Decimal | None) -> Decimal | None:
    """Cut an average that never ends; what ends earlier is written as it is."""
    if price is None:
        return None
    rounded = on_grid(price, _AVERAGE_GRAIN)
    return price if price == rounded else rounded
