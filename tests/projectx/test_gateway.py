"""The gateway before it runs, after it ended, and where nobody answers its login."""

import socket
from collections.abc import Iterator

import pytest
from loguru import logger

from risk_actors.core.commands import CloseContract
from risk_actors.core.market_calendar import MarketCalendar
from risk_actors.messages import NoteLocks, RequestBars
from risk_actors.projectx import gateway as gateway_module
from risk_actors.projectx.errors import LoginFailed
from risk_actors.projectx.gateway import ProjectXGateway
from risk_actors.projectx.settings import Credentials, GatewayEndpoints, GatewaySettings
from risk_actors.simulator.thread import SimulatorThread
from tests.projectx.conftest import WEEK_NS, Recorder, SystemClock, make_gateway

CLOSE = CloseContract(id=7, account_id=101, contract_id="CON.F.US.MNQ.Z26", correlation_id="c-7")


@pytest.fixture
def errors() -> Iterator[list[str]]:
    lines: list[str] = []
    sink = logger.add(lambda message: lines.append(message.record["message"]), level="ERROR")
    yield lines
    logger.remove(sink)


def test_once_ended_it_says_what_is_not_sent_and_asks_nothing(
    simulator: SimulatorThread, errors: list[str]
) -> None:
    recorder = Recorder()
    gateway = make_gateway(simulator, GatewaySettings())
    (account, *_) = gateway.connect()
    with pytest.raises(ValueError, match="at least one account"):
        gateway.start(recorder, ())
    gateway.start(recorder, (account.id,))
    assert gateway.ping(lambda: None)
    gateway.stop()
    told = recorder.mark()

    with pytest.raises(RuntimeError, match=r"connect\(\) comes before start\(\)"):
        gateway.start(recorder, (account.id,))
    gateway.submit(CLOSE)
    gateway.request_snapshot(account.id, "a look", "c-8")
    gateway.request_bars(
        RequestBars(
            correlation_id="c-9",
            at_ns=1,
            account_id=account.id,
            contract_id=CLOSE.contract_id,
            since_ns=1,
            until_ns=2,
        )
    )
    gateway.note_locks(NoteLocks(correlation_id="c-10", at_ns=1, account_id=account.id, spans=()))
    gateway.follow_market(MarketCalendar(), WEEK_NS)
    gateway.resume("new listeners")
    gateway.stop()

    assert errors == ["Command 7 was not sent: the gateway is not running"]
    assert not gateway.ping(lambda: None)
    assert (gateway.has_room, gateway.budget_state()) == (False, None)
    assert gateway.quotes_told() == (0, None)
    assert recorder.mark() == told


def test_a_command_on_its_way_while_the_gateway_ends_is_told(
    simulator: SimulatorThread, errors: list[str]
) -> None:
    gateway = make_gateway(simulator, GatewaySettings())
    gateway.connect()
    service = gateway._service
    gateway.stop()
    # Who submits has looked already, and goes on only now.
    gateway._service = service
    gateway.submit(CLOSE)
    gateway._service = None

    assert errors == ["Command 7 was not sent: the gateway is not running"]


def test_a_login_that_nobody_answers_ends_with_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = GatewaySettings()
    monkeypatch.setattr(gateway_module, "_CONNECT_GRACE_S", 0.2 - settings.login_timeout_s)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}"
        gateway = ProjectXGateway(
            settings,
            Credentials(username="me", api_key=""),
            GatewayEndpoints(api_url=url, user_hub_url=url, market_hub_url=url),
            SystemClock(),
            lambda now_ns: now_ns - WEEK_NS,
        )
        with pytest.raises(LoginFailed, match="did not answer the login in time"):
            gateway.connect()

    assert not gateway.ping(lambda: None)
