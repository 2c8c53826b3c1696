"""Commands over real sockets: sent at once, answered once."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from risk_actors.core.commands import Answer, CancelOrder, CloseContract, MoveStop
from risk_actors.messages import (
    AccountSnapshot,
    CommandAnswered,
    OrderReported,
    PositionReported,
)
from risk_actors.projectx.codes import MEANINGS
from risk_actors.projectx.settings import GatewaySettings
from risk_actors.simulator import checker
from risk_actors.simulator.faults import Fault
from risk_actors.simulator.records import OrderType, Side, Ticket

CLOSE = "Position/closeContract"


def close(rig: Any, command_id: int = 1, size: int | None = None) -> CloseContract:
    return CloseContract(
        id=command_id,
        account_id=101,
        contract_id=rig.contract_id,
        correlation_id=f"corr-{command_id}",
        size=size,
    )


def test_a_position_is_reduced_then_closed_then_gone(rig: Any) -> None:
    rig.buy(3)
    rig.recorder.wait(PositionReported, lambda m: m.position.size == 3)
    part = rig.send(close(rig, 1, size=1))
    assert (part.outcome.answer, part.correlation_id) == (Answer.ACCEPTED, "corr-1")
    assert part.sent_ns <= part.at_ns
    rig.recorder.wait(PositionReported, lambda m: m.position.size == 2)
    assert rig.send(close(rig, 2)).outcome.answer is Answer.ACCEPTED
    rig.recorder.wait(PositionReported, lambda m: m.position.size == 0)
    gone = rig.send(close(rig, 3)).outcome
    assert (gone.answer, gone.error_code) == (Answer.GONE, 2)


def test_an_order_is_cancelled_then_gone(rig: Any) -> None:
    order = rig.simulator.place(
        Ticket(
            account_id=101,
            contract_id=rig.contract_id,
            side=Side.BUY,
            size=1,
            type=OrderType.LIMIT,
            limit_price=Decimal(10),
        )
    )
    for command_id, answer in ((1, Answer.ACCEPTED), (2, Answer.GONE)):
        command = CancelOrder(
            id=command_id,
            account_id=101,
            contract_id=rig.contract_id,
            order_id=order.id,
            correlation_id="x",
        )
        assert rig.send(command).outcome.answer is answer


def working_stop(rig: Any, ticks_away: int) -> Any:
    """Return the trader's stop, so many ticks below the market; prices stand still from now on."""
    rig.simulator.let_prices_move(move=False)
    rig.simulator.set_price(rig.contract_id, 20000, "20000.25", 20000)
    rig.buy(1)
    return rig.simulator.place(
        Ticket(
            account_id=101,
            contract_id=rig.contract_id,
            side=Side.SELL,
            size=1,
            type=OrderType.STOP,
            stop_price=Decimal(20000) - ticks_away * Decimal("0.25"),
        )
    )


def move(rig: Any, order_id: int, stop_price: str, command_id: int = 1) -> MoveStop:
    return MoveStop(
        id=command_id,
        account_id=101,
        contract_id=rig.contract_id,
        order_id=order_id,
        stop_price=Decimal(stop_price),
        correlation_id=f"corr-{command_id}",
    )


def test_a_stop_is_moved_and_its_row_comes_back_with_the_price(rig: Any) -> None:
    stop = working_stop(rig, ticks_away=40)
    rig.recorder.wait(OrderReported, lambda m: m.order.stop_price == Decimal(19990))

    answered = rig.send(move(rig, stop.id, "19995.25"))

    assert (answered.outcome.answer, answered.correlation_id) == (Answer.ACCEPTED, "corr-1")
    row = rig.recorder.wait(OrderReported, lambda m: m.order.stop_price == Decimal("19995.25"))
    assert (row.order.id, row.order.type, row.order.size) == (stop.id, OrderType.STOP, 1)
    (request,) = rig.simulator.requests("Order/modify")
    assert request.body == {"accountId": 101, "orderId": stop.id, "stopPrice": 19995.25}
    journal = rig.simulator.journal()
    assert checker.check(journal, rig.simulator.requests(), []) == []


def test_a_stop_that_the_market_has_passed_is_refused_and_one_that_is_gone_is_gone(
    rig: Any,
) -> None:
    stop = working_stop(rig, ticks_away=40)

    passed = rig.send(move(rig, stop.id, "20001")).outcome
    rig.simulator.cancel(101, stop.id)
    gone = rig.send(move(rig, stop.id, "19995", command_id=2)).outcome

    assert (passed.answer, passed.error_code) == (Answer.REFUSED, 3)
    assert (gone.answer, gone.error_code) == (Answer.GONE, 2)


def test_a_move_gives_way_to_closes_when_the_budget_is_nearly_used_up(
    make_rig: Callable[..., Any],
) -> None:
    rig = make_rig(GatewaySettings(requests_per_minute=10))
    rig.start()

    outcomes = [rig.send(move(rig, 1, "19995", n)).outcome for n in range(1, 11)]
    closed = rig.send(close(rig, 20), within_s=2).outcome

    reached = len(rig.simulator.requests("Order/modify"))
    assert reached < 10
    assert [o.answer for o in outcomes[:reached]] == [Answer.GONE] * reached
    assert {o.answer for o in outcomes[reached:]} == {Answer.REFUSED}
    assert "kept for closes" in str(outcomes[-1].detail)
    assert closed.answer is Answer.GONE


@pytest.mark.parametrize("code", sorted(MEANINGS["/Position/closeContract"]))
def test_every_code_is_passed_on_with_its_meaning(rig: Any, code: int) -> None:
    rig.simulator.inject(Fault(kind="refuse", endpoint=CLOSE, error_code=code))
    outcome = rig.send(close(rig)).outcome
    meaning = MEANINGS["/Position/closeContract"][code]
    assert (outcome.answer, outcome.error_code) == (meaning.answer, code)
    assert outcome.detail == meaning.words


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="status", status=500, endpoint=CLOSE),
        Fault(kind="status", status=429, endpoint=CLOSE),
        Fault(kind="drop", endpoint=CLOSE),
        Fault(kind="hang", endpoint=CLOSE),
    ],
    ids=["500", "429", "broken", "silent"],
)
def test_no_proper_answer_is_uncertain_and_never_repeated(
    make_rig: Callable[..., Any], fault: Fault
) -> None:
    rig = make_rig(GatewaySettings(command_timeout_s=0.5))
    rig.start()
    rig.simulator.inject(fault)
    assert rig.send(close(rig), within_s=3).outcome.answer is Answer.UNCERTAIN
    assert len(rig.simulator.requests(CLOSE)) == 1
    assert rig.send(close(rig, 2)).outcome.answer is Answer.GONE


def test_401_is_uncertain_and_gets_a_new_token(rig: Any, tools: Any) -> None:
    logins = len(rig.simulator.requests("Auth/loginKey"))
    revoke_all(rig)
    assert rig.send(close(rig)).outcome.answer is Answer.UNCERTAIN
    tools.eventually(lambda: len(rig.simulator.requests("Auth/loginKey")) > logins)
    tools.eventually(lambda: rig.simulator.requests("Account/search")[-1].status == 200)
    rig.gateway.request_snapshot(101, "after", "corr-9")
    rig.recorder.wait(AccountSnapshot, lambda m: m.correlation_id == "corr-9")
    assert rig.send(close(rig, 2)).outcome.answer is Answer.GONE


def test_a_read_with_a_dead_token_logs_in_again_and_succeeds(rig: Any) -> None:
    revoke_all(rig)
    rig.gateway.request_snapshot(101, "after", "corr-9")
    rig.recorder.wait(AccountSnapshot, lambda m: m.correlation_id == "corr-9")


def test_commands_go_out_although_the_reads_are_waiting_for_the_budget(
    make_rig: Callable[..., Any], tools: Any
) -> None:
    rig = make_rig(GatewaySettings(requests_per_minute=30))
    rig.start()
    for number in range(40):
        rig.gateway.request_snapshot(101, "more", f"more-{number}")
        rig.gateway.request_snapshot(102, "more", f"more-{number}")
    reads = ("Trade/search", "Position/searchOpen", "Order/searchOpen", "Order/v2/query")
    tools.eventually(lambda: sum(len(rig.simulator.requests(read)) for read in reads) >= 15)
    assert rig.send(close(rig), within_s=1).outcome.answer is Answer.GONE


def test_commands_go_together(rig: Any) -> None:
    rig.simulator.inject(Fault(kind="delay", endpoint=CLOSE, delay_s=1.0, times=8))
    for command_id in range(1, 9):
        rig.gateway.submit(close(rig, command_id))
    answers = [
        rig.recorder.wait(CommandAnswered, lambda m, n=n: m.outcome.command_id == n, within_s=3)
        for n in range(1, 9)
    ]
    assert max(m.at_ns for m in answers) - min(m.sent_ns for m in answers) < 2_000_000_000


def revoke_all(rig: Any) -> None:
    """End every session there is, as a broker's restart does."""
    mint = rig.simulator.gateway._mint
    records = rig.simulator.requests()
    tokens = {record.token_id for record in records if record.token_id}
    rig.simulator.call(lambda: [mint.revoke(token) for token in tokens])


def test_a_login_that_fails_at_first_is_tried_until_it_works(rig: Any) -> None:
    rig.simulator.inject(Fault(kind="status", status=503, endpoint="Auth/loginKey", times=5))
    revoke_all(rig)
    rig.gateway.request_snapshot(101, "after", "corr-9")
    rig.recorder.wait(AccountSnapshot, lambda m: m.correlation_id == "corr-9", within_s=20)
