"""Whose turn it is, and what is news in a light read."""

from collections import Counter
from decimal import Decimal
from typing import Any

import msgspec

from risk_actors.core.broker import Account, Order, OrderStatus, OrderType, Position, Side
from risk_actors.messages import AccountSnapshot
from risk_actors.projectx.poll_plan import PollPlan, What

NQ = "CON.F.US.ENQ.Z26"


def account(account_id: int = 101, balance: int = 50_000, *, can_trade: bool = True) -> Account:
    return Account(id=account_id, name="a", balance_usd=Decimal(balance), can_trade=can_trade)


def position(size: int, account_id: int = 101) -> Position:
    return Position(
        account_id=account_id, contract_id=NQ, size=size, average_price=Decimal(5), opened_ns=1
    )


def order(order_id: int, status: OrderStatus = OrderStatus.OPEN, filled: int = 0) -> Order:
    return Order(
        id=order_id,
        account_id=101,
        contract_id=NQ,
        status=status,
        type=OrderType.LIMIT,
        side=Side.BUY,
        size=2,
        filled_size=filled,
    )


def snapshot(row: Account, **content: Any) -> AccountSnapshot:
    default: dict[str, Any] = {"positions": (), "orders": (), "account_read": True}
    content = {**default, **content}
    return AccountSnapshot(
        correlation_id="x-1",
        at_ns=1,
        account=row,
        covers_suspended=True,
        fills=(),
        fills_since_ns=0,
        asked_ns=1,
        reason="test",
        **content,
    )


def test_a_row_that_differs_or_is_gone_is_a_change_until_it_is_taken_in() -> None:
    plan = PollPlan([101, 102])
    assert plan.changed([account(balance=1)]) == ()  # nothing has been read yet
    plan.on_snapshot(snapshot(account()))
    plan.on_snapshot(snapshot(account(102)))
    same = [account(), account(102), account(103)]
    assert plan.changed(same) == ()
    assert plan.changed([account(balance=49_999), account(102)]) == (101,)
    assert plan.changed([account(can_trade=False), account(102)]) == (101,)
    assert plan.changed([account(102)]) == (101,)
    plan.on_account(account(balance=49_999))
    assert plan.changed([account(balance=49_999), account(102)]) == ()


def test_a_change_that_is_being_read_is_not_asked_for_again() -> None:
    plan = PollPlan([101])
    plan.on_snapshot(snapshot(account()))
    gone: list[Account] = []
    for rows in ([account(balance=1)], gone):
        assert plan.changed(rows) == (101,)
        plan.noted(101, rows)
        assert plan.changed(rows) == ()
    assert plan.changed([account(balance=2)]) == (101,)
    plan.noted(101, [account(balance=1)])
    plan.on_snapshot(snapshot(account(balance=2)))
    assert plan.changed([account(balance=1)]) == (101,)


def test_an_older_row_in_a_snapshot_is_not_taken_for_the_account() -> None:
    plan = PollPlan([101])
    plan.on_snapshot(snapshot(account()))
    plan.on_snapshot(snapshot(account(balance=7), account_read=False))
    assert plan.changed([account()]) == ()


def test_light_reads_are_news_where_they_differ_from_the_whole_and_from_the_last() -> None:
    plan = PollPlan([101])
    assert not plan.has_news_of_positions(101, [position(1)])
    plan.on_snapshot(snapshot(account(), positions=(position(1),), orders=(order(1),)))
    assert not plan.has_news_of_positions(101, [position(1)])
    assert plan.has_news_of_positions(101, [position(2)])
    assert not plan.has_news_of_positions(101, [position(2)])  # once is enough
    assert plan.has_news_of_positions(101, [])
    assert not plan.has_news_of_orders(101, [order(1)])
    assert plan.has_news_of_orders(101, [order(1, filled=1)])
    assert plan.has_news_of_orders(101, [])


def test_orders_that_are_not_open_are_not_expected_in_the_list_of_open_ones() -> None:
    plan = PollPlan([101])
    orders = (order(1), order(2, OrderStatus.SUSPENDED), order(3, OrderStatus.PENDING))
    plan.on_snapshot(snapshot(account(), orders=orders))
    assert not plan.has_news_of_orders(101, [order(1)])


def test_accounts_with_something_open_get_every_other_turn_and_none_is_left_out() -> None:
    ids = list(range(101, 111))
    plan = PollPlan(ids)
    for account_id in ids:
        held = (position(1, account_id),) if account_id == 105 else ()
        plan.on_snapshot(snapshot(account(account_id), positions=held))
    turns = [plan.next_turn() for _ in range(200)]
    counts = Counter(account_id for account_id, _ in turns)
    assert counts[105] >= 100
    assert min(counts.values()) >= 10
    assert {what for account_id, what in turns if account_id == 110} == set(What)


def test_a_single_account_is_read_light_four_times_of_five() -> None:
    plan = PollPlan([101])
    whats = [plan.next_turn()[1] for _ in range(10)]
    assert whats.count(What.WHOLE) == 2
    assert whats.count(What.POSITIONS) == whats.count(What.ORDERS) == 4


def is_behind(plan: PollPlan) -> bool:
    return plan.is_behind


def is_list_unread(plan: PollPlan) -> bool:
    return plan.is_list_unread


def behind_after_a_gap(*, held: int = 102) -> PollPlan:
    """Return a plan of three accounts that were read before a gap; one holds a position."""
    plan = PollPlan([101, 102, 103])
    for account_id in (101, 102, 103):
        positions = (position(1, account_id),) if account_id == held else ()
        plan.on_snapshot(snapshot(account(account_id), positions=positions))
    assert not is_behind(plan)
    plan.on_gap(10)
    return plan


def test_after_a_gap_all_is_looked_at_and_what_is_open_or_locked_first() -> None:
    plan = behind_after_a_gap()
    plan.on_locks(103, is_locked=True)
    assert is_behind(plan)
    assert is_list_unread(plan)
    assert [plan.is_idle(each) for each in (101, 102, 103)] == [True, False, False]
    order_of = [account_id for account_id, _ in plan.unread()]
    assert sorted(order_of[:4]) == [102, 102, 103, 103]
    assert order_of[4:] == [101, 101]


def test_a_gap_is_over_when_all_was_looked_at_since_and_what_differs_was_read() -> None:
    plan = behind_after_a_gap()
    plan.on_list(9)  # asked before the gap ended
    assert is_list_unread(plan)
    plan.on_list(10)
    assert not is_list_unread(plan)
    for account_id, what in plan.unread():
        plan.looked(account_id, what, 9, is_news=False)  # asked too early as well
    assert len(plan.unread()) == 6
    for account_id, what in plan.unread():
        plan.looked(account_id, what, 11, is_news=account_id == 103 and what is What.ORDERS)
    assert plan.unread() == ()
    assert [plan.agrees(each) for each in (101, 102, 103)] == [True, True, False]
    assert is_behind(plan)
    plan.on_snapshot(snapshot(account(103)))  # asked at 1, before the gap
    assert is_behind(plan)
    plan.on_snapshot(msgspec.structs.replace(snapshot(account(103)), asked_ns=12))
    assert not is_behind(plan)


def test_an_account_that_was_never_read_is_read_whole_after_a_gap() -> None:
    plan = PollPlan([101])
    plan.on_gap(10)
    plan.on_list(11)
    assert plan.unread() == ()
    assert is_behind(plan)
    plan.on_snapshot(snapshot(account()))  # asked before the gap ended: looks show the rest
    assert {what for _, what in plan.unread()} == {What.POSITIONS, What.ORDERS}
    plan.on_snapshot(msgspec.structs.replace(snapshot(account()), asked_ns=10))
    assert not is_behind(plan)
