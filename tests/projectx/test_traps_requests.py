"""Traps of the reference's sections 1 and 3.1 to 3.3: what becomes of a request."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from plain_trader import PlainTrader, revoke_all
from project_x_py.exceptions import (
    OrderSubmissionUncertainError,
    ProjectXAuthenticationError,
)
from project_x_py.utils import handle_rate_limit

from risk_actors.core.commands import Answer, CloseContract
from risk_actors.messages import AccountSnapshot, SnapshotFailed
from risk_actors.projectx.budget import Urgency
from risk_actors.projectx.lane import EnforcementLane
from risk_actors.projectx.session import Session
from risk_actors.projectx.settings import GatewaySettings
from risk_actors.simulator.faults import Fault
from risk_actors.simulator.thread import SimulatorThread

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

CLOSE = "Position/closeContract"
READ = "Position/searchOpen"
AT_ONCE_S = 1.0


@pytest.fixture
def plain(simulator: SimulatorThread) -> Iterator[PlainTrader]:
    """A script that only sends requests."""
    with PlainTrader(simulator) as trader:
        yield trader


def close(rig: Any, command_id: int = 1) -> CloseContract:
    return CloseContract(
        id=command_id, account_id=101, contract_id=rig.contract_id, correlation_id="x"
    )


def use_up_the_reads_budget(rig: Any, tools: Any) -> None:
    """Have more asked for than the minute allows, and wait until reads stand in line."""
    for number in range(40):
        rig.gateway.request_snapshot(101, "more", f"more-{number}")
        rig.gateway.request_snapshot(102, "more", f"more-{number}")
    budget = rig.gateway._service._budget
    reader = rig.gateway._service._reader
    tools.eventually(lambda: budget.room == 0 and reader.waiting)


def test_3_1_a_flatten_waits_behind_reads_in_the_sdk_and_cancelling_it_says_it_may_be_sent(
    simulator: SimulatorThread, plain: PlainTrader
) -> None:
    body = {"accountId": 101}
    while plain.sdk.api_call_count < plain.config.requests_per_minute:
        plain.post(f"/{READ}", **body)

    flatten = plain.begin(
        plain.sdk._make_request(
            "POST", f"/{CLOSE}", data=body | {"contractId": simulator.contract_id("MNQ")}
        )
    )
    with pytest.raises(TimeoutError):
        flatten.result(AT_ONCE_S)
    assert simulator.requests(CLOSE) == []

    # 3.2: the CancelledError is eaten, and "uncertain" is said of what never left.
    task = plain.do(running("_make_request"))
    task.get_loop().call_soon_threadsafe(task.cancel)
    assert isinstance(flatten.exception(5), OrderSubmissionUncertainError)
    assert simulator.requests(CLOSE) == []


async def running(name: str) -> Any:
    """Return the task that runs a coroutine of that name."""
    return next(task for task in asyncio.all_tasks() if name in str(task.get_coro()))


def test_3_1_our_flatten_leaves_at_once_while_reads_stand_in_line(
    make_rig: Callable[..., Any], tools: Any
) -> None:
    rig = make_rig(GatewaySettings(requests_per_minute=30))
    rig.start()
    use_up_the_reads_budget(rig, tools)

    for command_id in range(1, 5):
        assert rig.send(close(rig, command_id), within_s=AT_ONCE_S).outcome.answer is Answer.GONE


def test_3_1_through_the_sdk_our_flatten_would_stand_in_line_as_well(
    make_rig: Callable[..., Any], tools: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = EnforcementLane.send

    async def as_a_read(self: Any, command: Any) -> Any:
        async with rig.gateway._service._reader._queue.turn(Urgency.NORMAL):
            return await send(self, command)

    monkeypatch.setattr(EnforcementLane, "send", as_a_read)
    monkeypatch.setattr(EnforcementLane, "send_at_once", lambda _self, _command: None)
    rig = make_rig(GatewaySettings(requests_per_minute=30))
    rig.start()
    use_up_the_reads_budget(rig, tools)

    with pytest.raises(AssertionError):
        rig.send(close(rig), within_s=AT_ONCE_S)
    assert rig.simulator.requests(CLOSE) == []


def test_3_1_a_429_puts_the_sdks_reads_to_sleep_for_a_minute(
    simulator: SimulatorThread, plain: PlainTrader
) -> None:
    """Ours: `test_stream.py::test_a_busy_broker_does_not_stop_snapshots_for_a_minute`."""
    simulator.inject(Fault(kind="status", status=429, endpoint=READ))
    reading = plain.begin(plain.sdk.search_open_positions())

    with pytest.raises(TimeoutError):
        reading.result(AT_ONCE_S)
    assert [record.status for record in simulator.requests(READ)] == [429]
    # The broker has long been answering everybody else.
    assert plain.do(plain.sdk.search_trades()) == []
    reading.cancel()


def test_3_1_with_the_sdks_way_of_waiting_our_snapshots_would_sleep_as_well(
    rig: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = rig.gateway._service._session.client
    sleeping = handle_rate_limit()(client._execute_http_request)
    monkeypatch.setattr(client, "_execute_http_request", sleeping)
    mark = rig.recorder.mark()
    rig.simulator.inject(Fault(kind="status", status=429, endpoint="Trade/search"))
    rig.gateway.request_snapshot(101, "look", "corr-1")

    with pytest.raises(AssertionError):
        rig.recorder.wait(AccountSnapshot, after=mark, within_s=3)


def test_3_1_one_429_after_a_busy_time_costs_seconds_and_not_the_rest_of_the_minute(
    rig: Any,
) -> None:
    for number in range(8):
        rig.gateway.request_snapshot(101, "more", f"more-{number}")
        rig.recorder.wait(AccountSnapshot, lambda m, n=number: m.correlation_id == f"more-{n}")
    rig.simulator.inject(Fault(kind="status", status=429, endpoint=READ))
    rig.gateway.request_snapshot(101, "look", "corr-1")

    rig.recorder.wait(AccountSnapshot, lambda m: m.correlation_id == "corr-1", within_s=8)


@pytest.mark.parametrize("endpoint", ["Auth/loginKey", "Account/search"])
def test_3_1_a_429_while_we_log_in_again_costs_seconds_and_not_a_minute(
    rig: Any, tools: Any, endpoint: str
) -> None:
    session = rig.gateway._service._session
    old = session.token
    revoke_all(rig.simulator)
    rig.simulator.inject(Fault(kind="status", status=429, endpoint=endpoint))
    rig.gateway.request_snapshot(101, "look", "corr-1")

    tools.eventually(lambda: session.token != old, within_s=4)


UNCERTAIN = [
    Fault(kind="status", status=401, endpoint=CLOSE),
    Fault(kind="status", status=429, endpoint=CLOSE),
    Fault(kind="status", status=503, endpoint=CLOSE),
    Fault(kind="status", status=503, endpoint=CLOSE, execute=True),
    Fault(kind="drop", endpoint=CLOSE, execute=True),
]


def test_3_2_one_word_for_not_done_and_for_perhaps_done(
    simulator: SimulatorThread, plain: PlainTrader
) -> None:
    for fault in UNCERTAIN:
        simulator.inject(fault)
        with pytest.raises(OrderSubmissionUncertainError):
            plain.post(f"/{CLOSE}", accountId=101, contractId=simulator.contract_id("MNQ"))


@pytest.mark.parametrize("fault", UNCERTAIN, ids=["401", "429", "503", "503-done", "cut-done"])
def test_3_2_ours_tells_what_certainly_did_not_happen_from_what_perhaps_did(
    rig: Any, fault: Fault
) -> None:
    rig.simulator.inject(fault)
    outcome = rig.send(close(rig)).outcome

    assert outcome.answer is Answer.UNCERTAIN
    assert outcome.is_undone is (fault.status in (401, 429))
    assert len(rig.simulator.requests(CLOSE)) == 1


def test_3_3_after_a_401_the_sdk_never_logs_in_again(
    simulator: SimulatorThread, plain: PlainTrader
) -> None:
    """Ours: `test_lane.py::test_a_read_with_a_dead_token_logs_in_again_and_succeeds`."""
    logins = len(simulator.requests("Auth/loginKey"))
    revoke_all(simulator)

    for _ in range(2):
        with pytest.raises(ProjectXAuthenticationError):
            plain.post(f"/{READ}", accountId=101)
    with pytest.raises(OrderSubmissionUncertainError):
        plain.post(f"/{CLOSE}", accountId=101, contractId=simulator.contract_id("MNQ"))
    assert len(simulator.requests("Auth/loginKey")) == logins


def test_3_3_without_our_own_login_our_reads_would_stay_refused(
    rig: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Session, "relogin_soon", lambda _self, _token: None)
    mark = rig.recorder.mark()
    revoke_all(rig.simulator)
    for _ in range(2):
        rig.gateway.request_snapshot(101, "look", "corr-1")
        rig.recorder.wait(SnapshotFailed, after=mark)
        mark = rig.recorder.mark()
    assert {record.status for record in rig.simulator.requests(READ)[-2:]} == {401}


def test_1_a_locked_account_vanishes_from_the_sdks_list_and_not_from_ours(
    rig: Any, plain: PlainTrader
) -> None:
    rig.simulator.set_can_trade(101, can_trade=False)
    rig.gateway.request_snapshot(101, "look", "corr-1")
    snapshot = rig.recorder.wait(AccountSnapshot, lambda m: m.correlation_id == "corr-1")

    assert [account.id for account in plain.do(plain.sdk.list_accounts())] == [102]
    assert (snapshot.account.can_trade, snapshot.account_read) == (False, True)


def test_1_a_refused_list_of_accounts_is_an_empty_one_to_the_sdk_and_a_failure_to_us(
    rig: Any, plain: PlainTrader
) -> None:
    rig.simulator.inject(Fault(kind="refuse", endpoint="Account/search", error_code=1))
    assert plain.do(plain.sdk.list_accounts()) == []

    rig.simulator.inject(Fault(kind="refuse", endpoint="Account/search", error_code=1))
    rig.gateway.request_snapshot(101, "look", "corr-1")
    snapshot = rig.recorder.wait(AccountSnapshot, lambda m: m.correlation_id == "corr-1")
    assert not snapshot.account_read
