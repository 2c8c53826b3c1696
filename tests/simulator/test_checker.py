"""The checker sees what breaks I1 and I2, and nothing else."""

from decimal import Decimal
from typing import Any

from risk_actors.simulator import OrderType, Side, checker
from risk_actors.simulator.history import RequestRecord, StreamRecord

MNQ = "CON.F.US.MNQ.Z26"


def close_request(seq: int, arrived_ns: int, **outcome: Any) -> RequestRecord:
    fields = {"status": 200, "success": True, "executed": True, "order_id": 9000 + seq} | outcome
    return RequestRecord(
        seq=seq,
        arrived_ns=arrived_ns,
        answered_ns=arrived_ns + 1,
        endpoint="Position/closeContract",
        body={"accountId": 101, "contractId": MNQ},
        **fields,
    )


def snapshot(seq: int, arrived_ns: int) -> RequestRecord:
    return RequestRecord(
        seq=seq, arrived_ns=arrived_ns, endpoint="Position/searchOpen", body={"accountId": 101}
    )


def effect(sent_ns: int, order_id: int, **data: Any) -> StreamRecord:
    """Return the last row of an order: status 2 unless told."""
    data = {"status": 2} | data
    return StreamRecord(
        sent_ns=sent_ns,
        hub="user",
        target="GatewayUserOrder",
        data={"action": 0, "data": data},
        order_id=order_id,
    )


def invariants(found: list[checker.Violation]) -> list[str]:
    return [violation.invariant for violation in found]


def test_i1_a_placed_order_is_a_violation_even_when_refused() -> None:
    placed = RequestRecord(seq=1, arrived_ns=0, endpoint="Order/place", body={})
    assert invariants(checker.check([], [placed], [])) == ["I1"]


def test_i1_a_client_fill_that_opens_is_a_violation_and_a_close_is_none(floor: Any) -> None:
    floor.place(MNQ, Side.BUY, 2)
    floor.exchange.close(101, MNQ, floor.now_ns, source="client")
    assert checker.check(floor.exchange.take_journal(), [], []) == []
    floor.place(MNQ, Side.SELL, 1, source="client")
    assert invariants(checker.check(floor.exchange.take_journal(), [], [])) == ["I1"]


def test_i1_a_client_fill_that_reverses_is_a_violation(floor: Any) -> None:
    floor.place(MNQ, Side.BUY, 2)
    floor.place(MNQ, Side.SELL, 3, source="client")
    assert "I1" in invariants(checker.check(floor.exchange.take_journal(), [], []))


def test_i1_a_stop_may_move_toward_less_risk_only(floor: Any) -> None:
    floor.quote(MNQ, "100.00", "100.25")
    stop = floor.place(MNQ, Side.SELL, 1, type=OrderType.STOP, stop_price=Decimal(90))

    def move(price: int) -> list[str]:
        floor.exchange.take_journal()
        floor.exchange.modify(101, stop.id, floor.now_ns, stop_price=Decimal(price), by="client")
        return invariants(checker.check(floor.exchange.take_journal(), [], []))

    assert move(95) == []
    assert move(94) == ["I1"]


def test_i1_a_buy_stop_mirrors_a_sell_stop_and_nobody_else_is_judged(floor: Any) -> None:
    floor.quote(MNQ, "100.00", "100.25")
    stop = floor.place(MNQ, Side.BUY, 1, type=OrderType.STOP, stop_price=Decimal(110))

    def move(price: int, by: str = "client") -> list[str]:
        floor.exchange.take_journal()
        floor.exchange.modify(101, stop.id, floor.now_ns, stop_price=Decimal(price), by=by)
        return invariants(checker.check(floor.exchange.take_journal(), [], []))

    assert move(105) == []
    assert move(106) == ["I1"]
    assert move(112, by="trader") == []


def test_i1_only_the_price_of_a_stop_may_be_changed(floor: Any) -> None:
    floor.quote(MNQ, "100.00", "100.25")
    stop = floor.place(MNQ, Side.SELL, 1, type=OrderType.STOP, stop_price=Decimal(90))
    target = floor.place(MNQ, Side.SELL, 1, type=OrderType.LIMIT, limit_price=Decimal(110))
    floor.exchange.take_journal()
    now_ns, change = floor.now_ns, floor.exchange.modify

    change(101, stop.id, now_ns, size=2, stop_price=Decimal(95), by="client")
    change(101, target.id, now_ns, limit_price=Decimal(109), by="client")

    assert invariants(checker.check(floor.exchange.take_journal(), [], [])) == ["I1", "I1"]


def test_i2_a_second_close_before_the_effect_is_a_violation() -> None:
    first, second = close_request(1, 100), close_request(2, 200)
    assert invariants(checker.check([], [first, second], [effect(300, 9001)])) == ["I2"]
    assert checker.check([], [first, second], [effect(150, 9001)]) == []


def test_i2_another_orders_fill_is_no_effect_of_the_close() -> None:
    first, second = close_request(1, 100), close_request(2, 200)
    assert invariants(checker.check([], [first, second], [effect(150, 8000)])) == ["I2"]


def test_i2_a_pending_order_event_is_no_effect_yet() -> None:
    first, second = close_request(1, 100), close_request(2, 200)
    assert invariants(checker.check([], [first, second], [effect(150, 9001, status=6)])) == ["I2"]


def test_i2_a_later_snapshot_or_a_refusal_settles_a_close() -> None:
    first, second = close_request(1, 100), close_request(3, 200)
    assert checker.check([], [first, snapshot(2, 150), second], []) == []
    refused = close_request(1, 100, success=False, executed=False, order_id=None)
    assert checker.check([], [refused, second], []) == []
    unauthorised = close_request(1, 100, status=401, success=None, executed=False, order_id=None)
    assert checker.check([], [unauthorised, second], []) == []


def test_i2_an_uncertain_answer_settles_nothing() -> None:
    lost = close_request(1, 100, status=500, success=None, executed=True)
    second = close_request(2, 200)
    assert invariants(checker.check([], [lost, second], [])) == ["I2"]


def test_i2_closes_of_two_contracts_do_not_meet() -> None:
    first, second = close_request(1, 100), close_request(2, 101)
    second.body["contractId"] = "CON.F.US.EP.Z26"
    assert checker.check([], [first, second], []) == []


def test_i2_a_close_partly_filled_is_still_outstanding() -> None:
    """The rest of it works on; a second close beside it could reverse the position."""
    first, second = close_request(1, 100), close_request(2, 200)
    assert invariants(checker.check([], [first, second], [effect(150, 9001, status=1)])) == ["I2"]


def test_i2_a_flat_contract_settles_its_close() -> None:
    first, second = close_request(1, 100), close_request(2, 200)
    flat = StreamRecord(
        sent_ns=150,
        hub="user",
        target="GatewayUserPosition",
        data={"action": 2, "data": {"size": 0}},
        account_id=101,
        contract_id="CON.F.US.MNQ.Z26",
    )
    assert checker.check([], [first, second], [flat]) == []
