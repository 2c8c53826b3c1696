"""The broker's side of our engine: the rows that the ProjectX Gateway would send for each step."""

from collections.abc import Callable
from decimal import Decimal

import msgspec
from conformance import corpus
from conformance.corpus import Step, contracts

from risk_actors.core.broker import (
    Account,
    Fill,
    Order,
    OrderStatus,
    OrderType,
    Position,
    Quote,
    Side,
)
from risk_actors.core.reconciliation import Snapshot

ACCOUNT_ID = 101
_FIRST_ORDER = 700_000
"""Orders that the corpus does not number begin here."""

type Row = Quote | Fill | Order | Position | Account


class _Held(msgspec.Struct):
    size: int
    average: Decimal
    opened_ns: int


class Broker:
    """What the broker knows, and tells row by row."""

    def __init__(self, balance_usd: Decimal, ns: Callable[[str], int]) -> None:
        self._ns = ns
        self._balance_usd = balance_usd
        self._held: dict[str, _Held] = {}
        self._orders: dict[int, Order] = {}
        self._fills: dict[int, Fill] = {}
        self._quotes: dict[str, Quote] = {}

    def happen(self, step: Step, at_ns: int) -> list[Row]:
        """Return the rows of a step in the order in which the broker would make them."""
        rows: list[Row] = [self._quote(*each, at_ns) for each in step.quote.items()]
        if step.fill is not None:
            rows += self._fill(step.fill, at_ns)
        if step.order is not None:
            rows.append(self._order(step.order, at_ns))
        if step.order_ended is not None:
            order = self._orders.pop(step.order_ended)
            ended = msgspec.structs.replace(order, status=OrderStatus.CANCELLED, updated_ns=at_ns)
            rows.append(ended)
        if step.paid_usd is not None:
            self._balance_usd += step.paid_usd
            rows.append(self._account())
        return rows

    def quotes(self) -> list[Quote]:
        """Return the latest prices."""
        return list(self._quotes.values())

    def snapshot(self, asked_ns: int, since_ns: int) -> Snapshot:
        """Return the account as one would read it, with its fills since an instant."""
        return Snapshot(
            account=self._account(),
            positions=tuple(self._position(contract) for contract in self._held),
            orders=tuple(self._orders.values()),
            covers_suspended=True,
            fills=tuple(fill for fill in self._fills.values() if fill.at_ns >= since_ns),
            asked_ns=asked_ns,
        )

    def _quote(self, contract: str, prices: tuple[Decimal, ...], at_ns: int) -> Quote:
        bid, ask, *last = prices
        quote = Quote(
            contract_id=contracts()[contract].gateway_id,
            bid=bid,
            ask=ask,
            last=last[0] if last else None,
            at_ns=at_ns,
        )
        self._quotes[contract] = quote
        return quote

    def _order(self, order: corpus.Order, at_ns: int) -> Order:
        row = Order(
            id=order.id,
            account_id=ACCOUNT_ID,
            contract_id=contracts()[order.contract].gateway_id,
            status=OrderStatus.OPEN,
            type=OrderType.LIMIT,
            side=Side.BUY if order.buy is not None else Side.SELL,
            size=order.buy or order.sell or 0,
            limit_price=order.price,
            created_ns=at_ns,
            updated_ns=at_ns,
        )
        self._orders[order.id] = row
        return row

    def _fill(self, told: corpus.Fill, at_ns: int) -> list[Row]:
        fill_id = told.id if told.id is not None else 1000 + len(self._fills)
        if fill_id in self._fills:
            return [self._fills[fill_id]]
        is_whole = told.order is None
        order_id = _FIRST_ORDER + fill_id if told.order is None else told.order
        profit_usd = self._profit_usd(told)
        self._hold(told, at_ns)
        self._balance_usd += (profit_usd or Decimal(0)) - told.fees_usd
        fill = self._fills[fill_id] = Fill(
            id=fill_id,
            account_id=ACCOUNT_ID,
            contract_id=contracts()[told.contract].gateway_id,
            order_id=order_id,
            side=Side.BUY if told.signed > 0 else Side.SELL,
            size=abs(told.signed),
            price=told.price,
            at_ns=at_ns,
            profit_usd=profit_usd,
            costs_usd=told.fees_usd,
        )
        # Of an order that fills in parts nothing says how large it was, so it has no row.
        order = [_filled(fill)] if is_whole else []
        return [*order, fill, self._position(told.contract), self._account()]

    def _profit_usd(self, told: corpus.Fill) -> Decimal | None:
        """Return the gross profit of a closing half-turn, None of an opening one."""
        held = self._held.get(told.contract)
        if held is None or held.size * told.signed > 0:
            return None
        if told.profit_usd is not None:
            return told.profit_usd
        product = contracts()[told.contract]
        closed = min(abs(held.size), abs(told.signed)) * (1 if held.size > 0 else -1)
        ticks = (told.price - held.average) / product.tick_size
        return ticks * product.tick_value_usd * closed

    def _hold(self, told: corpus.Fill, at_ns: int) -> None:
        held = self._held.pop(told.contract, _Held(0, told.price, at_ns))
        size = held.size + told.signed
        if held.size * size < 0:
            held = _Held(0, told.price, at_ns)
        if held.size * told.signed > 0:
            total = held.average * abs(held.size) + told.price * abs(told.signed)
            held.average = total / abs(size)
        if size:
            self._held[told.contract] = _Held(size, held.average, held.opened_ns)

    def _position(self, contract: str) -> Position:
        """Return the row of a position; a closed one has size 0."""
        held = self._held.get(contract, _Held(0, Decimal(0), 0))
        return Position(
            account_id=ACCOUNT_ID,
            contract_id=contracts()[contract].gateway_id,
            size=held.size,
            average_price=held.average,
            opened_ns=held.opened_ns,
        )

    def _account(self) -> Account:
        return Account(
            id=ACCOUNT_ID, name="conformance", balance_usd=self._balance_usd, can_trade=True
        )


def _filled(fill: Fill) -> Order:
    """Return the order of which this fill is all there was."""
    return Order(
        id=fill.order_id,
        account_id=ACCOUNT_ID,
        contract_id=fill.contract_id,
        status=OrderStatus.FILLED,
        type=OrderType.MARKET,
        side=fill.side,
        size=fill.size,
        filled_size=fill.size,
        created_ns=fill.at_ns,
        updated_ns=fill.at_ns,
    )
