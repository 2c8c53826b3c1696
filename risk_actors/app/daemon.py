"""The daemon's life: from settings to a running system, and back, in order.

Each gate must open before the next is tried, and whatever was opened is closed again in reverse,
however it ends. The first five checkpoints of the log are said here, the others by the journal.
"""

import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from loguru import logger

from risk_actors import __version__
from risk_actors.actors.operator import OperatorInlet
from risk_actors.actors.picture import Picture
from risk_actors.actors.timer import TICK_EVERY_S
from risk_actors.actors.view import PictureFrame
from risk_actors.app import topology
from risk_actors.app.assembly import Assembly, assemble
from risk_actors.app.headroom_desk import HeadroomDesk
from risk_actors.app.instance import AlreadyRunningError, DataDirectoryError, Instance
from risk_actors.app.logs import Logs
from risk_actors.app.pulse import PulseThread
from risk_actors.app.rule_context import rule_context
from risk_actors.app.settings import ExitCode, RunOptions, Settings, TradingMode
from risk_actors.app.settings_environment import (
    Environment,
    choose_mode,
    dotenv_places,
    load_environment,
)
from risk_actors.app.settings_load import load_settings
from risk_actors.app.system import RESYNC
from risk_actors.core.rules import Mode
from risk_actors.core.trading_calendar import TradingCalendar
from risk_actors.projectx.errors import LoginFailed
from risk_actors.projectx.gateway import ProjectXGateway
from risk_actors.projectx.sdk_logging import adopt_sdk_loggers
from risk_actors.projectx.secrets import scrub
from risk_actors.projectx.settings import Credentials, GatewayEndpoints
from risk_actors.runtime.clock import Clock, SystemClock
from risk_actors.runtime.supervisor import StartFailedError, Supervisor
from risk_actors.store.schema import DATABASE_FILE, migrate
from risk_actors.web.server import WebError, WebServer

_START_FAULTS = (StartFailedError, WebError, DataDirectoryError, OSError)
"""What ends the start with a sentence and code 1."""


class _Stopped(BaseException):
    """The process was told to end while it was starting."""


class _Target(NamedTuple):
    """What is guarded: the broker, or the simulator."""

    credentials: Credentials
    endpoints: GatewayEndpoints


def run(options: RunOptions) -> int:
    """Guard the accounts until told to stop; return the exit code.

    Raises:
        SettingsError: the settings or the environment are wrong; nothing was started.
    """
    environment = load_environment(dotenv_places(options.settings_dir))
    mode = choose_mode(options.mode, environment)
    settings = load_settings(options.settings_dir)
    try:
        return _run_held(options, settings, environment, mode)
    except _Stopped:
        return ExitCode.OK
    except AlreadyRunningError as error:
        _say_end(str(error))
        return ExitCode.ALREADY_RUNNING
    except LoginFailed as error:
        _say_end(str(error))
        return ExitCode.UNREACHABLE
    except _START_FAULTS as error:
        _say_end(str(error))
        return ExitCode.FAULT


def _say_end(text: str) -> None:
    print(f"risk-actors: {scrub(text)}", file=sys.stderr)  # noqa: T201 - the log may be closed


def _run_held(
    options: RunOptions, settings: Settings, environment: Environment, mode: TradingMode
) -> int:
    with ExitStack() as stack:
        stop = stack.enter_context(_signals())
        instance = Instance(options.data_dir)
        instance.hold()
        stack.callback(instance.release)
        logs = _start_logs(options.data_dir, settings, stack)
        adopt_sdk_loggers()
        logger.info("🚀 Service Start: risk_actors {} in {} mode", __version__, mode.value)
        logger.info("✅ Config Loaded: {} rules from {}", len(settings.rules), options.settings_dir)
        if not settings.is_any_rule_on:
            logger.warning('No rule is on: each has mode = "off", so nothing is guarded')
        try:
            return _run_system(options, settings, environment, mode, instance, logs, stop, stack)
        except LoginFailed as error:
            logger.error("SDK not connected: {}", error)
            raise
        except _START_FAULTS as error:
            logger.error("Not started: {}", error)
            raise


def _run_system(
    options: RunOptions,
    settings: Settings,
    environment: Environment,
    mode: TradingMode,
    instance: Instance,
    logs: Logs,
    stop: "_StopFlag",
    stack: ExitStack,
) -> int:
    clock = SystemClock()
    context = rule_context(settings)
    armed = settings.is_armed(mode)
    _open_store(options.data_dir)

    target = _target(environment, mode, settings, stack)
    session = _session(settings, environment, target, clock, context.calendar)
    accounts = session.connect()
    stack.callback(session.stop)
    logger.info("✅ SDK Connected: {}", ", ".join(account.name for account in accounts))

    frame = PictureFrame(
        Picture(
            version=__version__,
            mode=mode.value,
            armed=armed,
            phase="starting",
            timezone=settings.session.timezone,
        )
    )
    assembly = assemble(
        settings,
        context,
        accounts,
        session,
        frame,
        data_dir=options.data_dir,
        clock=clock,
        armed=armed,
    )
    system = assembly.system
    supervisor = Supervisor(
        clock, outbox=system.supervisor_outbox, resync=RESYNC, on_given_up=_say_given_up
    )
    supervisor.start(system.specs)
    stack.callback(_stop_actors, supervisor)
    logger.info("✅ Rules Initialized: {}", _say_rules(settings, armed=armed))

    account_ids = tuple(account.id for account in accounts)
    session.start(system.inbound.send, account_ids)
    # Stopped before the actors are, so that nothing arrives at an actor that has ended.
    stack.callback(session.stop)
    pulse = PulseThread(system.timer_mailbox, TICK_EVERY_S)
    pulse.start()
    stack.callback(pulse.stop)
    enforced = "breaches are enforced" if armed else "NOT ARMED, nothing is sent"
    logger.info("✅ Event Loop Running: {}", enforced)

    operator = OperatorInlet(system.operator_outbox, clock, account_ids, armed=armed)
    address = _serve(options, settings, assembly, supervisor, operator, instance, stack)
    _show_until_stopped(options, assembly.desk, address, logs, stop)

    frame.picture = msgspec.structs.replace(frame.picture, phase="stopping")
    logger.info("Stopping: protection ends with this process, locks stay in the store")
    faulted = any(stats.status == "given_up" for stats in supervisor.stats())
    return ExitCode.FAULT if faulted else ExitCode.OK


def _start_logs(data_dir: Path, settings: Settings, stack: ExitStack) -> Logs:
    zone = ZoneInfo(settings.session.timezone)
    logs = Logs(data_dir=data_dir, settings=settings.log, scrub=scrub, zone=zone)
    stack.callback(logs.stop)
    try:
        logs.start()
    except OSError as error:
        reason = error.strerror or error
        raise DataDirectoryError(
            f"the log in the data directory {data_dir} cannot be written: {reason}"
        ) from error
    return logs


def _open_store(data_dir: Path) -> None:
    try:
        migrate(data_dir)
    except sqlite3.Error as error:
        raise DataDirectoryError(
            f"the store {data_dir / DATABASE_FILE} cannot be used: {error}"
        ) from error


def _target(
    environment: Environment, mode: TradingMode, settings: Settings, stack: ExitStack
) -> _Target:
    """Return the broker of the credentials, or start the simulator and return that."""
    if mode is TradingMode.LIVE:
        assert environment.credentials is not None  # noqa: S101 - `choose_mode` saw to it
        return _Target(environment.credentials, environment.endpoints or GatewayEndpoints())
    from risk_actors.simulator.thread import SimulatorThread  # noqa: PLC0415 - paper only

    # The SDK's HTTP client would ask a proxy from the environment for this machine's own port.
    os.environ["NO_PROXY"] = f"{os.environ.get('NO_PROXY', '')},127.0.0.1".lstrip(",")

    simulator_settings = settings.simulator.to_simulator()
    simulator = stack.enter_context(SimulatorThread(simulator_settings))
    gateway = simulator.gateway
    logger.info("Simulated gateway on {}", gateway.api_url)
    logger.info(
        "Paper: the simulated account is new at every start; locks of earlier runs hold all the "
        "same, until they end"
    )
    return _Target(
        Credentials(username=simulator_settings.username, api_key=simulator_settings.api_key),
        GatewayEndpoints(
            api_url=gateway.api_url,
            user_hub_url=gateway.user_hub_url,
            market_hub_url=gateway.market_hub_url,
        ),
    )


def _session(
    settings: Settings,
    environment: Environment,
    target: _Target,
    clock: Clock,
    calendar: TradingCalendar,
) -> ProjectXGateway:
    def fills_since_ns(now_ns: int) -> int:
        # The week may begin after the day does, or before it.
        return min(calendar.day(now_ns).start_ns, calendar.week(now_ns).start_ns)

    gateway_settings = settings.gateway
    if environment.account_name is not None:
        gateway_settings = msgspec.structs.replace(
            gateway_settings, account_name=environment.account_name
        )
    return ProjectXGateway(
        gateway_settings, target.credentials, target.endpoints, clock, fills_since_ns
    )


def _say_rules(settings: Settings, *, armed: bool) -> str:
    modes = [
        "shadow" if rule.mode is Mode.ENFORCE and not armed else rule.mode.value
        for rule in settings.rules
    ]
    return ", ".join(
        f"{rule.id} ({mode})" for rule, mode in zip(settings.rules, modes, strict=True)
    )


def _say_given_up(address: str) -> None:
    logger.critical(
        "{} failed too often and was given up: what it did is NOT DONE any more. "
        "Close your positions yourself and start again.",
        address,
    )


def _stop_actors(supervisor: Supervisor) -> None:
    left = supervisor.stop()
    if left:
        logger.error("Actors that did not end in time: {}", ", ".join(left))


def _serve(
    options: RunOptions,
    settings: Settings,
    assembly: Assembly,
    supervisor: Supervisor,
    operator: OperatorInlet,
    instance: Instance,
    stack: ExitStack,
) -> str:
    """Start the HTTP side; return its address."""
    host = settings.web.host
    server = WebServer(
        picture=assembly.desk.picture,
        topology=lambda: topology.live(assembly.system, supervisor),
        panic=operator.panic,
        host=host,
        port=settings.web.port if options.port is None else options.port,
    )
    port = server.start()
    stack.callback(server.stop)
    instance.publish(host, port)
    address = f"http://{host}:{port}"
    logger.info("HTTP on {}", address)
    return address


def _show_until_stopped(
    options: RunOptions, desk: HeadroomDesk, address: str, logs: Logs, stop: "_StopFlag"
) -> None:
    stop.arm()
    if options.display is None:
        stop.event.wait()
        return
    display = options.display(desk.picture, address)
    with logs.console_held() if sys.stderr.isatty() else nullcontext():
        display.run_until(stop.event)


class _StopFlag:
    """Set by a signal. While starting up, a signal ends the start at once instead."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self._is_running = False

    def arm(self) -> None:
        """From now on a signal ends the waiting in order."""
        self._is_running = True

    def on_signal(self, _number: int, _frame: FrameType | None) -> None:
        """Take a signal."""
        first = not self.event.is_set()
        self.event.set()
        if first and not self._is_running:
            raise _Stopped


@contextmanager
def _signals() -> Iterator[_StopFlag]:
    """Turn SIGINT and SIGTERM into an orderly end for as long as the context lasts."""
    flag = _StopFlag()
    before = {
        number: signal.signal(number, flag.on_signal) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield flag
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
