"""Traps of the reference's section 4: the SDK's way to flat lies, and ours is observed."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from plain_trader import PlainTrader
from project_x_py.exceptions import ProjectXError

from risk_actors.core.broker import OrderStatus
from risk_actors.core.commands import Answer, CancelOrder, CloseContract
from risk_actors.messages import AccountSnapshot, OrderReported, PositionReported, SnapshotFailed
from risk_actors.simulator.faults import Fault
from risk_actors.simulator.records import Bracket, OrderType, Side, Ticket
from risk_actors.simulator.thread import SimulatorThread

# The SDK leaves its hub sockets to the garbage collector when it disconnects.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

CLOSE = "Position/closeContract"
ACCEPTED_AND_FORGOTTEN = Fault(kind="refuse", endpoint=CLOSE, error_code=0)
"""The broker answers success, and no order comes of it."""


@pytest.fixture
def plain(simulator: SimulatorThread) -> Iterator[PlainTrader]:
    """A script that hears account 101, while prices stand still."""
    simulator.let_prices_move(move=False)
    simulator.set_price(simulator.contract_id("MNQ"), 20000, "20000.25", 20000)
    with PlainTrader(simulator) as trader:
        yield trader.stream()


def stop_at(simulator: SimulatorThread, price: str, size: int = 1) -> int:
    ticket = Ticket(
        account_id=101,
        contract_id=simulator.contract_id("MNQ"),
        side=Side.SELL,
        size=size,
        type=OrderType.STOP,
        stop_price=Decimal(price),
    )
    return simulator.place(ticket).id


def test_4_close_all_positions_says_nothing_to_do_when_it_could_not_look(
    rig: Any, plain: PlainTrader
) -> None:
    positions, _ = plain.managers()
    rig.buy(2)
    rig.recorder.wait(PositionReported)
    look = Fault(kind="refuse", endpoint="Position/searchOpen", error_code=1)
    rig.simulator.inject(look)
    answer = plain.do(positions.close_all_positions())
    assert answer == {"total_positions": 0, "closed": 0, "failed": 0, "errors": []}
    assert rig.simulator.size(101, rig.contract_id) == 2

    mark = rig.recorder.mark()
    rig.simulator.inject(look)
    rig.gateway.request_snapshot(101, "look", "corr-1")
    failed = rig.recorder.wait(SnapshotFailed, after=mark)
    assert "Position/searchOpen" in failed.detail
    assert not [m for m in rig.recorder.messages[mark:] if isinstance(m, AccountSnapshot)]


@pytest.mark.parametrize("status", [401, 429, 503])
def test_4_close_position_direct_swallows_why(
    simulator: SimulatorThread, plain: PlainTrader, status: int
) -> None:
    """Ours: `test_traps_requests.py::test_3_2_ours_tells_what_certainly_did_not_happen...`."""
    positions, _ = plain.managers()
    simulator.inject(Fault(kind="status", status=status, endpoint=CLOSE, execute=status == 503))
    answer = plain.do(positions.close_position_direct(simulator.contract_id("MNQ")))

    assert answer == {"success": False, "error": "Operation failed"}


def test_4_success_means_accepted_and_the_sdk_counts_the_position_as_closed(
    rig: Any, plain: PlainTrader, tools: Any
) -> None:
    positions, _ = plain.managers()
    rig.buy(2)
    tools.eventually(lambda: rig.contract_id in positions.tracked_positions)
    rig.simulator.inject(ACCEPTED_AND_FORGOTTEN)
    answer = plain.do(positions.close_all_positions())
    assert (answer["closed"], answer["failed"]) == (1, 0)
    assert rig.simulator.size(101, rig.contract_id) == 2

    rig.simulator.inject(ACCEPTED_AND_FORGOTTEN)
    command = CloseContract(
        id=1, account_id=101, contract_id=rig.contract_id, correlation_id="corr-1"
    )
    assert rig.send(command).outcome.answer is Answer.ACCEPTED
    rig.gateway.request_snapshot(101, "close accepted", "corr-2")
    snapshot = rig.recorder.wait(AccountSnapshot, lambda m: m.correlation_id == "corr-2")
    assert [position.size for position in snapshot.positions] == [2]


def test_4_get_position_answers_from_a_cache_that_missed_the_close(
    rig: Any, plain: PlainTrader, tools: Any
) -> None:
    positions, _ = plain.managers()
    rig.buy()
    tools.eventually(lambda: rig.contract_id in positions.tracked_positions)
    rig.simulator.call(lambda: rig.simulator.faults.drop_events("GatewayUserPosition", 1))
    rig.simulator.close(101, rig.contract_id)
    assert plain.do(positions.get_position(rig.contract_id)).size == 1

    rig.gateway.request_snapshot(101, "look", "corr-1")
    snapshot = rig.recorder.wait(AccountSnapshot, lambda m: m.correlation_id == "corr-1")
    assert snapshot.positions == ()


def test_4_cancel_order_believes_an_event_and_sends_nothing(
    rig: Any, plain: PlainTrader, tools: Any
) -> None:
    _, orders = plain.managers()
    order_id = stop_at(rig.simulator, "19000")
    rig.recorder.wait(
        OrderReported, lambda m: m.order.id == order_id and m.order.status is OrderStatus.OPEN
    )
    row = {
        "id": order_id,
        "accountId": 101,
        "contractId": rig.contract_id,
        "status": 2,
        "type": 4,
        "side": 1,
        "size": 1,
    }
    hub = rig.simulator.gateway.user_hub
    rig.simulator.call(
        lambda: hub.publish(("Orders", 101), "GatewayUserOrder", [{"action": 1, "data": row}])
    )
    tools.eventually(lambda: orders.order_status_cache.get(str(order_id)) == 2)
    assert not plain.do(orders.cancel_order(order_id))
    assert rig.simulator.requests("Order/cancel") == []

    command = CancelOrder(
        id=1,
        account_id=101,
        contract_id=rig.contract_id,
        order_id=order_id,
        correlation_id="corr-1",
    )
    assert rig.send(command).outcome.answer is Answer.ACCEPTED
    assert rig.simulator.orders(101) == []


def test_4_a_reject_without_words_loses_its_code_in_the_sdk(rig: Any, plain: PlainTrader) -> None:
    _, orders = plain.managers()
    order_id = stop_at(rig.simulator, "19000")
    fault = Fault(kind="refuse", endpoint="Order/cancel", error_code=6)
    rig.simulator.inject(fault)
    with pytest.raises(ProjectXError) as caught:
        plain.do(orders.cancel_order(order_id))
    assert caught.value.error_code is None
    assert "6" not in str(caught.value).replace(str(order_id), "")

    rig.simulator.inject(fault)
    command = CancelOrder(
        id=1,
        account_id=101,
        contract_id=rig.contract_id,
        order_id=order_id,
        correlation_id="corr-1",
    )
    refused = rig.send(command).outcome
    assert (refused.answer, refused.error_code) == (Answer.REFUSED, 6)


def test_4_a_close_leaves_the_stop_and_the_stop_opens_a_new_position(
    simulator: SimulatorThread, plain: PlainTrader
) -> None:
    """Ours: `test_daemon.py::test_a_stop_left_over_after_a_flatten_is_cancelled...`."""
    positions, _ = plain.managers()
    contract_id = simulator.contract_id("MNQ")
    stop_at(simulator, "19990")
    simulator.place(Ticket(account_id=101, contract_id=contract_id, side=Side.BUY, size=1))

    assert plain.do(positions.close_all_positions())["closed"] == 1
    assert simulator.size(101, contract_id) == 0
    simulator.set_price(contract_id, 19980, "19980.25", 19980)
    assert simulator.size(101, contract_id) == -1


def test_3_4_suspended_brackets_are_in_no_list_of_the_sdks_and_in_ours(
    rig: Any, plain: PlainTrader
) -> None:
    _, orders = plain.managers()
    rig.simulator.place(
        Ticket(
            account_id=101,
            contract_id=rig.contract_id,
            side=Side.BUY,
            size=1,
            type=OrderType.LIMIT,
            limit_price=Decimal(19000),
            stop_loss=Bracket(ticks=-10, type=OrderType.STOP),
        )
    )
    listed = plain.do(orders.search_open_orders())
    rig.gateway.request_snapshot(101, "look", "corr-1")
    snapshot = rig.recorder.wait(AccountSnapshot, lambda m: m.correlation_id == "corr-1")

    assert [order.status for order in listed] == [1]
    assert sorted(order.status for order in snapshot.orders) == [
        OrderStatus.OPEN,
        OrderStatus.SUSPENDED,
    ]
    assert snapshot.covers_suspended


def test_3_4_without_the_order_query_the_bracket_would_be_hidden_from_us_and_we_say_so(
    rig: Any,
) -> None:
    rig.simulator.inject(Fault(kind="status", status=404, endpoint="Order/v2/query"))
    rig.simulator.place(
        Ticket(
            account_id=101,
            contract_id=rig.contract_id,
            side=Side.BUY,
            size=1,
            type=OrderType.LIMIT,
            limit_price=Decimal(10),
            stop_loss=Bracket(ticks=-10, type=OrderType.STOP),
        )
    )
    rig.gateway.request_snapshot(101, "look", "corr-1")
    snapshot = rig.recorder.wait(AccountSnapshot, lambda m: m.correlation_id == "corr-1")

    assert [order.status for order in snapshot.orders] == [OrderStatus.OPEN]
    assert not snapshot.covers_suspended
