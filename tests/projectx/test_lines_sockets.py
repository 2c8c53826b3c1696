"""Both lines over real sockets: each row once, and either line may die."""

import logging
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import line_faults
import pytest
from loguru import logger

from risk_actors.core.commands import Answer, CloseContract
from risk_actors.messages import (
    AccountSnapshot,
    ConnectionChanged,
    FillReported,
    Message,
    OrderReported,
    PayloadRejected,
    PositionReported,
)
from risk_actors.projectx.lines import Line, Verdict
from risk_actors.projectx.settings import GatewaySettings
from risk_actors.simulator.faults import CloseHub, GarbleEvent
from risk_actors.simulator.settings import SimulatorSettings, paper_accounts
from risk_actors.simulator.thread import SimulatorThread

# The SDK leaves its hub sockets to the garbage collector when it disconnects.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
LINES = [Line.A, Line.B]


def verdicts(rig: Any, verdict: Verdict) -> int:
    counts = rig.gateway._service._gate.counts()
    return sum(counts[line][verdict] for line in Line)


def begin(rig: Any, tools: Any) -> Any:
    """Start, and wait until both lines are subscribed and every account is read."""
    rig.start()
    lines = rig.gateway._service._lines
    tools.eventually(lambda: lines.is_up(Line.A) and lines.is_up(Line.B))
    rig.recorder.wait(ConnectionChanged, lambda m: m.user_hub and m.fallback is None)
    for account_id in rig.account_ids:
        rig.recorder.wait(AccountSnapshot, lambda m, i=account_id: m.account.id == i)
    return rig


@pytest.fixture
def pair(make_rig: Callable[..., Any], tools: Any) -> Any:
    """A gateway with both lines up."""
    return begin(make_rig(second_line=True), tools)


def told_once(messages: list[Message]) -> None:
    """No row was told twice, nor a state that was over."""
    fills = Counter(m.fill.id for m in messages if isinstance(m, FillReported))
    # The broker itself sends an opening half-turn again with the close.
    assert max(fills.values()) <= 2
    orders: dict[int, list[Any]] = {}
    for m in messages:
        if isinstance(m, OrderReported):
            orders.setdefault(m.order.id, []).append(m.order)
    for rows in orders.values():
        assert all(a != b and a.updated_ns <= b.updated_ns for a, b in pairwise(rows))


def flatten(rig: Any) -> None:
    """Buy, hear of it, close, and hear that it is flat."""
    mark = rig.recorder.mark()
    rig.buy(2)
    rig.recorder.wait(PositionReported, lambda m: m.position.size == 2, after=mark, within_s=2)
    answer = rig.send(
        CloseContract(id=mark, account_id=101, contract_id=rig.contract_id, correlation_id="x")
    )
    assert answer.outcome.answer is Answer.ACCEPTED
    rig.recorder.wait(PositionReported, lambda m: m.position.size == 0, after=mark, within_s=2)


def test_both_lines_tell_and_each_row_comes_once(pair: Any, tools: Any) -> None:
    mark = pair.recorder.mark()
    for _ in range(5):
        flatten(pair)
    sizes = [m.position.size for m in pair.recorder.of(PositionReported)]
    assert (sizes.count(2), sizes.count(0)) == (5, 5)
    told_once(pair.recorder.messages[mark:])
    told = verdicts(pair, Verdict.NEW)
    tools.eventually(lambda: verdicts(pair, Verdict.COPY) >= told - 10)
    assert verdicts(pair, Verdict.OVERTAKEN) == verdicts(pair, Verdict.NEW_IN_DOUBT) == 0


@pytest.mark.parametrize("line", LINES)
def test_one_line_dies_and_the_other_protects_without_a_gap(
    pair: Any, line: Line, tools: Any
) -> None:
    mark = pair.recorder.mark()
    line_faults.kill(pair.simulator, line)
    flatten(pair)  # nobody waits until the death is noticed
    said = f"line {line.name} is down"
    pair.recorder.wait(ConnectionChanged, lambda m: said in (m.detail or ""), after=mark)
    pair.recorder.wait(
        AccountSnapshot, lambda m: "one line" in m.reason, after=mark
    )  # to be sure that nothing fell between the two
    flatten(pair)
    states = [m for m in pair.recorder.messages[mark:] if isinstance(m, ConnectionChanged)]
    assert all(m.user_hub and m.fallback is None for m in states)
    assert line_faults.count(pair.simulator, line) == 0
    told_once(pair.recorder.messages[mark:])


@pytest.mark.parametrize("line", LINES)
def test_a_line_that_was_cut_comes_back_and_says_so(pair: Any, line: Line, tools: Any) -> None:
    mark = pair.recorder.mark()
    line_faults.cut(pair.simulator, line)
    said = f"line {line.name} is up again"
    pair.recorder.wait(ConnectionChanged, lambda m: said in (m.detail or ""), after=mark)
    flatten(pair)
    told_once(pair.recorder.messages[mark:])


def test_both_down_is_down_and_either_brings_it_up(pair: Any) -> None:
    mark = pair.recorder.mark()
    for line in LINES:
        line_faults.kill(pair.simulator, line)
    pair.recorder.wait(ConnectionChanged, lambda m: not m.user_hub, after=mark)
    again = pair.recorder.mark()
    pair.simulator.call(lambda: delattr(pair.simulator.gateway.user_hub, "_serve"))
    pair.recorder.wait(ConnectionChanged, lambda m: m.user_hub, after=again, within_s=6)
    flatten(pair)


@pytest.mark.parametrize("line", LINES)
def test_a_line_that_is_deaf_alone_is_found_out_and_connected_anew(
    pair: Any, line: Line, tools: Any
) -> None:
    line_faults.deafen(pair.simulator, line)
    mark = pair.recorder.mark()
    flatten(pair)
    said = f"does not tell what line {line.other.name} tells"
    pair.recorder.wait(ConnectionChanged, lambda m: said in (m.detail or ""), after=mark)
    tools.eventually(lambda: pair.gateway._service._lines.is_up(line))
    copies = verdicts(pair, Verdict.COPY)
    flatten(pair)
    tools.eventually(lambda: verdicts(pair, Verdict.COPY) >= copies + 4)


def test_a_close_with_an_error_costs_neither_line_for_long(pair: Any, tools: Any) -> None:
    lines = pair.gateway._service._lines
    sockets = {line: set(line_faults.sockets(pair.simulator, line)) for line in LINES}
    pair.simulator.inject(CloseHub(hub="user"))
    for line in LINES:
        tools.eventually(
            lambda line=line: set(line_faults.sockets(pair.simulator, line)) - sockets[line],
            within_s=5,
        )
    tools.eventually(lambda: all(map(lines.is_up, LINES)))
    flatten(pair)


def test_what_makes_no_sense_is_told_once(pair: Any, tools: Any) -> None:
    mark = pair.recorder.mark()
    pair.simulator.inject(GarbleEvent(target="GatewayUserPosition", how="wrong_types"))
    pair.buy(1)
    pair.recorder.wait(PayloadRejected, after=mark)
    pair.recorder.wait(AccountSnapshot, lambda m: "not understood" in m.reason, after=mark)
    tools.eventually(lambda: verdicts(pair, Verdict.COPY) >= 3)
    assert len(pair.recorder.of(PayloadRejected)) == 1


def test_a_renewed_token_is_taken_by_line_b_while_a_holds(
    make_rig: Callable[..., Any], tools: Any
) -> None:
    with SimulatorThread(SimulatorSettings(token_lifetime_s=3.0)) as simulator:
        pair = begin(make_rig(GatewaySettings(), on=simulator, second_line=True), tools)
        mark = pair.recorder.mark()
        second = pair.gateway._service._second
        tools.eventually(lambda: second.thread.attempts >= 2, within_s=15)
        tools.eventually(lambda: pair.gateway._service._lines.is_up(Line.B))
        flatten(pair)
        states = [m for m in pair.recorder.messages[mark:] if isinstance(m, ConnectionChanged)]
        assert all(m.user_hub for m in states)
        pair.gateway.stop()


@pytest.mark.parametrize("status", [401, 403, 404, 503])
def test_line_b_that_is_refused_for_ever_neither_storms_nor_hurts_line_a(
    simulator: SimulatorThread, make_rig: Callable[..., Any], tools: Any, status: int
) -> None:
    came = line_faults.refuse(simulator, Line.B, status)
    pair = make_rig(second_line=True)
    pair.start()
    pair.recorder.wait(ConnectionChanged, lambda m: m.user_hub and m.fallback is None)
    logins = len(simulator.requests("Auth/loginKey"))
    mark = pair.recorder.mark()
    tools.eventually(lambda: len(came) >= 4)
    flatten(pair)
    gaps = [after - before for before, after in pairwise(came)]
    assert all(gap > least for gap, least in zip(gaps, (0.1, 0.2, 0.4, 0.9), strict=False))
    assert len(simulator.requests("Auth/loginKey")) <= logins + 1
    states = [m for m in pair.recorder.messages[mark:] if isinstance(m, ConnectionChanged)]
    assert all(m.user_hub for m in states)


def test_no_log_of_line_b_shows_the_token(pair: Any, caplog: pytest.LogCaptureFixture) -> None:
    lines: list[str] = []
    sink = logger.add(lambda message: lines.append(str(message)), level=0)
    token = pair.gateway._service._session.token
    try:
        with caplog.at_level(logging.DEBUG):
            mark = pair.recorder.mark()
            line_faults.kill(pair.simulator, Line.B, 401)
            pair.recorder.wait(
                ConnectionChanged, lambda m: "line B is down" in (m.detail or ""), after=mark
            )
    finally:
        logger.remove(sink)
    assert lines
    assert not [line for line in (*lines, *caplog.messages) if token in line]


def test_accounts_of_two_are_read_by_both_lines(make_rig: Callable[..., Any], tools: Any) -> None:
    with SimulatorThread(SimulatorSettings(accounts=paper_accounts(3))) as simulator:
        pair = begin(make_rig(on=simulator, second_line=True), tools)
        line_faults.kill(simulator, Line.A)
        for account_id in (101, 103):
            mark = pair.recorder.mark()
            pair.buy(account_id=account_id)
            pair.recorder.wait(
                PositionReported, lambda m, i=account_id: m.position.account_id == i, after=mark
            )
        pair.gateway.stop()
