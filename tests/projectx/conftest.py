"""The real adapter on the real SDK against the simulated gateway, over sockets."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from risk_actors.core.commands import Command
from risk_actors.messages import AccountSnapshot, CommandAnswered, ConnectionChanged, Message
from risk_actors.projectx.gateway import ProjectXGateway
from risk_actors.projectx.sdk_logging import adopt_sdk_loggers
from risk_actors.projectx.settings import Credentials, GatewayEndpoints, GatewaySettings
from risk_actors.simulator.records import Side, Ticket
from risk_actors.simulator.settings import SimulatorSettings, paper_accounts
from risk_actors.simulator.thread import SimulatorThread

NS_PER_S = 1_000_000_000
WEEK_NS = 7 * 86_400 * NS_PER_S

adopt_sdk_loggers(logging.CRITICAL)


class SystemClock:
    def now_ns(self) -> int:
        return time.time_ns()


class Recorder:
    """Keeps every emitted message; waits on conditions over them."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._changed = threading.Condition()

    def __call__(self, message: Message) -> None:
        with self._changed:
            self.messages.append(message)
            self._changed.notify_all()

    def of[M: Message](self, kind: type[M]) -> list[M]:
        with self._changed:
            return [message for message in self.messages if isinstance(message, kind)]

    def mark(self) -> int:
        with self._changed:
            return len(self.messages)

    def wait[M: Message](
        self,
        kind: type[M],
        accept: Callable[[M], bool] = lambda _: True,
        *,
        after: int = 0,
        within_s: float = 30.0,
    ) -> M:
        """Return the first such message after a mark, waiting for it."""

        def found() -> M | None:
            for message in self.messages[after:]:
                if isinstance(message, kind) and accept(message):
                    return message
            return None

        with self._changed:
            self._changed.wait_for(lambda: found() is not None, within_s)
            message = found()
        if message is None:
            seen = [type(other).__name__ for other in self.messages[after:]]
            raise AssertionError(f"no such {kind.__name__} within {within_s} s; seen: {seen}")
        return message


class Rig:
    """A simulator, a gateway on it, and what the gateway emitted."""

    def __init__(self, simulator: SimulatorThread, settings: GatewaySettings) -> None:
        self.simulator = simulator
        self.recorder = Recorder()
        self.gateway = make_gateway(simulator, settings)
        self.account_ids: tuple[int, ...] = ()
        self.contract_id = simulator.contract_id("MNQ")

    def start(self) -> None:
        self.account_ids = tuple(account.id for account in self.gateway.connect())
        self.gateway.start(self.recorder, self.account_ids)

    def send(self, command: Command, within_s: float = 30.0) -> CommandAnswered:
        self.gateway.submit(command)
        return self.recorder.wait(
            CommandAnswered,
            lambda message: message.outcome.command_id == command.id,
            within_s=within_s,
        )

    def buy(self, size: int = 1, account_id: int = 101) -> None:
        self.simulator.place(
            Ticket(account_id=account_id, contract_id=self.contract_id, side=Side.BUY, size=size)
        )


def make_gateway(
    simulator: SimulatorThread, settings: GatewaySettings, **credentials: str
) -> ProjectXGateway:
    login = {"username": "sim-trader", "api_key": "sim-api-key"} | credentials
    return ProjectXGateway(
        settings,
        Credentials(**login),
        GatewayEndpoints(
            api_url=simulator.api_url,
            user_hub_url=simulator.user_hub_url,
            market_hub_url=simulator.market_hub_url,
        ),
        SystemClock(),
        lambda now_ns: now_ns - WEEK_NS,
    )


def eventually(condition: Callable[[], Any], within_s: float = 30.0) -> None:
    """Wait until a condition about the other side of a socket holds."""
    deadline = time.monotonic() + within_s
    pause = threading.Event()
    while not condition():
        assert time.monotonic() < deadline, "the condition never held"
        pause.wait(0.01)


@pytest.fixture
def simulator() -> Iterator[SimulatorThread]:
    with SimulatorThread(SimulatorSettings(accounts=paper_accounts(2))) as running:
        yield running


@pytest.fixture
def make_rig(simulator: SimulatorThread) -> Iterator[Callable[..., Rig]]:
    """Makes gateways; each is stopped, and must leave no thread."""
    rigs: list[Rig] = []

    def make(
        settings: GatewaySettings | None = None,
        on: SimulatorThread | None = None,
        *,
        second_line: bool = False,
        price_line: bool = False,
    ) -> Rig:
        # Most tests here are about the SDK's hubs, whose faults the other lines would make good.
        lines = {"second_line": second_line, "price_line": price_line}
        chosen = replace(settings or GatewaySettings(), **lines)
        rig = Rig(on or simulator, chosen)
        rigs.append(rig)
        return rig

    yield make
    for rig in rigs:
        rig.gateway.stop()
    left = {thread.name for thread in threading.enumerate()}
    assert not left & {"gateway", "gateway line B", "gateway prices"}


@pytest.fixture
def rig(make_rig: Callable[..., Rig]) -> Rig:
    """A gateway that runs, with both hubs up and every account read."""
    running: Rig = make_rig()
    running.start()
    running.recorder.wait(
        ConnectionChanged, lambda m: m.user_hub and m.market_hub and m.fallback is None
    )
    for account_id in running.account_ids:
        running.recorder.wait(
            AccountSnapshot, lambda m, account_id=account_id: m.account.id == account_id
        )
    return running


@pytest.fixture
def tools() -> Any:
    """Helpers that tests cannot import from here."""

    class Tools:
        pass

    namespace: Any = Tools()
    namespace.eventually = eventually
    namespace.make_gateway = make_gateway
    return namespace
