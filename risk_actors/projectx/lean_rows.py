"""The user hub's events, decoded from their bytes straight into our words.

The usual form of an event is read by types that are known beforehand, which is several times
quicker than field by field; whatever differs from it in any way goes through `translation`, which
alone says what is tolerated and what makes no sense. Both give the same for the same bytes.
"""

from collections.abc import Callable
from typing import Annotated, Any

import msgspec

from risk_actors.core.broker import Account, Fill, Order, OrderStatus, OrderType, Position, Side
from risk_actors.core.money import ZERO
from risk_actors.projectx import translation
from risk_actors.projectx.errors import PayloadError
from risk_actors.projectx.fields import MAX_CONTRACTS, excerpt
from risk_actors.projectx.lean_fields import (
    Number,
    Unusual,
    quick_decimal,
    quick_instant_ns,
    quick_optional,
)
from risk_actors.projectx.lines_gate import BrokerRow

_MAX_TAG = 64
_MAX_ID = 2**63 - 1

type _Id = Annotated[int, msgspec.Meta(ge=-_MAX_ID, le=_MAX_ID)]
type _Contracts = Annotated[int, msgspec.Meta(ge=0, le=MAX_CONTRACTS)]
type _Text = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]


class _AccountRow(msgspec.Struct, rename="camel"):
    id: _Id
    balance: Number
    can_trade: bool
    name: _Text
    is_visible: bool = True
    simulated: bool = False


class _PositionRow(msgspec.Struct, rename="camel"):
    id: _Id
    account_id: _Id
    contract_id: _Text
    size: _Contracts
    type: int
    average_price: Number
    creation_timestamp: str | None = None


class _OrderRow(msgspec.Struct, rename="camel"):
    id: _Id
    account_id: _Id
    contract_id: _Text
    status: int
    type: int
    side: int
    size: _Contracts
    fill_volume: _Contracts = 0
    limit_price: Number | None = None
    stop_price: Number | None = None
    creation_timestamp: str | None = None
    update_timestamp: str | None = None
    parent_order_id: _Id | None = None
    linked_order_id: _Id | None = None
    custom_tag: str | None = None


class _FillRow(msgspec.Struct, rename="camel"):
    id: _Id
    account_id: _Id
    contract_id: _Text
    order_id: _Id
    side: int
    size: _Contracts
    price: Number
    creation_timestamp: str
    profit_and_loss: Number | None = None
    fees: Number | None = None
    commissions: Number | None = None
    voided: bool = False


class _Wrapped[T](msgspec.Struct):
    """`{action, data}`; with an id beside them it is taken for a row itself."""

    data: T
    id: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


def _account(row: _AccountRow) -> Account:
    return Account(
        id=row.id,
        name=row.name,
        balance_usd=quick_decimal(row.balance),
        can_trade=row.can_trade,
        is_visible=row.is_visible,
        simulated=row.simulated,
    )


_SIGNS = {0: 0, 1: 1, 2: -1}


def _position(row: _PositionRow) -> Position:
    sign = _SIGNS.get(row.type)
    if sign is None:
        raise Unusual
    return Position(
        account_id=row.account_id,
        contract_id=row.contract_id,
        size=sign * row.size,
        average_price=quick_decimal(row.average_price),
        opened_ns=quick_instant_ns(row.creation_timestamp),
    )


def _order(row: _OrderRow) -> Order:
    tag = row.custom_tag
    return Order(
        id=row.id,
        account_id=row.account_id,
        contract_id=row.contract_id,
        status=_STATUSES[row.status],
        type=_TYPES[row.type],
        side=_SIDES[row.side],
        size=row.size,
        filled_size=row.fill_volume,
        limit_price=quick_optional(row.limit_price),
        stop_price=quick_optional(row.stop_price),
        created_ns=quick_instant_ns(row.creation_timestamp),
        updated_ns=quick_instant_ns(row.update_timestamp),
        parent_order_id=row.parent_order_id or None,
        linked_order_id=row.linked_order_id or None,
        custom_tag=tag[:_MAX_TAG] if tag else None,
    )


def _fill(row: _FillRow) -> Fill:
    at_ns = quick_instant_ns(row.creation_timestamp)
    if at_ns == 0:
        raise Unusual
    return Fill(
        id=row.id,
        account_id=row.account_id,
        contract_id=row.contract_id,
        order_id=row.order_id,
        side=_SIDES[row.side],
        size=row.size,
        price=quick_decimal(row.price),
        at_ns=at_ns,
        profit_usd=quick_optional(row.profit_and_loss),
        costs_usd=(quick_optional(row.fees) or ZERO) + (quick_optional(row.commissions) or ZERO),
        voided=row.voided,
    )


_STATUSES = {int(status): status for status in OrderStatus}
_TYPES = {int(kind): kind for kind in OrderType}
_SIDES = {int(side): side for side in Side}


_NOT_QUICK = (
    msgspec.DecodeError,
    UnicodeDecodeError,
    RecursionError,
    Unusual,
    KeyError,
    OverflowError,
)


class _Kind:
    """How one event is read: quickly where it has the usual form, thoroughly where not."""

    def __init__(
        self,
        source: str,
        row: Any,
        quick: Callable[[Any], BrokerRow],
        thorough: Callable[[object, str], BrokerRow],
    ) -> None:
        self.source = source
        self._decoder = msgspec.json.Decoder(list[_Wrapped[row]])
        self._quick = quick
        self._thorough = thorough

    def read(self, arguments: msgspec.Raw) -> list[BrokerRow | PayloadError]:
        try:
            wrapped = self._decoder.decode(arguments)
            if all(each.id is msgspec.UNSET for each in wrapped):
                return [self._quick(each.data) for each in wrapped]
        except _NOT_QUICK:
            pass
        return self._read_thoroughly(arguments)

    def _read_thoroughly(self, arguments: msgspec.Raw) -> list[BrokerRow | PayloadError]:
        found: list[BrokerRow | PayloadError] = []
        try:
            decoded = msgspec.json.decode(arguments)
            for argument in decoded if isinstance(decoded, list) else [decoded]:
                rows = translation.event_rows(self.source, argument)
                found.extend(map(self._read_row, rows))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            detail = f"no JSON ({type(error).__name__})"
            found.append(PayloadError(self.source, detail, excerpt(bytes(arguments))))
        except PayloadError as error:
            found.append(error)
        return found

    def _read_row(self, row: object) -> BrokerRow | PayloadError:
        try:
            return self._thorough(row, self.source)
        except PayloadError as error:
            return error


_KINDS = {
    kind.source: kind
    for kind in (
        _Kind("GatewayUserAccount", _AccountRow, _account, translation.account_from),
        _Kind("GatewayUserPosition", _PositionRow, _position, translation.position_from),
        _Kind("GatewayUserOrder", _OrderRow, _order, translation.order_from),
        _Kind("GatewayUserTrade", _FillRow, _fill, translation.fill_from),
    )
}


def rows_in(target: str, arguments: msgspec.Raw) -> list[BrokerRow | PayloadError]:
    """Return every row of a user hub's event, and what made no sense in its place.

    Args:
        target: the event; of one that is not known here nothing is returned.
        arguments: what came with it, JSON as it came.
    """
    kind = _KINDS.get(target)
    return [] if kind is None else kind.read(arguments)
