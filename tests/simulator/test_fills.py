"""Fills, averages, P&L and costs of the exchange, on worked examples."""

from decimal import Decimal
from typing import Any

import pytest

from risk_actors.simulator import OrderStatus, OrderType, RefusedError, Side
from risk_actors.simulator.records import Filled
from risk_actors.simulator.refusals import Reason

MYM = "CON.F.US.MYM.Z26"
ZB = "CON.F.US.USA.Z26"
MNQ = "CON.F.US.MNQ.Z26"
ES = "CON.F.US.EP.Z26"


def test_a_live_mym_round_trip_gives_the_live_balance_to_the_cent(floor: Any) -> None:
    # Recorded live: 150175.38 after the entry, 15 MYM 49909 -> 49983, 150721.08 after the exit.
    floor.exchange.accounts[101].balance_usd = Decimal("150175.38") + Decimal("9.30")
    floor.quote(MYM, "49908", "49909")
    floor.place(MYM, Side.BUY, 15)
    assert floor.balance_usd == Decimal("150175.38")
    floor.quote(MYM, "49983", "49984")
    floor.close(MYM)
    assert floor.balance_usd == Decimal("150721.08")
    opening, closing = floor.exchange.trades
    assert (opening.pnl_usd, closing.pnl_usd) == (None, Decimal(555))
    assert (closing.fees_usd, closing.commissions_usd) == (Decimal("5.55"), Decimal("3.75"))


def test_a_live_zb_stop_out_loses_one_tick_on_fifteen(floor: Any) -> None:
    floor.quote(ZB, "113.46875", "113.5")
    floor.place(ZB, Side.SELL, 15)
    floor.quote(ZB, "113.46875", "113.5")
    floor.close(ZB)
    assert floor.exchange.trades[-1].pnl_usd == Decimal("-468.75")
    assert floor.balance_usd == Decimal(50000) - Decimal("468.75") - 2 * Decimal("20.85")


def test_the_documented_es_trade_earns_fifty_dollars_gross(floor: Any) -> None:
    floor.quote(ES, "6064.00", "6064.25")
    floor.place(ES, Side.BUY, 1)
    floor.quote(ES, "6065.25", "6065.50")
    floor.close(ES)
    assert floor.exchange.trades[-1].pnl_usd == Decimal(50)


def test_scaling_in_rewrites_the_average_and_parts_sum_to_the_whole(floor: Any) -> None:
    floor.quote(MNQ, "100.00", "100.00")
    floor.place(MNQ, Side.BUY, 1)
    floor.quote(MNQ, "101.00", "101.00")
    floor.place(MNQ, Side.BUY, 2)
    position = floor.exchange.positions[(101, MNQ)]
    assert round(position.average_price, 6) == Decimal("100.666667")
    floor.quote(MNQ, "103.00", "103.00")
    for _ in range(3):
        floor.close(MNQ, 1)
    earned = sum(t.pnl_usd for t in floor.exchange.trades if t.pnl_usd is not None)
    # 309 points sold less 302 bought, at 2 dollars a point; nothing is lost to rounding.
    assert earned == Decimal(14)


def test_a_reversal_closes_then_opens_in_two_half_turns(floor: Any) -> None:
    floor.quote(MNQ, "100.00", "100.25")
    floor.place(MNQ, Side.BUY, 2)
    floor.place(MNQ, Side.SELL, 5)
    closing, opening = floor.exchange.trades[1:]
    assert (closing.size, closing.pnl_usd) == (2, Decimal("-1.00"))
    assert (opening.size, opening.pnl_usd) == (3, None)
    assert floor.size(MNQ) == -3
    assert floor.exchange.positions[(101, MNQ)].average_price == Decimal(100)


def test_a_closed_position_is_shown_flat_with_its_entry_average(floor: Any) -> None:
    floor.quote(MNQ, "100.00", "100.25")
    floor.place(MNQ, Side.BUY, 2)
    floor.quote(MNQ, "150.00", "150.25")
    floor.close(MNQ)
    last = [e for e in floor.exchange.take_journal() if isinstance(e, Filled)][-1]
    assert last.position.signed_size == 0
    assert last.position.average_price == Decimal("100.25")
    assert [t.id for t in last.reopened] == [floor.exchange.trades[0].id]


def test_a_market_order_is_pending_before_it_is_filled(floor: Any) -> None:
    floor.place(MNQ, Side.BUY, 1)
    statuses = [entry.order.status for entry in floor.exchange.take_journal()]
    assert statuses == [OrderStatus.PENDING, OrderStatus.FILLED]


def test_a_resting_limit_trades_at_its_own_price(floor: Any) -> None:
    floor.quote(MNQ, "100.00", "100.25")
    order = floor.place(MNQ, Side.BUY, 1, type=OrderType.LIMIT, limit_price=Decimal("99.00"))
    assert order.status is OrderStatus.OPEN
    floor.quote(MNQ, "98.00", "98.25")
    assert floor.exchange.orders[order.id].filled_price == Decimal("99.00")


def test_a_limit_through_the_market_trades_at_the_better_market_price(floor: Any) -> None:
    floor.quote(MNQ, "100.00", "100.25")
    order = floor.place(MNQ, Side.BUY, 1, type=OrderType.LIMIT, limit_price=Decimal("105.00"))
    assert order.filled_price == Decimal("100.25")


def test_a_stop_slips_to_the_market(floor: Any) -> None:
    floor.quote(MNQ, "100.00", "100.25")
    floor.place(MNQ, Side.BUY, 1)
    stop = floor.place(MNQ, Side.SELL, 1, type=OrderType.STOP, stop_price=Decimal("95.00"))
    floor.quote(MNQ, "90.00", "90.25", "90.25")
    assert floor.exchange.orders[stop.id].filled_price == Decimal("90.00")
    assert floor.size(MNQ) == 0


def test_a_stop_limit_rests_as_a_limit_once_its_stop_is_reached(floor: Any) -> None:
    floor.quote(MNQ, "100.00", "100.25")
    order = floor.place(
        MNQ,
        Side.BUY,
        1,
        type=OrderType.STOP_LIMIT,
        stop_price=Decimal("101.00"),
        limit_price=Decimal("101.50"),
    )
    floor.quote(MNQ, "105.00", "105.25")
    assert floor.exchange.orders[order.id].type is OrderType.LIMIT
    assert floor.size(MNQ) == 0
    floor.quote(MNQ, "101.00", "101.25")
    assert floor.exchange.orders[order.id].filled_price == Decimal("101.50")


def test_a_trailing_stop_follows_up_and_never_down(floor: Any) -> None:
    floor.quote(MNQ, "100.00", "100.25")
    floor.place(MNQ, Side.BUY, 1)
    stop = floor.place(
        MNQ, Side.SELL, 1, type=OrderType.TRAILING_STOP, trail_price=Decimal("98.00")
    )
    floor.quote(MNQ, "110.00", "110.25")
    assert floor.exchange.orders[stop.id].stop_price == Decimal("108.00")
    floor.quote(MNQ, "109.00", "109.25")
    assert floor.exchange.orders[stop.id].stop_price == Decimal("108.00")
    floor.quote(MNQ, "107.50", "107.75")
    assert floor.size(MNQ) == 0


def test_partial_fills_add_up_to_the_order(make_floor: Any) -> None:
    floor = make_floor(partial_fills=True)
    floor.quote(MNQ, "100.00", "100.25")
    orders = [
        floor.place(MNQ, Side.BUY, 9, type=OrderType.LIMIT, limit_price=Decimal("90.00"))
        for _ in range(20)
    ]
    floor.quote(MNQ, "89.00", "89.25")
    states = {floor.exchange.orders[o.id].status for o in orders}
    assert states == {OrderStatus.OPEN, OrderStatus.FILLED}
    for _ in range(60):
        floor.quote(MNQ, "89.00", "89.25")
    assert floor.size(MNQ) == 180
    assert len(floor.exchange.trades) > 20


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"size": 0}, "size"),
        ({"type": OrderType.LIMIT}, "Limit price is required"),
        ({"type": OrderType.STOP}, "Stop price is required"),
        ({"type": OrderType.LIMIT, "limit_price": Decimal("100.10")}, "tick size"),
        ({"type": OrderType.STOP, "stop_price": Decimal("99.00")}, "above the last price"),
    ],
)
def test_a_bad_order_is_rejected_with_a_real_id_and_status_5(
    floor: Any, terms: dict[str, Any], message: str
) -> None:
    floor.quote(MNQ, "100.00", "100.25")
    size = terms.pop("size", 1)
    with pytest.raises(RefusedError, match=message) as refused:
        floor.place(MNQ, Side.BUY, size, **terms)
    assert refused.value.reason is Reason.ORDER_REJECTED
    assert floor.exchange.orders[refused.value.order_id].status is OrderStatus.REJECTED


def test_a_custom_tag_is_taken_once_per_account(floor: Any) -> None:
    floor.place(MNQ, Side.BUY, 1, custom_tag="mine")
    with pytest.raises(RefusedError, match="already in use"):
        floor.place(MNQ, Side.BUY, 1, custom_tag="mine")


def test_an_account_that_may_not_trade_can_still_close(floor: Any) -> None:
    floor.place(MNQ, Side.BUY, 1)
    floor.exchange.set_can_trade(101, floor.now_ns, can_trade=False)
    with pytest.raises(RefusedError) as refused:
        floor.place(MNQ, Side.BUY, 1)
    assert refused.value.reason is Reason.ACCOUNT_VIOLATION
    floor.close(MNQ)
    assert floor.size(MNQ) == 0


def test_a_platform_block_refuses_closes_and_cancels_too(floor: Any) -> None:
    order = floor.place(MNQ, Side.BUY, 1, type=OrderType.LIMIT, limit_price=Decimal(90))
    floor.place(MNQ, Side.BUY, 1)
    floor.exchange.set_blocked(101, blocked=True)
    for forbidden in (
        lambda: floor.close(MNQ),
        lambda: floor.exchange.cancel(101, order.id, floor.now_ns),
        lambda: floor.place(MNQ, Side.BUY, 1),
    ):
        with pytest.raises(RefusedError) as refused:
            forbidden()
        assert refused.value.reason is Reason.ACCOUNT_REJECTED


def test_nothing_trades_in_a_halt(floor: Any) -> None:
    floor.quote(MNQ, "100.00", "100.25")
    floor.place(MNQ, Side.BUY, 1)
    floor.place(MNQ, Side.SELL, 1, type=OrderType.STOP, stop_price=Decimal("95.00"))
    floor.exchange.set_halted(MNQ, halted=True)
    floor.quote(MNQ, "90.00", "90.25")
    assert floor.size(MNQ) == 1
    with pytest.raises(RefusedError):
        floor.close(MNQ)
    floor.exchange.set_halted(MNQ, halted=False)
    floor.quote(MNQ, "90.00", "90.25")
    assert floor.size(MNQ) == 0


def test_closing_more_than_is_open_is_refused(floor: Any) -> None:
    floor.place(MNQ, Side.BUY, 2)
    with pytest.raises(RefusedError) as refused:
        floor.close(MNQ, 3)
    assert refused.value.reason is Reason.INVALID_SIZE
    floor.close(MNQ, 1)
    assert floor.size(MNQ) == 1


def test_join_orders_rest_at_the_touch(floor: Any) -> None:
    floor.quote(MNQ, "100.00", "100.25")
    bid = floor.place(MNQ, Side.BUY, 1, type=OrderType.JOIN_BID)
    ask = floor.place(MNQ, Side.SELL, 1, type=OrderType.JOIN_ASK)
    assert (bid.limit_price, ask.limit_price) == (Decimal("100.00"), Decimal("100.25"))
    floor.quote(MNQ, "99.00", "99.25")
    assert floor.size(MNQ) == 1


def test_a_short_is_protected_by_a_trailing_buy_stop(floor: Any) -> None:
    floor.quote(MNQ, "100.00", "100.25")
    floor.place(MNQ, Side.SELL, 1)
    floor.place(MNQ, Side.BUY, 1, type=OrderType.TRAILING_STOP, trail_price=Decimal("102.00"))
    floor.quote(MNQ, "90.00", "90.25")
    floor.quote(MNQ, "92.00", "92.25")
    assert floor.size(MNQ) == 0


def test_the_next_orders_can_be_rejected_on_request(floor: Any) -> None:
    floor.exchange.reject_next(1)
    with pytest.raises(RefusedError, match="Order rejected"):
        floor.place(MNQ, Side.BUY, 1)
    floor.place(MNQ, Side.BUY, 1)
    assert floor.size(MNQ) == 1


def test_an_account_that_changes_says_so_in_the_journal(floor: Any) -> None:
    floor.exchange.set_can_trade(101, floor.now_ns, can_trade=False)
    (entry,) = floor.exchange.take_journal()
    assert entry.account.can_trade is False
