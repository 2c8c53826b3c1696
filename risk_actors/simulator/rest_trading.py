"""REST endpoints of orders, positions and trades."""

from decimal import Decimal
from typing import Any

import msgspec

from risk_actors.simulator.desk import Desk, Endpoint, Reply
from risk_actors.simulator.payloads import Row, order_row, position_row, trade_row
from risk_actors.simulator.records import Bracket, Order, OrderStatus, OrderType, Side, Ticket
from risk_actors.simulator.refusals import Reason, RefusedError
from risk_actors.simulator.rest_session import at_ns
from risk_actors.simulator.tokens import Session

CLIENT = "client"
"""The source of everything that comes in over REST."""

_SORT_BY_ID = 1
_SORT_DESCENDING = 1
_DEFAULT_PAGE = 100


class BracketRequest(msgspec.Struct, rename="camel"):
    """A bracket leg of Order/place."""

    ticks: int
    type: OrderType

    def leg(self) -> Bracket:
        """Return the exchange's form."""
        return Bracket(ticks=self.ticks, type=self.type)


class PlaceRequest(msgspec.Struct, rename="camel"):
    """Body of Order/place."""

    account_id: int
    contract_id: str
    type: OrderType
    side: Side
    size: int
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None
    custom_tag: str | None = None
    stop_loss_bracket: BracketRequest | None = None
    take_profit_bracket: BracketRequest | None = None


class ModifyRequest(msgspec.Struct, rename="camel"):
    """Body of Order/modify."""

    account_id: int
    order_id: int
    size: int | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None


class OrderRef(msgspec.Struct, rename="camel"):
    """Body of Order/cancel and Order/searchById."""

    account_id: int
    order_id: int


class AccountRef(msgspec.Struct, rename="camel"):
    """Body of the searchOpen endpoints."""

    account_id: int


class PeriodRequest(msgspec.Struct, rename="camel"):
    """Body of Order/search and Trade/search."""

    account_id: int
    start_timestamp: str | None = None
    end_timestamp: str | None = None

    def covers(self, when_ns: int) -> bool:
        """Tell whether a time lies in the period."""
        after = self.start_timestamp is None or at_ns(self.start_timestamp) <= when_ns
        return after and (self.end_timestamp is None or when_ns <= at_ns(self.end_timestamp))


class OrderFilter(msgspec.Struct, rename="camel"):
    """Filter of Order/v2/query."""

    account_id: int
    statuses: list[OrderStatus] | None = None
    contract_id: str | None = None
    created_after: str | None = None
    created_before: str | None = None

    def matches(self, order: Order) -> bool:
        """Tell whether an order is asked for."""
        return (
            order.account_id == self.account_id
            and (self.statuses is None or order.status in self.statuses)
            and self.contract_id in (None, order.contract_id)
            and (self.created_after is None or order.created_ns >= at_ns(self.created_after))
            and (self.created_before is None or order.created_ns <= at_ns(self.created_before))
        )


class QueryRequest(msgspec.Struct, rename="camel"):
    """Body of Order/v2/query."""

    filter: OrderFilter
    page_size: int | None = None
    page_offset: int | None = None
    sort_by: int | None = None
    sort_direction: int | None = None
    include_total_count: bool | None = None


class CloseRequest(msgspec.Struct, rename="camel"):
    """Body of Position/closeContract."""

    account_id: int
    contract_id: str


class PartialCloseRequest(CloseRequest, rename="camel"):
    """Body of Position/partialCloseContract."""

    size: int


def _place(desk: Desk, _session: Session, request: Any) -> Reply:
    stop_loss, take_profit = request.stop_loss_bracket, request.take_profit_bracket
    order = desk.exchange.place(
        Ticket(
            account_id=request.account_id,
            contract_id=request.contract_id,
            type=request.type,
            side=request.side,
            size=request.size,
            limit_price=request.limit_price,
            stop_price=request.stop_price,
            trail_price=request.trail_price,
            custom_tag=request.custom_tag,
            stop_loss=stop_loss.leg() if stop_loss else None,
            take_profit=take_profit.leg() if take_profit else None,
            source=CLIENT,
        ),
        desk.clock(),
    )
    return Reply(row={"orderId": order.id}, order_id=order.id)


def _modify(desk: Desk, _session: Session, request: Any) -> Reply:
    desk.exchange.modify(
        request.account_id,
        request.order_id,
        desk.clock(),
        size=request.size,
        limit_price=request.limit_price,
        stop_price=request.stop_price,
        trail_price=request.trail_price,
        by=CLIENT,
    )
    return Reply(order_id=request.order_id)


def _cancel(desk: Desk, _session: Session, request: Any) -> Reply:
    desk.exchange.cancel(request.account_id, request.order_id, desk.clock(), by=CLIENT)
    return Reply(order_id=request.order_id)


def _orders_of(desk: Desk, account_id: int) -> list[Order]:
    desk.exchange.account(account_id)
    hides = desk.hides_suspended()
    return [
        order
        for order in desk.book.orders.values()
        if order.account_id == account_id and not (hides and order.status is OrderStatus.SUSPENDED)
    ]


def _row(desk: Desk, order: Order) -> Row:
    return order_row(order, desk.exchange.contracts[order.contract_id])


def _search_orders(desk: Desk, _session: Session, request: Any) -> Reply:
    orders = _orders_of(desk, request.account_id)
    return Reply(row={"orders": [_row(desk, o) for o in orders if request.covers(o.created_ns)]})


def _open_orders(desk: Desk, _session: Session, request: Any) -> Reply:
    """Working orders only: suspended bracket legs are not among them (as live)."""
    orders = _orders_of(desk, request.account_id)
    return Reply(row={"orders": [_row(desk, o) for o in orders if o.status is OrderStatus.OPEN]})


def _order_by_id(desk: Desk, _session: Session, request: Any) -> Reply:
    order = desk.book.orders.get(request.order_id)
    if order is None or order.account_id != request.account_id:
        raise RefusedError(Reason.ORDER_NOT_FOUND)
    return Reply(row={"order": _row(desk, order)})


def _query(desk: Desk, _session: Session, request: Any) -> Reply:
    orders = [o for o in _orders_of(desk, request.filter.account_id) if request.filter.matches(o)]
    orders.sort(
        key=lambda o: o.id if request.sort_by == _SORT_BY_ID else (o.created_ns, o.id),
        reverse=request.sort_direction == _SORT_DESCENDING,
    )
    start = request.page_offset or 0
    page = orders[start : start + (request.page_size or _DEFAULT_PAGE)]
    total = len(orders) if request.include_total_count else None
    return Reply(row={"orders": [_row(desk, o) for o in page], "totalCount": total})


def _open_positions(desk: Desk, _session: Session, request: Any) -> Reply:
    exchange = desk.exchange
    exchange.account(request.account_id)
    rows = [
        position_row(position, exchange.contracts[position.contract_id])
        for position in desk.book.positions.values()
        if position.account_id == request.account_id
    ]
    return Reply(row={"positions": rows})


def _close(desk: Desk, _session: Session, request: Any) -> Reply:
    size = request.size if isinstance(request, PartialCloseRequest) else None
    order = desk.exchange.close(
        request.account_id, request.contract_id, desk.clock(), size=size, source=CLIENT
    )
    return Reply(order_id=order.id)


def _trades(desk: Desk, _session: Session, request: Any) -> Reply:
    desk.exchange.account(request.account_id)
    rows = [
        trade_row(trade)
        for trade in reversed(desk.book.trades)
        if trade.account_id == request.account_id and request.covers(trade.created_ns)
    ]
    most = desk.trade_rows
    if most is not None and len(rows) > most:
        rows = rows[:most] if desk.trade_rows_kept == "newest" else rows[-most:]
    return Reply(row={"trades": rows})


_ACCOUNT_ONLY = {Reason.ACCOUNT_NOT_FOUND: 1}

ENDPOINTS: dict[str, Endpoint] = {
    "Order/place": Endpoint(
        request=PlaceRequest,
        run=_place,
        empty={"orderId": None},
        codes={
            Reason.ACCOUNT_NOT_FOUND: 1,
            Reason.ORDER_REJECTED: 2,
            Reason.ACCOUNT_VIOLATION: 4,
            Reason.MARKET_CLOSED: 5,
            Reason.CONTRACT_NOT_FOUND: 8,
            Reason.ACCOUNT_REJECTED: 10,
        },
    ),
    "Order/modify": Endpoint(
        request=ModifyRequest,
        run=_modify,
        codes={
            Reason.ACCOUNT_NOT_FOUND: 1,
            Reason.ORDER_NOT_FOUND: 2,
            Reason.ORDER_REJECTED: 3,
            Reason.ACCOUNT_REJECTED: 6,
        },
    ),
    "Order/cancel": Endpoint(
        request=OrderRef,
        run=_cancel,
        codes={
            Reason.ACCOUNT_NOT_FOUND: 1,
            Reason.ORDER_NOT_FOUND: 2,
            Reason.ACCOUNT_REJECTED: 6,
        },
    ),
    "Order/search": Endpoint(request=PeriodRequest, run=_search_orders, codes=_ACCOUNT_ONLY),
    "Order/searchOpen": Endpoint(request=AccountRef, run=_open_orders, codes=_ACCOUNT_ONLY),
    "Order/searchById": Endpoint(
        request=OrderRef,
        run=_order_by_id,
        codes={Reason.ORDER_NOT_FOUND: 1},
        empty={"order": None},
    ),
    "Order/v2/query": Endpoint(request=QueryRequest, run=_query, codes=_ACCOUNT_ONLY),
    "Position/searchOpen": Endpoint(request=AccountRef, run=_open_positions, codes=_ACCOUNT_ONLY),
    "Position/closeContract": Endpoint(
        request=CloseRequest,
        run=_close,
        codes={
            Reason.ACCOUNT_NOT_FOUND: 1,
            Reason.POSITION_NOT_FOUND: 2,
            Reason.CONTRACT_NOT_FOUND: 3,
            Reason.ORDER_REJECTED: 5,
            Reason.ACCOUNT_REJECTED: 8,
        },
    ),
    "Position/partialCloseContract": Endpoint(
        request=PartialCloseRequest,
        run=_close,
        codes={
            Reason.ACCOUNT_NOT_FOUND: 1,
            Reason.POSITION_NOT_FOUND: 2,
            Reason.CONTRACT_NOT_FOUND: 3,
            Reason.INVALID_SIZE: 5,
            Reason.ORDER_REJECTED: 6,
            Reason.ACCOUNT_REJECTED: 9,
        },
    ),
    "Trade/search": Endpoint(request=PeriodRequest, run=_trades, codes=_ACCOUNT_ONLY),
}
