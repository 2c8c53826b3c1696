"""The position book and the P&L book against a naive broker, however its events arrive (I7, I8).

The broker trades three contracts: partial fills, scaling, reversals, orders cancelled in part.
Every fill is told by a trade row, an order row and a position row, in any order and again at any
time, the contracts interleaved; snapshots are asked, read and delivered at any moment, late and
out of order. What the books then say is compared with the broker's whole history, lot by lot.
"""

from collections import defaultdict, deque
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from core.builders import ACCOUNT, NAME, NOON, S, account_row, chicago_calendar, snapshot
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from properties.naive_broker import TICKS, Book, Deal, exact, open_profit, reckon

from risk_actors.core.broker import Fill, Order, OrderStatus, OrderType, Position, Quote, Side
from risk_actors.core.marks import Marks
from risk_actors.core.pnl_book import PnlBook
from risk_actors.core.position_book import PositionBook
from risk_actors.core.reconciliation import Snapshot

CONTRACTS = sorted(TICKS)
NEVER_STALE_NS = 10**18
MS = 1_000_000
MOST_REQUESTS = 2
BACKLOG = 8
"""Orders and fills whose rows may be on their way at the same time."""
TOLERANCE = Fraction(1, 10**9)
COSTS = [Decimal(text) for text in ("0", "0.62", "1.39", "9.30")]


class Event(NamedTuple):
    """One row of the stream, and the deal it tells of (0 for none)."""

    row: Any
    deal_id: int = 0


class Request(NamedTuple):
    """A snapshot on its way; `content` is None until it was read at the broker."""

    asked_ns: int
    content: Snapshot | None


class BooksAgainstNaiveBroker(RuleBasedStateMachine):
    """Trades at the broker, delivers its rows, and compares."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ns = NOON
        self.calendar = chicago_calendar()
        self.deals: dict[str, list[Deal]] = defaultdict(list)
        self.rows: dict[int, Fill] = {}
        self.working: dict[int, Order] = {}
        self.last_id = 0
        self.streams: dict[str, deque[list[Event]]] = defaultdict(deque)
        self.requests: list[Request] = []
        self.told_order_rows: list[Order] = []
        self.told_positions: dict[str, Position] = {}
        self.evidence: set[int] = set()
        self.known: set[int] = set()
        self.marks_at: dict[str, tuple[Fraction, Fraction]] = {}
        self.marks = Marks(NEVER_STALE_NS)
        self.book = PositionBook(ACCOUNT, NAME, self.calendar.day(self.now_ns))
        self.pnl_book = PnlBook(ACCOUNT, self.calendar, self.now_ns)

    @initialize()
    def begin(self) -> None:
        for contract in CONTRACTS:
            self.mark(contract, 400, 1)
        self.take(snapshot(self.pass_time()))

    # --- at the broker ----------------------------------------------------------------------

    @precondition(lambda self: sum(map(len, self.streams.values())) < BACKLOG)
    @rule(
        contract=st.sampled_from(CONTRACTS),
        side=st.sampled_from(Side),
        parts=st.lists(
            st.tuples(st.integers(1, 4), st.integers(380, 420), st.sampled_from(COSTS)),
            min_size=1,
            max_size=3,
        ),
        unfilled=st.sampled_from([0, 0, 2]),
        data=st.data(),
    )
    def trade(
        self,
        contract: str,
        side: Side,
        parts: list[tuple[int, int, Decimal]],
        unfilled: int,
        data: st.DataObject,
    ) -> None:
        """Fill an order in parts; what is left of it is cancelled."""
        self.last_id += 1
        placed = Order(
            id=self.last_id,
            account_id=ACCOUNT,
            contract_id=contract,
            status=OrderStatus.OPEN,
            type=OrderType.LIMIT,
            side=side,
            size=sum(size for size, _, _ in parts) + unfilled,
            updated_ns=self.pass_time(),
        )
        self.working[placed.id] = placed
        self.streams[contract].append([Event(placed)])
        for size, ticks, costs in parts:
            events = self.fill(placed.id, size, ticks * TICKS[contract][0], costs)
            self.streams[contract].append(data.draw(st.permutations(events)))
        if unfilled:
            self.streams[contract].append([Event(self.change(placed.id, OrderStatus.CANCELLED))])

    def fill(self, order_id: int, size: int, price: Fraction, costs: Decimal) -> list[Event]:
        """Fill a part of an order and return the rows that tell of it."""
        contract, side = self.working[order_id].contract_id, self.working[order_id].side
        self.last_id += 1
        deal = Deal(
            id=self.last_id,
            contract=contract,
            order_id=order_id,
            signed_size=side.sign * size,
            price=price,
            costs=costs,
            at_ns=self.pass_time(),
        )
        self.deals[contract].append(deal)
        profit = reckon(contract, self.deals[contract]).closed_profits.get(deal.id)
        row = Fill(
            id=deal.id,
            account_id=ACCOUNT,
            contract_id=contract,
            order_id=order_id,
            side=side,
            size=size,
            price=exact(price),
            at_ns=deal.at_ns,
            profit_usd=None if profit is None else exact(profit, 3),
            costs_usd=costs,
        )
        self.rows[deal.id] = row
        changed = self.change(order_id, OrderStatus.OPEN, size)
        return [
            Event(row),
            Event(changed, deal.id),
            Event(self.position_in(contract), deal.id),
            Event(account_row(50000)),
        ]

    def change(self, order_id: int, status: OrderStatus, filled: int = 0) -> Order:
        """Move an order on and return its row; one that is filled or cancelled has ended."""
        order = self.working.pop(order_id)
        filled += order.filled_size
        if filled == order.size:
            status = OrderStatus.FILLED
        changed = Order(
            id=order.id,
            account_id=ACCOUNT,
            contract_id=order.contract_id,
            status=status,
            type=order.type,
            side=order.side,
            size=order.size,
            filled_size=filled,
            updated_ns=self.pass_time(),
        )
        if changed.is_working:
            self.working[order_id] = changed
        return changed

    def position_in(self, contract: str) -> Position:
        book = reckon(contract, self.deals[contract])
        return Position(
            account_id=ACCOUNT,
            contract_id=contract,
            size=book.size,
            average_price=exact(book.average),
            opened_ns=self.now_ns,
        )

    @rule(
        contract=st.sampled_from(CONTRACTS),
        bid_ticks=st.integers(380, 420),
        spread_ticks=st.integers(0, 3),
    )
    def mark(self, contract: str, bid_ticks: int, spread_ticks: int) -> None:
        """Quote a contract."""
        tick = TICKS[contract][0]
        bid, ask = bid_ticks * tick, (bid_ticks + spread_ticks) * tick
        self.marks_at[contract] = bid, ask
        self.marks.on_quote(
            Quote(contract_id=contract, bid=exact(bid), ask=exact(ask), at_ns=self.now_ns)
        )

    # --- on the way -------------------------------------------------------------------------

    def pass_time(self) -> int:
        self.now_ns += MS
        return self.now_ns

    def take(self, fact: Any) -> None:
        """Show the books one row or snapshot, as the actors do."""
        now_ns = self.pass_time()
        fills: tuple[Fill, ...] = ()
        match fact:
            case Fill():
                new = self.book.on_fill(fact, now_ns)
                fills = () if new is None else (new,)
            case Order():
                self.book.on_order(fact, now_ns)
                self.told_order_rows.append(fact)
            case Position():
                self.book.on_position(fact, now_ns)
                self.told_positions[fact.contract_id] = fact
            case Snapshot():
                self.book.on_snapshot(fact, now_ns)
                fills = self.book.fills
            case _:
                self.book.on_account(fact, now_ns)
        self.known |= {fill.id for fill in self.book.fills}
        self.pnl_book.on_account(self.book.state(), fills)

    def deliver_from(self, contract: str) -> None:
        group = self.streams[contract][0]
        event = group.pop(0)
        if not group:
            self.streams[contract].popleft()
        self.take(event.row)
        if event.deal_id:
            self.evidence.add(event.deal_id)

    @property
    def waiting(self) -> list[str]:
        return [contract for contract in CONTRACTS if self.streams[contract]]

    @precondition(lambda self: self.waiting)
    @rule(data=st.data(), count=st.integers(1, 6))
    def deliver(self, data: st.DataObject, count: int) -> None:
        """Deliver some rows of one stream."""
        contract = data.draw(st.sampled_from(self.waiting))
        for _ in range(count):
            if self.streams[contract]:
                self.deliver_from(contract)
                self.p_and_l_is_unknown_or_right()

    @precondition(lambda self: self.known)
    @rule(data=st.data())
    def tell_a_fill_again(self, data: st.DataObject) -> None:
        """Send a trade row again, as the broker does with the opening half-turn on a close."""
        fill = self.rows[data.draw(st.sampled_from(sorted(self.known)))]
        if fill.at_ns >= self.calendar.week(self.now_ns).start_ns:
            self.take(fill)

    @precondition(lambda self: self.told_positions)
    @rule(data=st.data())
    def tell_a_position_again(self, data: st.DataObject) -> None:
        """Send the latest position row of a contract again."""
        self.take(self.told_positions[data.draw(st.sampled_from(sorted(self.told_positions)))])

    @precondition(lambda self: self.told_order_rows)
    @rule(data=st.data())
    def tell_an_old_order_row_again(self, data: st.DataObject) -> None:
        """Send any earlier order row again."""
        self.take(data.draw(st.sampled_from(self.told_order_rows)))

    # --- snapshots --------------------------------------------------------------------------

    @precondition(lambda self: len(self.requests) < MOST_REQUESTS)
    @rule(is_read_at_once=st.booleans())
    def ask_for_a_snapshot(self, *, is_read_at_once: bool) -> None:
        asked_ns = self.pass_time()
        self.requests.append(Request(asked_ns, self.read(asked_ns) if is_read_at_once else None))

    @precondition(lambda self: any(each.content is None for each in self.requests))
    @rule(data=st.data())
    def read_a_snapshot(self, data: st.DataObject) -> None:
        """Read the broker's state for a request made some time ago."""
        unread = [n for n, each in enumerate(self.requests) if each.content is None]
        number = data.draw(st.sampled_from(unread))
        asked_ns = self.requests[number].asked_ns
        self.requests[number] = Request(asked_ns, self.read(asked_ns))

    def read(self, asked_ns: int) -> Snapshot:
        since_ns = min(
            self.calendar.week(self.now_ns).start_ns, self.calendar.day(self.now_ns).start_ns
        )
        positions = (self.position_in(contract) for contract in CONTRACTS)
        return snapshot(
            asked_ns,
            positions=tuple(position for position in positions if position.size),
            orders=tuple(self.working.values()),
            fills=tuple(fill for fill in self.rows.values() if fill.at_ns >= since_ns),
        )

    @precondition(lambda self: any(each.content is not None for each in self.requests))
    @rule(data=st.data())
    def deliver_a_snapshot(self, data: st.DataObject) -> None:
        ready = [n for n, each in enumerate(self.requests) if each.content is not None]
        content = self.requests.pop(data.draw(st.sampled_from(ready))).content
        self.take(content)

    # --- time -------------------------------------------------------------------------------

    @precondition(lambda self: not self.waiting)
    @rule()
    def sleep_past_the_reset(self) -> None:
        """Begin another trading day; now and then it is another week."""
        week = self.calendar.week(self.now_ns)
        self.now_ns = self.calendar.day(self.now_ns).end_ns + S
        self.requests.clear()
        day = self.calendar.day(self.now_ns)
        if not week.contains(self.now_ns):
            self.told_order_rows.clear()
            self.book.forget_fills_before(self.calendar.week(self.now_ns).start_ns)
        self.book.on_day(day)
        self.pnl_book.on_clock(self.now_ns)
        self.pnl_book.on_account(self.book.state(), ())

    # --- comparison -------------------------------------------------------------------------

    def reckon_known(self, contract: str) -> Book:
        """Reckon the deals that the books know of: always the first ones, without a hole."""
        deals = self.deals[contract]
        known = [deal for deal in deals if deal.id in self.known]
        assert known == deals[: len(known)]
        return reckon(contract, known, since_ns=self.calendar.day(self.now_ns).start_ns)

    def realized_since(self, since_ns: int) -> Decimal:
        rows = [self.rows[deal_id] for deal_id in self.known]
        return sum(
            ((row.profit_usd or 0) - row.costs_usd for row in rows if row.at_ns >= since_ns),
            Decimal(0),
        )

    @invariant()
    def p_and_l_is_unknown_or_right(self) -> None:
        """I7, I8: P&L is that of the fills known, and unknown once a row tells of another."""
        pnl = self.pnl_book.pnl(self.marks, self.now_ns)
        if not self.book.state().is_reconciled:
            return
        books = {contract: self.reckon_known(contract) for contract in CONTRACTS}

        assert pnl.realized_usd == self.realized_since(self.calendar.day(self.now_ns).start_ns)
        assert pnl.week_realized_usd == self.realized_since(
            self.calendar.week(self.now_ns).start_ns
        )
        assert pnl.trades == sum(book.trades for book in books.values())
        assert pnl.entries == sum(len(book.entry_orders) for book in books.values())
        if pnl.unrealized_usd is None:
            assert pnl.unknown_reason
        else:
            assert self.evidence <= self.known
            expected = sum(
                open_profit(contract, book, self.marks_at[contract][0 if book.size > 0 else 1])
                for contract, book in books.items()
            )
            assert abs(Fraction(pnl.unrealized_usd) - expected) < TOLERANCE

    def teardown(self) -> None:
        """I8: once every row has arrived, the books are the broker's."""
        if not self.book.state().is_reconciled:
            return
        while self.waiting:
            self.deliver_from(self.waiting[0])
            self.p_and_l_is_unknown_or_right()

        state = self.book.state()
        assert self.known == set(self.rows)
        assert state.is_settled
        assert self.book.unsettled_since_ns is None
        assert state.orders == ()
        assert self.pnl_book.pnl(self.marks, self.now_ns).equity_usd is not None
        for contract in CONTRACTS:
            expected = reckon(contract, self.deals[contract])
            held = state.position_in(contract)
            assert (held.size if held else 0) == expected.size
            if held:
                assert abs(Fraction(held.average_price) - expected.average) < TOLERANCE
                assert abs(Fraction(held.fills_average_price) - expected.average) < TOLERANCE


TestBooksAgainstNaiveBroker = BooksAgainstNaiveBroker.TestCase
