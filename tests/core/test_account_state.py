"""What is entry and what is exit, and which size counts while report and fills differ."""

import pytest
from core.builders import BUY, ES, MNQ, SELL, account, held, order

from risk_actors.core.account_state import entry_size, is_market, is_reduce_only, waits_for_parent
from risk_actors.core.broker import Order, OrderStatus, OrderType, Side


@pytest.mark.parametrize(
    ("side", "size", "position", "entry"),
    [
        (BUY, 2, 0, 2),
        (SELL, 2, 0, 2),
        (BUY, 2, 1, 2),
        (SELL, 2, -1, 2),
        (SELL, 2, 3, 0),
        (SELL, 3, 3, 0),
        (SELL, 4, 3, 1),
        (BUY, 2, -3, 0),
        (BUY, 5, -3, 2),
    ],
)
def test_an_opposite_order_is_an_exit_up_to_the_positions_size_and_entry_beyond(
    side: Side, size: int, position: int, entry: int
) -> None:
    assert entry_size(order(1, side, size), position) == entry


def test_only_what_is_not_filled_yet_can_enter() -> None:
    assert entry_size(order(1, BUY, 5, filled=3), 0) == 2
    assert entry_size(order(1, SELL, 5, filled=3), 2) == 0
    assert entry_size(order(1, BUY, 3, filled=4), 0) == 0


@pytest.mark.parametrize(
    ("position", "reduces"), [(0, False), (1, False), (2, True), (3, True), (-2, False)]
)
def test_an_order_only_reduces_where_there_is_enough_to_reduce(
    position: int, *, reduces: bool
) -> None:
    assert is_reduce_only(order(1, SELL, 2), position) is reduces


@pytest.mark.parametrize(
    ("child", "waits"),
    [
        (order(2, SELL, status=OrderStatus.SUSPENDED, parent=1), True),
        (order(2, SELL, status=OrderStatus.OPEN, parent=1), False),
        (order(2, SELL, status=OrderStatus.SUSPENDED, parent=9), False),
        (order(2, SELL, status=OrderStatus.SUSPENDED), False),
    ],
)
def test_a_bracket_child_waits_while_its_parent_works(child: Order, *, waits: bool) -> None:
    assert waits_for_parent(child, (order(1, BUY), child)) is waits


def test_a_market_order_is_one() -> None:
    assert is_market(order(1, BUY, kind=OrderType.MARKET))
    assert not is_market(order(1, BUY, kind=OrderType.STOP))


@pytest.mark.parametrize(
    ("reported", "by_fills", "counted"),
    [(2, 2, 2), (0, 3, 3), (3, 0, 3), (-1, -4, -4), (-4, -1, -4), (2, -2, 2), (1, -3, -3)],
)
def test_while_report_and_fills_differ_the_larger_size_counts(
    reported: int, by_fills: int, counted: int
) -> None:
    position = held(reported, fills_size=by_fills)

    assert position.counted_size == counted
    assert position.is_settled is (reported == by_fills)
    assert account(position).counted_size_in(MNQ) == counted
    assert account(position).size_in(MNQ) == reported
    assert account(position).is_settled is position.is_settled


def test_a_contract_without_a_position_is_flat() -> None:
    fact = account(held(2))

    assert fact.position_in(ES) is None
    assert fact.size_in(ES) == fact.counted_size_in(ES) == 0
    assert fact.position_in(MNQ) is fact.positions[0]
    assert fact.is_settled


@pytest.mark.parametrize(
    ("status", "works"),
    [
        (OrderStatus.OPEN, True),
        (OrderStatus.PENDING, True),
        (OrderStatus.PENDING_CANCELLATION, True),
        (OrderStatus.SUSPENDED, True),
        (OrderStatus.FILLED, False),
        (OrderStatus.CANCELLED, False),
        (OrderStatus.EXPIRED, False),
        (OrderStatus.REJECTED, False),
    ],
)
def test_an_order_works_until_it_is_filled_cancelled_expired_or_rejected(
    status: OrderStatus, *, works: bool
) -> None:
    assert order(1, BUY, status=status).is_working is works
