"""Bracket orders: suspended legs, OCO, and what a close leaves behind."""

from decimal import Decimal
from typing import Any

import pytest

from risk_actors.simulator import Bracket, OrderStatus, OrderType, RefusedError, Side

MNQ = "CON.F.US.MNQ.Z26"
STOP_LOSS = Bracket(ticks=-40, type=OrderType.STOP)
TARGET = Bracket(ticks=80, type=OrderType.LIMIT)


@pytest.fixture
def bracketed(floor: Any) -> Any:
    floor.quote(MNQ, "100.00", "100.25")
    entry = floor.place(
        MNQ, Side.BUY, 2, stop_loss=STOP_LOSS, take_profit=TARGET, custom_tag="plan"
    )
    floor.stop_loss, floor.target = floor.exchange.working_orders(101)
    floor.entry = entry
    return floor


def test_legs_are_suspended_until_the_entry_fills(floor: Any) -> None:
    floor.quote(MNQ, "100.00", "100.25")
    floor.place(
        MNQ,
        Side.BUY,
        1,
        type=OrderType.LIMIT,
        limit_price=Decimal(95),
        stop_loss=STOP_LOSS,
        take_profit=TARGET,
    )
    legs = floor.exchange.working_orders(101)[1:]
    assert [leg.status for leg in legs] == [OrderStatus.SUSPENDED] * 2
    assert [(leg.stop_price, leg.limit_price) for leg in legs] == [(None, None)] * 2
    floor.quote(MNQ, "94.00", "94.25")
    legs = floor.exchange.working_orders(101)
    assert [leg.status for leg in legs] == [OrderStatus.OPEN] * 2
    assert (legs[0].stop_price, legs[1].limit_price) == (Decimal(85), Decimal(115))


def test_legs_name_their_parent_their_tag_and_each_other(bracketed: Any) -> None:
    stop_loss, target = bracketed.stop_loss, bracketed.target
    assert (stop_loss.parent_id, target.parent_id) == (bracketed.entry.id,) * 2
    assert (stop_loss.custom_tag, target.custom_tag) == ("plan-SL", "plan-TP")
    assert target.linked_id == stop_loss.id


def test_the_target_cancels_the_stop(bracketed: Any) -> None:
    bracketed.quote(MNQ, "121.00", "121.25")
    assert bracketed.size(MNQ) == 0
    assert bracketed.exchange.orders[bracketed.stop_loss.id].status is OrderStatus.CANCELLED
    assert bracketed.exchange.working_orders(101) == []


def test_the_stop_cancels_the_target(bracketed: Any) -> None:
    bracketed.quote(MNQ, "90.00", "90.25")
    assert bracketed.size(MNQ) == 0
    assert bracketed.exchange.orders[bracketed.target.id].status is OrderStatus.CANCELLED


def test_a_target_left_over_after_a_close_opens_a_new_position(bracketed: Any) -> None:
    bracketed.close(MNQ)
    assert bracketed.size(MNQ) == 0
    assert len(bracketed.exchange.working_orders(101)) == 2
    bracketed.quote(MNQ, "121.00", "121.25")
    assert bracketed.size(MNQ) == -2


def test_cancelling_an_entry_cancels_its_suspended_legs(floor: Any) -> None:
    floor.quote(MNQ, "100.00", "100.25")
    entry = floor.place(
        MNQ, Side.BUY, 1, type=OrderType.LIMIT, limit_price=Decimal(95), stop_loss=STOP_LOSS
    )
    floor.exchange.cancel(101, entry.id, floor.now_ns)
    assert floor.exchange.working_orders(101) == []


def test_cancelling_one_leg_leaves_the_other(bracketed: Any) -> None:
    bracketed.exchange.cancel(101, bracketed.target.id, bracketed.now_ns)
    assert [o.id for o in bracketed.exchange.working_orders(101)] == [bracketed.stop_loss.id]


def test_a_stop_can_be_moved_up_and_then_stops_there(bracketed: Any) -> None:
    bracketed.exchange.modify(
        101, bracketed.stop_loss.id, bracketed.now_ns, stop_price=Decimal("99.00")
    )
    bracketed.quote(MNQ, "98.00", "98.25")
    assert bracketed.size(MNQ) == 0


def test_a_stop_cannot_be_moved_through_the_market(bracketed: Any) -> None:
    with pytest.raises(RefusedError, match="passed"):
        bracketed.exchange.modify(
            101, bracketed.stop_loss.id, bracketed.now_ns, stop_price=Decimal("105.00")
        )


@pytest.mark.parametrize("ticks", [1, -1, 40])
def test_a_long_stop_loss_needs_at_least_four_ticks_below(floor: Any, ticks: int) -> None:
    floor.quote(MNQ, "100.00", "100.25")
    with pytest.raises(RefusedError, match=r"Invalid stop loss ticks"):
        floor.place(MNQ, Side.BUY, 1, stop_loss=Bracket(ticks=ticks, type=OrderType.STOP))


def test_a_trailing_leg_follows_the_price(floor: Any) -> None:
    floor.quote(MNQ, "100.00", "100.25")
    trailing = Bracket(ticks=-40, type=OrderType.TRAILING_STOP)
    floor.place(MNQ, Side.BUY, 1, stop_loss=trailing)
    floor.quote(MNQ, "110.00", "110.25")
    assert floor.exchange.working_orders(101)[0].stop_price == Decimal(100)


def test_legs_cover_what_is_filled_of_a_partly_filled_entry(make_floor: Any) -> None:
    floor = make_floor(partial_fills=True)
    floor.quote(MNQ, "100.00", "100.25")
    for _ in range(30):
        floor.place(
            MNQ,
            Side.BUY,
            9,
            type=OrderType.LIMIT,
            limit_price=Decimal(95),
            stop_loss=STOP_LOSS,
            take_profit=TARGET,
        )
    partly = 0
    for _ in range(6):
        floor.quote(MNQ, "94.00", "94.25")
        orders = floor.exchange.orders
        for leg in [o for o in orders.values() if o.parent_id and not o.status.is_final]:
            entry = orders[leg.parent_id]
            partly += 0 < entry.fill_volume < entry.size
            if entry.fill_volume:
                assert (leg.status, leg.size) == (OrderStatus.OPEN, entry.fill_volume)
            else:
                assert (leg.status, leg.size) == (OrderStatus.SUSPENDED, 9)
    assert partly


def test_a_leg_that_trades_in_part_shrinks_the_other(make_floor: Any) -> None:
    floor = make_floor(partial_fills=True)
    floor.quote(MNQ, "100.00", "100.25")
    for _ in range(30):
        floor.place(MNQ, Side.BUY, 9, stop_loss=STOP_LOSS, take_profit=TARGET)
    floor.quote(MNQ, "121.00", "121.25")
    targets = [o for o in floor.exchange.working_orders(101) if o.type is OrderType.LIMIT]
    assert targets, "with this seed some targets trade in part"
    for target in targets:
        stop = floor.exchange.orders[target.linked_id]
        assert stop.remaining == target.remaining
