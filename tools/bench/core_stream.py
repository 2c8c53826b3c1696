"""What a broker sends about one account in a busy session: quotes, and the rows of each order.

Deterministic by seed. The mix is that of a trader ten times as active as most: one round trip with
a bracket in about a minute of quotes at the pace of a live feed, a position open half of the time.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from random import Random
from typing import NamedTuple

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
from risk_actors.core.evidence import NS_PER_S

ACCOUNT_ID = 101
CONTRACT = "CON.F.US.MNQ.Z26"
NOON = 1_794_938_400 * NS_PER_S
"""A Tuesday noon in Chicago, in the middle of a session."""
QUOTE_EVERY_NS = 24_000_000
"""A live feed of one contract was recorded at 42 quotes a second."""
ROW_EVERY_NS = 2_000_000
"""The rows of one fill come this far apart."""
TICK_EVERY_NS = 100_000_000
QUOTES_A_TRIP = 1_200
"""Half of them while a position is open."""
MOVES_SHARE = 0.6
"""So many quotes move the bid or ask; the others repeat them with another size or last price."""
TICK = Decimal("0.25")
TICK_USD = Decimal("0.5")
COSTS_USD = Decimal("0.37")
START_USD = Decimal(50_000)
FAR_TICKS = 40
"""From where a trip began; a stop lies beyond."""


class Tick(NamedTuple):
    """The timer's beat: ours, not the broker's, so it costs time but does not count."""

    at_ns: int


type Event = Quote | Position | Order | Account | Fill | Tick


def busy_session(trips: int, seed: int = 1) -> list[tuple[int, Event]]:
    """Return what comes, and when, over so many round trips."""
    return list(_with_ticks(_Trader(NOON, seed).session(trips, QUOTES_A_TRIP)))


def trading_days(days: int, trips_a_day: int, seed: int = 1) -> Iterator[list[tuple[int, Event]]]:
    """Yield by day only the rows of orders, fills, positions and the account, and no quotes."""
    trader = _Trader(NOON, seed)
    for number in range(days):
        trader.now_ns = NOON + (number // 5 * 7 + number % 5 - 1) * 86_400 * NS_PER_S
        yield list(trader.session(trips_a_day, 2))


def _with_ticks(events: Iterator[tuple[int, Event]]) -> Iterator[tuple[int, Event]]:
    next_ns = 0
    for at_ns, event in events:
        next_ns = next_ns or at_ns
        while next_ns <= at_ns:
            yield next_ns, Tick(next_ns)
            next_ns += TICK_EVERY_NS
        yield at_ns, event


class _Trader:
    """Goes in and out of one contract at the market, each time with a stop and a target."""

    def __init__(self, start_ns: int, seed: int) -> None:
        self.now_ns = start_ns
        self._random = Random(seed)  # noqa: S311 - the same each time
        self._ids = iter(range(1, 10**9))
        self._bid = self._begun = Decimal(20_000)
        self._last = self._bid
        self._balance_usd = START_USD

    def session(self, trips: int, quotes_a_trip: int) -> Iterator[tuple[int, Event]]:
        """Yield what comes over so many round trips."""
        yield self.now_ns, self._quote()
        for _ in range(trips):
            self._begun = self._bid
            yield from self._quotes(quotes_a_trip // 2)
            yield from self._trip(quotes_a_trip - quotes_a_trip // 2)

    def _quotes(self, count: int) -> Iterator[tuple[int, Event]]:
        for _ in range(count):
            self.now_ns += QUOTE_EVERY_NS
            yield self.now_ns, self._quote()

    def _quote(self) -> Quote:
        if self._random.random() < MOVES_SHARE:
            ticks_away = (self._bid - self._begun) / TICK
            is_up = self._random.random() < 0.5 - float(ticks_away) / (2 * FAR_TICKS)
            self._bid += TICK if is_up else -TICK
        elif self._random.random() < MOVES_SHARE:
            self._last = self._bid + self._random.choice((0, 1)) * TICK
        return Quote(
            contract_id=CONTRACT,
            bid=self._bid,
            ask=self._bid + TICK,
            last=self._last,
            at_ns=self.now_ns,
        )

    def _row[RowT: Event](self, row: RowT) -> tuple[int, RowT]:
        self.now_ns += ROW_EVERY_NS
        return self.now_ns, row

    def _trip(self, quotes: int) -> Iterator[tuple[int, Event]]:
        side = self._random.choice((Side.BUY, Side.SELL))
        size = self._random.choice((1, 1, 2))
        sign = side.sign
        entry = self._bid + (TICK if sign > 0 else 0)
        entered = self._order(side, size, OrderType.MARKET)
        yield self._row(entered)
        yield from self._filled(entered, entry, size, sign * size, entry, None)
        exits = Side.SELL if sign > 0 else Side.BUY
        away = sign * 2 * FAR_TICKS * TICK
        stop = self._order(exits, size, OrderType.STOP, stop_price=entry - away)
        target = self._order(exits, size, OrderType.LIMIT, limit_price=entry + away)
        yield self._row(stop)
        yield self._row(target)
        yield from self._quotes(quotes)
        left = self._order(exits, size, OrderType.MARKET)
        price = self._bid + (0 if sign > 0 else TICK)
        yield self._row(left)
        profit_usd = (price - entry) / TICK * TICK_USD * sign * size
        yield from self._filled(left, price, size, 0, entry, profit_usd)
        for order in (stop, target):
            yield self._row(self._again(order, OrderStatus.CANCELLED, 0))

    def _filled(
        self,
        order: Order,
        price: Decimal,
        size: int,
        after: int,
        average: Decimal,
        profit_usd: Decimal | None,
    ) -> Iterator[tuple[int, Event]]:
        """Yield the rows of one fill, in an order that varies as the broker's does."""
        at_ns = self.now_ns
        costs_usd = COSTS_USD * size
        self._balance_usd += (profit_usd or 0) - costs_usd
        rows: list[Event] = [
            Fill(
                id=next(self._ids),
                account_id=ACCOUNT_ID,
                contract_id=CONTRACT,
                order_id=order.id,
                side=order.side,
                size=size,
                price=price,
                at_ns=at_ns,
                profit_usd=profit_usd,
                costs_usd=costs_usd,
            ),
            self._again(order, OrderStatus.FILLED, size),
            Position(
                account_id=ACCOUNT_ID,
                contract_id=CONTRACT,
                size=after,
                average_price=average,
                opened_ns=at_ns,
            ),
            Account(id=ACCOUNT_ID, name="A-101", balance_usd=self._balance_usd, can_trade=True),
        ]
        self._random.shuffle(rows)
        for row in rows:
            yield self._row(row)

    def _order(
        self,
        side: Side,
        size: int,
        order_type: OrderType,
        stop_price: Decimal | None = None,
        limit_price: Decimal | None = None,
    ) -> Order:
        return Order(
            id=next(self._ids),
            account_id=ACCOUNT_ID,
            contract_id=CONTRACT,
            status=OrderStatus.OPEN,
            type=order_type,
            side=side,
            size=size,
            stop_price=stop_price,
            limit_price=limit_price,
            created_ns=self.now_ns,
            updated_ns=self.now_ns,
        )

    def _again(self, order: Order, status: OrderStatus, filled_size: int) -> Order:
        return Order(
            id=order.id,
            account_id=ACCOUNT_ID,
            contract_id=CONTRACT,
            status=status,
            type=order.type,
            side=order.side,
            size=order.size,
            filled_size=filled_size,
            stop_price=order.stop_price,
            limit_price=order.limit_price,
            created_ns=order.created_ns,
            updated_ns=self.now_ns,
        )
