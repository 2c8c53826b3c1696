"""What the stream should have told and did not, told from what it need not tell."""

from decimal import Decimal
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
from risk_actors.messages import (
    AccountSnapshot,
    FillReported,
    OrderReported,
    PositionReported,
)
from risk_actors.projectx.deaf import (
    FIRST_GAP_NS,
    LONGEST_GAP_NS,
    SETTLING_NS,
    KickPace,
    Kind,
    UserEar,
)

S = 1_000_000_000
NQ = "CON.F.US.ENQ.Z26"
HEADS: dict[str, Any] = {"correlation_id": "x-1"}


def position(size: int) -> Position:
    return Position(
        account_id=101, contract_id=NQ, size=size, average_price=Decimal(5), opened_ns=1
    )


def order(order_id: int, status: OrderStatus = OrderStatus.OPEN) -> Order:
    return Order(
        id=order_id,
        account_id=101,
        contract_id=NQ,
        status=status,
        type=OrderType.LIMIT,
        side=Side.BUY,
        size=1,
    )


def fill(fill_id: int) -> Fill:
    return Fill(
        id=fill_id,
        account_id=101,
        contract_id=NQ,
        order_id=7,
        side=Side.BUY,
        size=1,
        price=Decimal(5),
        at_ns=1,
    )


class Bench:
    """An ear at a hub that was opened at 1 s, with a first reading at 2 s."""

    def __init__(self, **first: Any) -> None:
        self.ear = UserEar()
        self.now_ns = S
        self.ear.opened(self.now_ns)
        self.now_ns = 2 * S
        self.read(**first)

    def read(self, *, asked_ns: int | None = None, **content: Any) -> None:
        default: dict[str, Any] = {"positions": (), "orders": (), "fills": ()}
        content = {**default, "covers_suspended": True, **content}
        snapshot = AccountSnapshot(
            **HEADS,
            at_ns=self.now_ns,
            account=Account(id=101, name="a", balance_usd=Decimal(1), can_trade=True),
            fills_since_ns=0,
            asked_ns=self.now_ns if asked_ns is None else asked_ns,
            reason="test",
            **content,
        )
        self.ear.read(snapshot, self.now_ns)

    def told(self, what: Position | Order | Fill) -> None:
        kind, name = {
            Position: (PositionReported, "position"),
            Order: (OrderReported, "order"),
            Fill: (FillReported, "fill"),
        }[type(what)]
        self.ear.heard(kind(**HEADS, at_ns=self.now_ns, **{name: what}), self.now_ns)

    def missed_after(self, wait_ns: int = SETTLING_NS) -> frozenset[Kind]:
        self.now_ns += wait_ns
        self.ear.missed(self.now_ns)
        missed = self.ear.missed(self.now_ns)
        return frozenset() if missed is None else missed.kinds


def test_what_the_first_reading_of_a_connection_shows_is_what_was_before() -> None:
    bench = Bench(positions=(position(2),), orders=(order(1),), fills=(fill(1),))
    bench.read(positions=(position(2),), orders=(order(1),), fills=(fill(1),))
    assert bench.missed_after() == frozenset()


def test_each_kind_of_thing_that_only_a_reading_shows_is_missed() -> None:
    cases: list[tuple[dict[str, Any], dict[str, Any], set[Kind]]] = [
        ({}, {"fills": (fill(1),)}, {Kind.FILL}),
        ({}, {"orders": (order(1),)}, {Kind.ORDER}),
        ({"orders": (order(1),)}, {}, {Kind.ORDER}),
        ({}, {"positions": (position(1),)}, {Kind.POSITION}),
        ({"positions": (position(1),)}, {}, {Kind.POSITION}),
        ({"positions": (position(1),)}, {"positions": (position(-1),)}, {Kind.POSITION}),
        ({}, {"positions": (position(1),), "fills": (fill(1),)}, {Kind.FILL, Kind.POSITION}),
    ]
    for first, second, kinds in cases:
        bench = Bench(**first)
        bench.now_ns += S
        bench.read(**second)
        assert bench.missed_after(SETTLING_NS - 1) == frozenset(), second
        assert bench.missed_after(1) == kinds, second


def test_what_the_stream_told_before_or_tells_in_time_is_not_missed() -> None:
    told = (fill(1), order(1), position(1))
    content: dict[str, Any] = {
        "fills": (fill(1),),
        "orders": (order(1),),
        "positions": (position(1),),
    }
    before, after = Bench(), Bench()
    before.now_ns += S
    after.now_ns += S
    for each in told:
        before.told(each)
    before.now_ns += S
    before.read(**content)
    after.read(**content)
    after.now_ns += S
    for each in told:
        after.told(each)
    assert before.missed_after() == after.missed_after() == frozenset()


def test_an_end_that_was_told_is_not_missed() -> None:
    bench = Bench(orders=(order(1),), positions=(position(1),))
    bench.now_ns += S
    bench.told(order(1, OrderStatus.CANCELLED))
    bench.told(position(0))
    bench.read()
    assert bench.missed_after() == frozenset()


def test_a_reading_that_the_stream_overtook_proves_nothing() -> None:
    bench = Bench()
    asked_ns = bench.now_ns = 5 * S
    bench.now_ns += 1
    bench.told(position(1))
    bench.told(order(1))
    bench.read(asked_ns=asked_ns)
    assert bench.missed_after() == frozenset()


def test_suspended_children_come_and_go_unnoticed() -> None:
    bench = Bench()
    bench.now_ns += S
    bench.read(orders=(order(1, OrderStatus.SUSPENDED),))
    bench.now_ns += S
    bench.read(covers_suspended=False)
    assert bench.missed_after() == frozenset()


def test_a_hub_that_is_down_or_new_is_not_blamed() -> None:
    bench = Bench()
    bench.read(fills=(fill(1),))
    bench.ear.closed()
    assert bench.missed_after() == frozenset()
    bench.read(fills=(fill(1), fill(2)))
    bench.ear.opened(bench.now_ns)
    bench.read(asked_ns=bench.now_ns - 1, fills=(fill(1), fill(2), fill(3)))
    bench.read(fills=(fill(1), fill(2), fill(3)))
    assert bench.missed_after() == frozenset()


def test_one_look_after_a_stall_is_not_enough() -> None:
    bench = Bench()
    bench.read(fills=(fill(1),))
    assert bench.ear.missed(bench.now_ns + 100 * S) is None


def test_a_kind_that_never_comes_is_not_reconnected_for_in_a_storm() -> None:
    bench = Bench()
    kicks = 0
    ids: list[Fill] = []
    for number in range(1, 200):
        ids.append(fill(number))
        bench.now_ns += S
        bench.told(order(number))
        bench.told(position(number))
        bench.read(fills=tuple(ids), orders=tuple(order(n) for n in range(1, number + 1)),
                   positions=(position(number),))  # fmt: skip
        if bench.missed_after() == {Kind.FILL}:
            missed = bench.ear.missed(bench.now_ns)
            assert missed is not None
            kicks += bench.ear.may_kick(missed, bench.now_ns)
    assert 2 <= kicks <= 7
    assert bench.ear.doubted == {(101, Kind.FILL)}
    bench.told(fill(999))
    assert not bench.ear.doubted


def test_the_pace_grows_to_its_end_and_begins_anew() -> None:
    pace, now_ns = KickPace(), S
    assert pace.may_kick(now_ns)
    assert not pace.may_kick(now_ns + FIRST_GAP_NS - 1)
    gaps = []
    for _ in range(12):
        gap_ns = FIRST_GAP_NS
        while not pace.may_kick(now_ns + gap_ns):
            gap_ns *= 2
        gaps.append(gap_ns)
        now_ns += gap_ns
    assert gaps == sorted(gaps)
    assert gaps[-1] <= 2 * LONGEST_GAP_NS
    pace.reset()
    assert pace.may_kick(now_ns)
