"""One snapshot brings the book to the broker's state, and says exactly what differed (I8).

The broker trades, changes orders, amends, voids and takes back fills, pays money in and out; each
row that tells of it is delivered, delivered twice, or lost. Then the account is read. What must
have differed is found by laying the broker's figures beside the book's, field by field.
"""

from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
from core.builders import ACCOUNT, MS, NAME, NOON, S, account_row, chicago_calendar, snapshot
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from properties.naive_broker import TICKS, Deal, exact, reckon

from risk_actors.core.broker import Fill, Order, OrderStatus, OrderType, Position, Side
from risk_actors.core.position_book import PositionBook
from risk_actors.core.reconciliation import Difference, Snapshot

CONTRACTS = sorted(TICKS)
ENDED = (OrderStatus.CANCELLED, OrderStatus.EXPIRED)
DELIVERED = st.sampled_from([0, 1, 1, 1, 2])
"""How often a row comes."""

type Things = dict[str, dict[str, Any]]


class OneSnapshot(RuleBasedStateMachine):
    """Acts at the broker, tells some of it, reads the account, and compares."""

    def __init__(self) -> None:
        super().__init__()
        self.now_ns = NOON
        self.last_id = 0
        self.account = account_row()
        self.deals: dict[str, list[Deal]] = {contract: [] for contract in CONTRACTS}
        self.rows: dict[int, Fill] = {}
        self.working: dict[int, Order] = {}
        self.book = PositionBook(ACCOUNT, NAME, chicago_calendar().day(NOON))
        assert self.read() == ()

    # --- at the broker --------------------------------------------------------------------

    @rule(
        contract=st.sampled_from(CONTRACTS),
        side=st.sampled_from(Side),
        size=st.integers(1, 4),
        ticks=st.integers(380, 420),
        data=st.data(),
    )
    def fill(self, contract: str, side: Side, size: int, ticks: int, data: st.DataObject) -> None:
        """Fill an order at once."""
        order_id, fill_id = self.next_id(), self.next_id()
        price, at_ns = ticks * TICKS[contract][0], self.pass_time()
        deal = Deal(fill_id, contract, order_id, side.sign * size, price, Decimal(1), at_ns)
        self.deals[contract].append(deal)
        row = Fill(
            id=fill_id,
            account_id=ACCOUNT,
            contract_id=contract,
            order_id=order_id,
            side=side,
            size=size,
            price=exact(price),
            at_ns=at_ns,
            costs_usd=Decimal(1),
        )
        self.rows[fill_id] = row
        filled = self.order(order_id, contract, side, size, OrderStatus.FILLED, filled_size=size)
        self.pay(row.net_usd)
        for each in data.draw(
            st.permutations([row, filled, self.position_in(contract), self.account])
        ):
            self.tell(each, data.draw(DELIVERED))

    @rule(
        contract=st.sampled_from(CONTRACTS),
        side=st.sampled_from(Side),
        size=st.integers(1, 4),
        times=DELIVERED,
    )
    def place(self, contract: str, side: Side, size: int, times: int) -> None:
        placed = self.order(self.next_id(), contract, side, size, OrderStatus.OPEN)
        self.working[placed.id] = placed
        self.tell(placed, times)

    @precondition(lambda self: self.working)
    @rule(data=st.data(), size=st.integers(1, 4), ticks=st.integers(380, 420), times=DELIVERED)
    def modify(self, data: st.DataObject, size: int, ticks: int, times: int) -> None:
        known = self.working[data.draw(st.sampled_from(sorted(self.working)))]
        changed = msgspec.structs.replace(
            known, size=size, limit_price=Decimal(ticks), updated_ns=self.pass_time()
        )
        self.working[known.id] = changed
        self.tell(changed, times)

    @precondition(lambda self: self.working)
    @rule(data=st.data(), status=st.sampled_from(ENDED), times=DELIVERED)
    def end(self, data: st.DataObject, status: OrderStatus, times: int) -> None:
        known = self.working.pop(data.draw(st.sampled_from(sorted(self.working))))
        self.tell(msgspec.structs.replace(known, status=status, updated_ns=self.pass_time()), times)

    @precondition(lambda self: self.rows)
    @rule(
        data=st.data(),
        profit=st.integers(-9, 9),
        costs=st.integers(0, 3),
        voided=st.booleans(),
        times=DELIVERED,
    )
    def amend(self, data: st.DataObject, profit: int, costs: int, voided: bool, times: int) -> None:
        """Tell the profit, other costs, or that it is void; once void it stays so."""
        known = self.rows[data.draw(st.sampled_from(sorted(self.rows)))]
        changed = msgspec.structs.replace(
            known,
            profit_usd=Decimal(profit),
            costs_usd=Decimal(costs),
            voided=known.voided or voided,
        )
        self.rows[known.id] = changed
        self.tell(changed, times)

    @precondition(lambda self: self.rows)
    @rule(data=st.data())
    def take_back(self, data: st.DataObject) -> None:
        """List a fill no longer."""
        del self.rows[data.draw(st.sampled_from(sorted(self.rows)))]

    @rule(amount=st.integers(-500, 500), can_trade=st.booleans(), times=DELIVERED)
    def change_account(self, amount: int, can_trade: bool, times: int) -> None:
        self.account = msgspec.structs.replace(self.account, can_trade=can_trade)
        self.pay(Decimal(amount))
        self.tell(self.account, times)

    # --- reading --------------------------------------------------------------------------

    @rule()
    def reconcile(self) -> None:
        """I8: what differed is said, all of it and nothing else, and is right afterwards."""
        before = shown(self.book)
        differences = self.read()
        fresh = PositionBook(ACCOUNT, NAME, chicago_calendar().day(NOON))
        fresh.on_snapshot(self.content(), self.now_ns)

        truth = shown(fresh)
        said = {each.subject: (each.local, each.broker) for each in differences}
        assert len(said) == len(differences)
        assert {name.removesuffix(" voided") for name in said} == differing(before, truth)
        assert all(local != broker for local, broker in said.values())
        assert shown(self.book) == truth
        found, expected = self.book.state(), fresh.state()
        assert found.is_settled or found.distrusted
        assert set(found.positions) == set(expected.positions)
        assert found.balance_by_fills_usd == expected.balance_by_fills_usd
        assert self.read() == ()
        assert self.book.state().distrusted is None

    def read(self) -> tuple[Difference, ...]:
        self.now_ns += S
        content = self.content()
        self.pass_time()
        return self.book.on_snapshot(content, self.now_ns)

    def content(self) -> Snapshot:
        positions = (self.position_in(contract) for contract in CONTRACTS)
        return snapshot(
            self.now_ns,
            account=self.account,
            positions=tuple(position for position in positions if position.size),
            orders=tuple(self.working.values()),
            fills=tuple(self.rows.values()),
        )

    # --- details --------------------------------------------------------------------------

    def pass_time(self) -> int:
        self.now_ns += MS
        return self.now_ns

    def next_id(self) -> int:
        self.last_id += 1
        return self.last_id

    def pay(self, amount: Decimal) -> None:
        self.account = msgspec.structs.replace(
            self.account, balance_usd=self.account.balance_usd + amount
        )

    def order(
        self,
        order_id: int,
        contract: str,
        side: Side,
        size: int,
        status: OrderStatus,
        filled_size: int = 0,
    ) -> Order:
        return Order(
            id=order_id,
            account_id=ACCOUNT,
            contract_id=contract,
            status=status,
            type=OrderType.LIMIT,
            side=side,
            size=size,
            filled_size=filled_size,
            limit_price=Decimal(400),
            updated_ns=self.pass_time(),
        )

    def position_in(self, contract: str) -> Position:
        size, opened_ns = 0, 0
        for deal in self.deals[contract]:
            after = size + deal.signed_size
            opened_ns = opened_ns if size * after > 0 else deal.at_ns
            size = after
        average = reckon(contract, self.deals[contract]).average if size else Fraction(0)
        return Position(
            account_id=ACCOUNT,
            contract_id=contract,
            size=size,
            average_price=exact(average),
            opened_ns=opened_ns,
        )

    def tell(self, row: Any, times: int) -> None:
        for _ in range(times):
            now_ns = self.pass_time()
            match row:
                case Fill():
                    self.book.on_fill(row, now_ns)
                case Order():
                    self.book.on_order(row, now_ns)
                case Position():
                    self.book.on_position(row, now_ns)
                case _:
                    self.book.on_account(row, now_ns)


def shown(book: PositionBook) -> Things:
    """Return all that a book holds of the broker: a name for each thing, and its figures."""
    state = book.state()
    things: Things = {
        "": {"balance": state.balance_usd, "can trade": state.can_trade},
    }
    for held in state.positions:
        if held.size:
            things[f"position {held.contract_id}"] = {
                "": held.size,
                " average price": held.average_price,
                " opened": held.opened_ns,
            }
    for order in state.orders:
        things[f"order {order.id}"] = {
            " size": order.size,
            " filled": order.filled_size,
            " limit price": order.limit_price,
        }
    for fill in book.fills:
        if not fill.voided:
            things[f"fill {fill.id}"] = {
                " profit": fill.profit_usd,
                " costs": fill.costs_usd,
                " price": fill.price,
            }
    return things


def differing(before: Things, truth: Things) -> set[str]:
    """Return the names of what is on one side only, and of the figures that are not the same."""
    names = set()
    for name in before.keys() | truth.keys():
        mine, theirs = before.get(name), truth.get(name)
        if mine is None or theirs is None:
            names.add(name)
            continue
        changed = {figure for figure, value in mine.items() if theirs[figure] != value}
        if name.startswith("position") and mine[""] * theirs[""] < 0:
            changed.discard(" opened")  # another position: its size says so
        names |= {name + figure for figure in changed}
    return names


TestOneSnapshot = OneSnapshot.TestCase
