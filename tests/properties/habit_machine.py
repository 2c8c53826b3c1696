"""A trader whose rows reach a real position book in every way, and a rule that watches.

Fills come with the position and order rows of the same fill in any order, late, twice, without
their profit at first, and are voided; snapshots are taken in mid-day, the account is locked and
unlocked, the program restarted, the clock moved past a window's end and past the reset. After every
step the rule must say what a model says that counts the whole list of fills anew.
"""

from decimal import Decimal
from typing import Any, ClassVar, NamedTuple

import msgspec
from core.builders import ACCOUNT, MS, NAME, NOON, S, chicago_calendar, rule, snapshot
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition
from hypothesis.stateful import rule as step
from properties.naive_history import NaiveHistory

from risk_actors.core.broker import Fill, Order, OrderStatus, OrderType, Position, Side
from risk_actors.core.lock import LockSpan
from risk_actors.core.position_book import PositionBook
from risk_actors.core.trading_calendar import Window
from risk_actors.core.verdict import Breached, Reduce, Unknown, Verdict

MNQ, NQ, ZN = "CON.F.US.MNQ.Z26", "CON.F.US.ENQ.Z26", "CON.F.US.TYA.Z26"
PAUSES_NS = [0, 1, S, 10 * S, 30 * S - 1, 30 * S, 60 * S]
PROFITS = ["-300", "-100", "-99.99", "-0.004", "0", "0.62", "100", "250"]
COSTS = ["0", "0.62", "1.39"]
MOST_RESETS = 2
BACKLOG = 12
"""Rows that may be on their way at the same time."""


class Turn(NamedTuple):
    """One order and its fills."""

    contract: str
    side: Side
    sizes: list[int]
    closes: bool
    """Whether it goes flat with its first fill, if anything is open."""
    profit: str
    costs: str
    pause_ns: int
    is_late: bool
    """Whether the profit of a closing fill is told later."""
    places: list[int]
    """The order in which its rows come."""


TURNS = st.builds(
    Turn,
    contract=st.sampled_from([MNQ, MNQ, NQ, ZN]),
    side=st.sampled_from(Side),
    sizes=st.sampled_from([[1], [2], [3], [1, 2], [2, 1]]),
    closes=st.sampled_from([True, True, False]),
    profit=st.sampled_from(PROFITS),
    costs=st.sampled_from(COSTS),
    pause_ns=st.sampled_from(PAUSES_NS),
    is_late=st.sampled_from([False] * 7 + [True]),
    places=st.permutations(range(4)),
)


class Expected(NamedTuple):
    """What the model says."""

    kind: type
    value: Decimal | None = None
    key: Any = None
    """What the breach is about; another one is another cause."""
    until_ns: int | None = None
    """The end of the lock; None is the daily reset."""
    targets: frozenset[tuple[str, int]] | None = None
    """The sizes that may stay; None flattens."""


class HabitMachine(RuleBasedStateMachine):
    """Trades, delivers and compares; a subclass has the rule and the model."""

    settings: ClassVar[tuple[dict[str, Any], ...]]
    kind: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.calendar = chicago_calendar()
        self.now_ns = NOON
        self.rows: dict[int, Fill] = {}
        self.last_id = 0
        self.late_profits: dict[int, Decimal] = {}
        self.stream: list[Any] = []
        self.told: list[Any] = []
        self.pushed_ns: dict[int, int] = {}
        self.read_later: set[int] = set()
        self.spans: tuple[LockSpan, ...] = ()
        self.resets = self.voided = 0
        self.causes: dict[Any, str] = {}
        self.days: list[Window] = []
        self.book = PositionBook(ACCOUNT, NAME, self.calendar.day(self.now_ns))

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        self.chosen = data.draw(st.sampled_from(self.settings))
        self.rule = rule(self.kind, **self.chosen)
        self.take_snapshot()

    def day_of(self, at_ns: int) -> Window:
        """Return the trading day of an instant, found in the calendar once."""
        for day in self.days:
            if day.contains(at_ns):
                return day
        self.days.append(self.calendar.day(at_ns))
        return self.days[-1]

    def expected(self, history: NaiveHistory, day: Window) -> Expected:
        """Return what the rule must say."""
        raise NotImplementedError

    # --- at the broker ----------------------------------------------------------------------

    @precondition(lambda self: len(self.stream) < BACKLOG)
    @step(turns=st.lists(TURNS, min_size=1, max_size=4), is_told_at_once=st.booleans())
    def trade(self, turns: list[Turn], *, is_told_at_once: bool) -> None:
        """Fill some orders in parts, each at random, or one that goes flat or reverses."""
        for turn in turns:
            self.fill_order(turn)
            while is_told_at_once and self.stream:
                self.tell(self.stream.pop(0))
                self.rule_and_model_agree()

    def fill_order(self, turn: Turn) -> None:
        self.now_ns += turn.pause_ns
        held = self.size_in(turn.contract)
        side, sizes = turn.side, turn.sizes
        if turn.closes and held:
            side, sizes = (Side.SELL if held > 0 else Side.BUY), [abs(held), *sizes[1:]]
        self.last_id += 1
        order = Order(
            id=self.last_id,
            account_id=ACCOUNT,
            contract_id=turn.contract,
            status=OrderStatus.FILLED,
            type=OrderType.MARKET,
            side=side,
            size=sum(sizes),
            filled_size=sum(sizes),
            updated_ns=self.now_ns,
        )
        events: list[Any] = [order, *(self.fill(order, size, turn) for size in sizes)]
        events.append(self.position_in(turn.contract))
        self.stream += [events[place] for place in turn.places if place < len(events)]

    def fill(self, order: Order, size: int, turn: Turn) -> Fill:
        held = self.size_in(order.contract_id)
        is_closing = held * order.side.sign < 0
        self.last_id += 1
        row = Fill(
            id=self.last_id,
            account_id=ACCOUNT,
            contract_id=order.contract_id,
            order_id=order.id,
            side=order.side,
            size=size,
            price=Decimal(100),
            at_ns=self.now_ns,
            profit_usd=Decimal(turn.profit) if is_closing and not turn.is_late else None,
            costs_usd=Decimal(turn.costs),
        )
        self.rows[row.id] = row
        if is_closing and turn.is_late:
            self.late_profits[row.id] = Decimal(turn.profit)
        return row

    def size_in(self, contract: str) -> int:
        rows = self.rows.values()
        return sum(f.signed_size for f in rows if f.contract_id == contract and not f.voided)

    def position_in(self, contract: str) -> Position:
        return Position(
            account_id=ACCOUNT,
            contract_id=contract,
            size=self.size_in(contract),
            average_price=Decimal(100),
            opened_ns=self.now_ns,
        )

    @precondition(lambda self: self.late_profits)
    @step()
    def tell_a_late_profit(self) -> None:
        fill_id, profit = self.late_profits.popitem()
        self.rows[fill_id] = msgspec.structs.replace(self.rows[fill_id], profit_usd=profit)
        self.stream.append(self.rows[fill_id])

    @precondition(lambda self: self.rows and len(self.stream) < BACKLOG and not self.voided)
    @step(data=st.data())
    def void_a_fill(self, data: st.DataObject) -> None:
        fill_id = data.draw(st.sampled_from(sorted(self.rows)[-4:]))
        self.rows[fill_id] = msgspec.structs.replace(self.rows[fill_id], voided=True)
        self.voided += 1
        self.stream.append(self.rows[fill_id])

    # --- on the way -------------------------------------------------------------------------

    def tell(self, row: Any) -> None:
        self.told.append(row)
        match row:
            case Fill():
                if self.rows[row.id].voided:
                    # A voided row is not sent as a good one any more.
                    row = self.rows[row.id]
                if row.id not in self.read_later:
                    self.pushed_ns.setdefault(row.id, self.now_ns)
                self.book.on_fill(row, self.now_ns)
            case Order():
                self.book.on_order(row, self.now_ns)
            case _:
                self.book.on_position(row, self.now_ns)

    @precondition(lambda self: self.stream)
    @step(count=st.integers(1, 4), data=st.data())
    def deliver(self, count: int, data: st.DataObject) -> None:
        for _ in range(min(count, len(self.stream))):
            self.tell(self.stream.pop(data.draw(st.integers(0, len(self.stream) - 1))))
            self.rule_and_model_agree()

    @precondition(lambda self: self.told)
    @step(data=st.data())
    def tell_again(self, data: st.DataObject) -> None:
        fills = [row for row in self.told if isinstance(row, Fill)]
        if fills:
            self.tell(data.draw(st.sampled_from(fills)))

    @step()
    def take_snapshot(self) -> None:
        """Read everything from the broker; what was on its way is told a second time later."""
        self.now_ns += MS
        self.read_later |= self.rows.keys() - self.pushed_ns.keys()
        positions = (self.position_in(contract) for contract in (MNQ, NQ, ZN))
        content = snapshot(
            self.now_ns,
            positions=tuple(position for position in positions if position.size),
            fills=tuple(self.rows.values()),
        )
        # Order and position rows of before would contradict it, as they never do at the broker.
        self.stream = [row for row in self.stream if isinstance(row, Fill)]
        self.told = [row for row in self.told if isinstance(row, Fill)]
        self.now_ns += MS
        self.book.on_snapshot(content, self.now_ns)

    @step()
    def restart(self) -> None:
        """Begin anew in the middle of the day, with nothing but what the broker has."""
        self.book = PositionBook(ACCOUNT, NAME, self.calendar.day(self.now_ns))
        self.book.on_locks(self.spans)
        self.pushed_ns.clear()
        self.read_later.clear()
        self.take_snapshot()

    # --- time and locks ---------------------------------------------------------------------

    @step(pause_ns=st.sampled_from([1, 10 * S, 30 * S, 60 * S, 600 * S]))
    def let_time_pass(self, pause_ns: int) -> None:
        self.now_ns += pause_ns

    @step(before_ns=st.sampled_from([0, 1]))
    def wait_for_the_next_look(self, before_ns: int) -> None:
        """Go to the instant at which the rule asked to be asked again, or just before."""
        look_ns = self.rule.next_look_ns(None, self.book.state(), self.now_ns)
        day = self.calendar.day(self.now_ns)
        if look_ns is not None and self.now_ns < look_ns - before_ns < day.end_ns:
            self.now_ns = look_ns - before_ns

    @precondition(lambda self: self.resets < MOST_RESETS)
    @step()
    def sleep_past_the_reset(self) -> None:
        self.resets += 1
        self.now_ns = self.calendar.day(self.now_ns).end_ns
        self.book.on_day(self.calendar.day(self.now_ns))

    @precondition(lambda self: not self.spans or self.spans[-1].until_ns < self.now_ns)
    @step(length_ns=st.sampled_from([S, 30 * S]), contract=st.sampled_from([None, MNQ]))
    def lock(self, length_ns: int, contract: str | None) -> None:
        """Lock the account, or a contract of it, for a while."""
        span = LockSpan(contract, self.now_ns, self.now_ns + length_ns)
        self.spans = (*self.spans, span)
        self.book.on_locks(self.spans)

    # --- comparison -------------------------------------------------------------------------

    @property
    def seen_ns(self) -> dict[int, int]:
        """When each fill was seen, by our clock; how far it is off is for the book to estimate."""
        ahead_ns = self.book.state().clock_ahead_ns
        read = {fill_id: self.rows[fill_id].at_ns + ahead_ns for fill_id in self.read_later}
        return read | self.pushed_ns

    def verdict_at(self, now_ns: int) -> Verdict:
        return self.rule.evaluate(None, self.book.state(), now_ns)[1]

    @invariant()
    def rule_and_model_agree(self) -> None:
        verdict = self.verdict_at(self.now_ns)
        if self.book.distrusted is not None:
            assert isinstance(verdict, Unknown)
            return
        history = NaiveHistory(self.book.fills, self.seen_ns, self.spans)
        expected = self.expected(history, self.day_of(self.now_ns))
        assert type(verdict) is expected.kind, (verdict, expected)
        if isinstance(verdict, Unknown):
            return
        assert verdict.value == expected.value
        if isinstance(verdict, Breached):
            self.compare_breach(verdict, expected)
        self.nothing_changes_before_the_next_look(verdict)

    def compare_breach(self, verdict: Breached, expected: Expected) -> None:
        (lock,) = verdict.locks
        assert lock.until_ns == expected.until_ns
        if expected.targets is None:
            assert not isinstance(verdict.action, Reduce)
        else:
            assert isinstance(verdict.action, Reduce)
            assert frozenset(verdict.action.targets) == expected.targets
        assert self.causes.setdefault(expected.key, verdict.cause) == verdict.cause
        assert len(set(self.causes.values())) == len(self.causes)

    def nothing_changes_before_the_next_look(self, verdict: Verdict) -> None:
        look_ns = self.rule.next_look_ns(None, self.book.state(), self.now_ns)
        later_ns = self.now_ns + 10**15 if look_ns is None else look_ns - 1
        assert look_ns is None or look_ns > self.now_ns
        assert self.verdict_at(later_ns) == verdict
