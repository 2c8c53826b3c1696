"""Our clock is set by the broker's at the login, and kept by every answer after it."""

import asyncio
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest

from risk_actors.core.commands import CloseContract
from risk_actors.projectx.gateway import ProjectXGateway
from risk_actors.projectx.settings import Credentials, GatewayEndpoints, GatewaySettings
from risk_actors.projectx.time_desk import TimeDesk
from risk_actors.runtime.clock import SystemClock, read
from risk_actors.simulator.thread import SimulatorThread

S = 1_000_000_000
H = 3_600 * S
NOON = 1_794_931_200 * S


class Pc:
    """A PC whose clock is wrong by so much, or is set."""

    def __init__(self, ahead_ns: int = 0) -> None:
        self.ahead_ns = ahead_ns
        self.clock = SystemClock(lambda: time.time_ns() + self.ahead_ns)

    def gateway(self, simulator: SimulatorThread) -> ProjectXGateway:
        return ProjectXGateway(
            GatewaySettings(),
            Credentials(username="sim-trader", api_key="sim-api-key"),
            GatewayEndpoints(
                api_url=simulator.api_url,
                user_hub_url=simulator.user_hub_url,
                market_hub_url=simulator.market_hub_url,
            ),
            self.clock,
            lambda now_ns: now_ns - 7 * 24 * H,
        )


@pytest.mark.parametrize("ahead_ns", [24 * H, 300 * S, -300 * S, -24 * H])
def test_a_login_sets_a_clock_that_is_wrong(simulator: SimulatorThread, ahead_ns: int) -> None:
    pc = Pc(ahead_ns)
    gateway = pc.gateway(simulator)

    gateway.connect()
    late_ns = simulator.gateway.clock() - pc.clock.now_ns()
    gateway.stop()

    # Never ahead, and exact to the pause between the answers.
    assert -S // 10 < late_ns < S // 2
    assert read(pc.clock).is_referenced


def test_a_login_leaves_a_clock_alone_that_is_about_right(simulator: SimulatorThread) -> None:
    pc = Pc(S)
    gateway = pc.gateway(simulator)

    gateway.connect()
    gateway.stop()

    assert abs(pc.clock.now_ns() - time.time_ns() - S) < S // 10
    assert len(simulator.requests("Status/ping")) <= 3


def test_a_clock_that_is_set_while_it_runs_is_not_followed_and_the_broker_is_asked_at_once(
    simulator: SimulatorThread, tools: Any
) -> None:
    pc = Pc()
    gateway = pc.gateway(simulator)
    gateway.connect()
    tools.eventually(lambda: len(simulator.requests("Status/ping")) >= 3)
    asked = len(simulator.requests("Status/ping"))

    pc.ahead_ns = 24 * H
    tools.eventually(lambda: len(simulator.requests("Status/ping")) > asked)
    tools.eventually(lambda: not pc.clock.wants_reference)
    wrong_ns = abs(pc.clock.now_ns() - time.time_ns())
    gateway.stop()

    assert wrong_ns < 3 * S


def test_a_clock_that_stood_still_in_a_sleep_follows_the_broker_once_it_is_confirmed(
    simulator: SimulatorThread, tools: Any
) -> None:
    pc = Pc()
    gateway = pc.gateway(simulator)
    gateway.connect()

    simulator.gateway.clock_ahead_s = 3_600
    pc.ahead_ns = H
    tools.eventually(lambda: pc.clock.now_ns() - time.time_ns() > H - 3 * S)
    late_ns = simulator.gateway.clock() - pc.clock.now_ns()
    gateway.stop()

    assert -S // 10 < late_ns < 3 * S


def test_the_answer_to_a_command_tells_the_time_too(simulator: SimulatorThread, tools: Any) -> None:
    """It contradicts the answers before, so the broker is asked again; a ping was not due yet."""
    pc = Pc()
    gateway = pc.gateway(simulator)
    gateway.start(lambda _message: None, tuple(each.id for each in gateway.connect()))
    tools.eventually(lambda: len(simulator.requests("Status/ping")) >= 3)
    simulator.gateway.clock_ahead_s = 3_600

    gateway.submit(
        CloseContract(
            id=1,
            account_id=101,
            contract_id=simulator.contract_id("MNQ"),
            correlation_id="c",
            size=None,
        )
    )
    tools.eventually(lambda: pc.clock.now_ns() - time.time_ns() > H - 3 * S)
    gateway.stop()


# --- a broker that does not answer, or not with the time --------------------------------------


class Link:
    """A way to a broker, and a PC, on clocks that a test moves."""

    def __init__(self) -> None:
        self.wall_ns, self.monotonic_ns, self.truth_ns = NOON, 0, NOON
        self.clock = SystemClock(lambda: self.wall_ns, lambda: self.monotonic_ns)
        self.desk = TimeDesk(self.clock)
        self.date: Callable[[], str | None] = lambda: formatdate(self.truth_ns // S, usegmt=True)
        self.is_up = True
        self.pings = 0

    def pass_time(self, ns: int) -> None:
        self.wall_ns += ns
        self.monotonic_ns += ns
        self.truth_ns += ns

    async def ping(self) -> None:
        self.pings += 1
        if self.is_up:
            self.desk.answered(self.monotonic_ns, self.date(), self.monotonic_ns)


def begin(link: Link) -> None:
    asyncio.run(link.desk.begin(link.ping))


def test_a_broker_that_tells_no_time_leaves_the_clock_as_it_was() -> None:
    link = Link()
    link.date = lambda: None

    begin(link)

    assert not read(link.clock).is_referenced
    link.wall_ns += H
    assert link.clock.now_ns() == NOON + H


def test_a_broker_that_was_not_there_before_the_login_is_asked_after_it_and_then_no_more() -> None:
    link = Link()
    link.is_up = False
    begin(link)
    link.is_up = True
    link.wall_ns += H

    begin(link)
    begin(link)

    assert read(link.clock).is_referenced
    assert abs(link.clock.now_ns() - NOON) <= 2 * S
    assert link.pings <= 1 + 1 + 5


def test_while_the_broker_cannot_be_reached_a_clock_set_ahead_is_held() -> None:
    link = Link()
    begin(link)
    link.is_up = False

    link.wall_ns += 24 * H
    link.pass_time(60 * S)
    asyncio.run(link.ping())

    assert link.clock.now_ns() == NOON + 60 * S
    assert link.clock.wants_reference

    link.is_up = True
    asyncio.run(link.ping())
    assert link.clock.now_ns() == NOON + 60 * S
    assert not link.clock.wants_reference


def test_one_wrong_answer_moves_nothing() -> None:
    link = Link()
    begin(link)
    link.truth_ns += 24 * H
    asyncio.run(link.ping())
    link.truth_ns -= 24 * H
    link.pass_time(2 * S)
    asyncio.run(link.ping())

    assert link.clock.now_ns() == NOON + 2 * S
