"""What goes wrong with orders inside the exchange, and what becomes of them."""

from decimal import Decimal
from typing import Any

import pytest

from risk_actors.simulator.checker import reduce_only
from risk_actors.simulator.faults import (
    Faults,
    LateCancel,
    PendOrders,
    RejectOrder,
    SliceFills,
)
from risk_actors.simulator.records import Bracket, Filled, OrderStatus, OrderType, Side

ACCOUNT = 101
MNQ = "CON.F.US.MNQ.Z26"
S = 1_000_000_000


@pytest.fixture
def clocked(floor: Any) -> Any:
    """A floor with a long position of 5, whose faults keep its time."""
    floor.exchange.mishaps.faults = Faults(clock=lambda: floor.now_ns)
    floor.quote(MNQ, "100", "100.25")
    floor.place(MNQ, Side.BUY, 5)
    floor.exchange.take_journal()
    return floor


def inject(floor: Any, *faults: Any) -> None:
    for fault in faults:
        floor.exchange.mishaps.faults.inject(fault)


def wait(floor: Any, seconds: float) -> None:
    floor.now_ns += round(seconds * S)
    floor.exchange.advance(floor.now_ns)


def close(floor: Any, source: str = "client", size: int | None = None) -> Any:
    return floor.exchange.close(ACCOUNT, MNQ, floor.now_ns, source=source, size=size)


def status(floor: Any, order: Any) -> OrderStatus:
    found: OrderStatus = floor.exchange.orders[order.id].status
    return found


def test_a_close_is_accepted_and_rejected_afterwards(clocked: Any) -> None:
    inject(clocked, RejectOrder())
    order = close(clocked)
    assert (order.status, clocked.size(MNQ)) == (OrderStatus.REJECTED, 5)
    assert [e.order.status for e in clocked.exchange.take_journal()] == [
        OrderStatus.PENDING,
        OrderStatus.REJECTED,
    ]
    close(clocked)
    assert clocked.size(MNQ) == 0


def test_a_rejected_entry_takes_its_legs_with_it(clocked: Any) -> None:
    inject(clocked, RejectOrder(by="trader"))
    clocked.place(MNQ, Side.BUY, 1, stop_loss=Bracket(ticks=-20, type=OrderType.STOP))
    assert clocked.exchange.working_orders(ACCOUNT) == []


@pytest.mark.parametrize(
    ("fault", "strikes"),
    [
        (RejectOrder(symbol="MNQ"), True),
        (RejectOrder(symbol="ES"), False),
        (RejectOrder(account_id=102), False),
        (RejectOrder(by="trader"), False),
        (RejectOrder(by="*", account_id=101), True),
    ],
)
def test_a_fault_strikes_only_what_it_is_about(
    clocked: Any, fault: RejectOrder, *, strikes: bool
) -> None:
    inject(clocked, fault)
    close(clocked)
    assert clocked.size(MNQ) == (5 if strikes else 0)


def test_only_market_orders_have_mishaps_when_they_arrive(clocked: Any) -> None:
    inject(clocked, RejectOrder(by="*"))
    clocked.place(MNQ, Side.SELL, 1, type=OrderType.LIMIT, limit_price=Decimal(100))
    assert clocked.size(MNQ) == 4


def test_a_pending_close_trades_later_at_the_price_of_then(clocked: Any) -> None:
    inject(clocked, PendOrders(delay_s=3))
    order = close(clocked)
    clocked.quote(MNQ, "90")
    wait(clocked, 2.9)
    assert (status(clocked, order), clocked.size(MNQ)) == (OrderStatus.PENDING, 5)
    wait(clocked, 0.1)
    assert clocked.exchange.orders[order.id].filled_price == 90
    assert clocked.size(MNQ) == 0


def test_a_pending_order_can_be_cancelled(clocked: Any) -> None:
    inject(clocked, PendOrders(delay_s=3))
    order = close(clocked)
    clocked.exchange.cancel(ACCOUNT, order.id, clocked.now_ns)
    wait(clocked, 5)
    assert (status(clocked, order), clocked.size(MNQ)) == (OrderStatus.CANCELLED, 5)


def test_a_pending_close_waits_for_the_end_of_a_halt(clocked: Any) -> None:
    inject(clocked, PendOrders(delay_s=3))
    close(clocked)
    clocked.exchange.set_halted(MNQ, halted=True)
    wait(clocked, 4)
    assert clocked.size(MNQ) == 5
    clocked.exchange.set_halted(MNQ, halted=False)
    clocked.quote(MNQ, "99")
    assert clocked.size(MNQ) == 0


@pytest.mark.parametrize(("can_reverse", "size"), [(False, 0), (True, -5)])
def test_a_late_close_reverses_only_where_it_may(
    clocked: Any, *, can_reverse: bool, size: int
) -> None:
    inject(clocked, PendOrders(delay_s=3, can_reverse=can_reverse))
    order = close(clocked)
    close(clocked, source="trader")
    wait(clocked, 3)
    assert clocked.size(MNQ) == size
    wanted = OrderStatus.FILLED if can_reverse else OrderStatus.CANCELLED
    assert status(clocked, order) is wanted
    assert bool(reduce_only(clocked.exchange.take_journal(), [])) == can_reverse


def test_a_late_close_trades_what_is_left_to_close(clocked: Any) -> None:
    inject(clocked, PendOrders(delay_s=3))
    order = close(clocked)
    close(clocked, source="trader", size=3)
    wait(clocked, 3)
    assert clocked.size(MNQ) == 0
    assert clocked.exchange.orders[order.id].fill_volume == 2


def test_a_close_trades_in_slices_with_gaps_between_them(clocked: Any) -> None:
    inject(clocked, SliceFills(slices=3, gap_s=1))
    order = close(clocked)
    sizes = [clocked.size(MNQ)]
    for price in ("99", "98", "97"):
        clocked.quote(MNQ, price)  # a quote does not fill the rest
        sizes.append(clocked.size(MNQ))
        wait(clocked, 1)
        sizes.append(clocked.size(MNQ))
    assert sizes == [3, 3, 1, 1, 0, 0, 0]
    assert status(clocked, order) is OrderStatus.FILLED
    fills = [e for e in clocked.exchange.take_journal() if isinstance(e, Filled)]
    assert [(f.trade.size, f.trade.price, f.order.status) for f in fills] == [
        (2, 100, OrderStatus.OPEN),
        (2, 99, OrderStatus.OPEN),
        (1, 98, OrderStatus.FILLED),
    ]


def test_slices_stop_at_what_is_open(clocked: Any) -> None:
    inject(clocked, SliceFills(slices=5, gap_s=1))
    order = close(clocked)
    close(clocked, source="trader", size=3)
    for _ in range(5):
        wait(clocked, 1)
    assert clocked.size(MNQ) == 0
    assert clocked.exchange.orders[order.id].fill_volume == 2
    inject(clocked, SliceFills(slices=2, gap_s=1))
    clocked.place(MNQ, Side.BUY, 4)
    order = close(clocked)
    close(clocked, source="trader")
    wait(clocked, 2)
    assert (status(clocked, order), clocked.size(MNQ)) == (OrderStatus.CANCELLED, 0)


def test_one_contract_is_one_slice(clocked: Any) -> None:
    inject(clocked, SliceFills(slices=4))
    order = close(clocked, size=1)
    assert (order.status, clocked.size(MNQ)) == (OrderStatus.FILLED, 4)


@pytest.mark.parametrize("shows", [False, True])
def test_a_cancel_takes_effect_late_and_the_order_can_trade_meanwhile(
    clocked: Any, *, shows: bool
) -> None:
    late, filled = (
        clocked.place(MNQ, Side.SELL, 1, type=OrderType.LIMIT, limit_price=Decimal(price))
        for price in (120, 110)
    )
    inject(clocked, LateCancel(delay_s=2, times=2, shows=shows))
    for order in (late, filled):
        clocked.exchange.cancel(ACCOUNT, order.id, clocked.now_ns, by="client")
    seen = OrderStatus.PENDING_CANCELLATION if shows else OrderStatus.OPEN
    assert status(clocked, late) is status(clocked, filled) is seen
    clocked.quote(MNQ, "111")
    wait(clocked, 2)
    assert status(clocked, filled) is OrderStatus.FILLED
    assert status(clocked, late) is OrderStatus.CANCELLED


def test_a_cancel_may_never_take_effect(clocked: Any) -> None:
    order = clocked.place(MNQ, Side.SELL, 1, type=OrderType.LIMIT, limit_price=Decimal(110))
    inject(clocked, LateCancel())
    clocked.exchange.cancel(ACCOUNT, order.id, clocked.now_ns, by="client")
    wait(clocked, 3_600)
    assert status(clocked, order) is OrderStatus.OPEN
    clocked.exchange.cancel(ACCOUNT, order.id, clocked.now_ns, by="client")
    assert status(clocked, order) is OrderStatus.CANCELLED
