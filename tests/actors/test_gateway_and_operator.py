from decimal import Decimal

import pytest

from risk_actors import messages as m
from risk_actors.actors.gateway import GatewayActor
from risk_actors.actors.operator import OPERATOR_SENDS, OperatorInlet
from risk_actors.actors.trader_requests import AnswerKind
from risk_actors.core.commands import CancelOrder, CloseContract, MoveStop
from risk_actors.core.lock import LockSpan
from risk_actors.runtime.clock import VirtualClock
from risk_actors.runtime.control import Pulse, Resync
from tests.actors.facts import MNQ, FakeSession, context_of, say
from tests.conftest import NOON_NS, RecordingOutbox, RecordingOverseer


@pytest.fixture
def session() -> FakeSession:
    return FakeSession()


@pytest.fixture
def gateway(session: FakeSession, clock: VirtualClock, overseer: RecordingOverseer) -> GatewayActor:
    context = context_of("gateway.out", RecordingOutbox(GatewayActor), clock, overseer)
    return GatewayActor(context, session=session, account_ids=(1, 2))


def test_commands_are_handed_to_the_session_as_they_are(
    gateway: GatewayActor, session: FakeSession
) -> None:
    close = CloseContract(id=1, account_id=1, contract_id=MNQ, correlation_id="c", size=2)
    cancel = CancelOrder(id=2, account_id=1, contract_id=MNQ, order_id=7, correlation_id="c")

    move = MoveStop(
        id=3,
        account_id=1,
        contract_id=MNQ,
        order_id=8,
        stop_price=Decimal(19950),
        correlation_id="c",
    )

    gateway.handle(say(m.SendClose, command=close))
    gateway.handle(say(m.SendCancel, command=cancel))
    gateway.handle(say(m.SendMoveStop, command=move))

    assert session.commands == [close, cancel, move]


def test_a_snapshot_is_asked_for_with_the_id_of_its_cause(
    gateway: GatewayActor, session: FakeSession
) -> None:
    gateway.handle(say(m.RequestSnapshot, "event-9", account_id=2, reason="uncertain answer"))

    assert session.snapshots == [(2, "uncertain answer", "event-9")]


def test_when_an_account_was_locked_is_noted_with_the_session(
    gateway: GatewayActor, session: FakeSession
) -> None:
    spans = (LockSpan(None, 5, 9),)

    gateway.handle(say(m.NoteLocks, "event-9", account_id=2, spans=spans))

    assert session.notes == [(2, spans, "event-9")]


def test_after_a_restart_of_anybody_every_account_is_read_anew(
    gateway: GatewayActor, session: FakeSession
) -> None:
    gateway.handle_control(Pulse())
    gateway.handle_control(Resync(address="pnl", reason="pnl was restarted"))

    assert [(account_id, reason) for account_id, reason, _ in session.snapshots] == [
        (1, "pnl was restarted"),
        (2, "pnl was restarted"),
    ]


def test_panic_goes_to_every_account_with_one_correlation_id(
    outbox: RecordingOutbox, clock: VirtualClock
) -> None:
    OperatorInlet(outbox, clock, (1, 2), armed=True).panic()

    requests = outbox.of(m.PanicRequested)
    assert [request.account_id for request in requests] == [1, 2]
    assert len({request.correlation_id for request in requests}) == 1
    assert {request.at_ns for request in requests} == {NOON_NS}
    assert requests[0].evidence.sentence() == "You pressed panic at 18:00:00 UTC"
    assert {type(message) for message in outbox.sent} == {m.PanicRequested} <= OPERATOR_SENDS


def test_panic_can_be_for_one_account(outbox: RecordingOutbox, clock: VirtualClock) -> None:
    OperatorInlet(outbox, clock, (1, 2), armed=True).panic(2)

    assert outbox.only(m.PanicRequested).account_id == 2


def test_panic_for_an_account_nobody_guards_is_refused(
    outbox: RecordingOutbox, clock: VirtualClock
) -> None:
    answer = OperatorInlet(outbox, clock, (1, 2), armed=True).panic(9)

    assert answer == (AnswerKind.UNKNOWN, "account 9 is not guarded")
    assert outbox.sent == []


def test_panic_is_refused_while_nothing_may_be_sent(
    outbox: RecordingOutbox, clock: VirtualClock
) -> None:
    answer = OperatorInlet(outbox, clock, (1, 2), armed=False).panic()

    assert answer.kind is AnswerKind.CONFLICT
    assert answer.sentence.startswith("NOT ARMED: nothing was sent")
    assert not answer.sentence.endswith("."), "whoever shows it ends the sentence"
    assert outbox.sent == []
