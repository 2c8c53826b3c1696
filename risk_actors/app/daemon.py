"""The daemon's life: from settings to a running system, and back, in order.

Each gate must open before the next is tried, and whatever was opened is closed again in reverse,
however it ends. The first five checkpoints of the log are said here, the others by the journal.
"""

import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from loguru import logger

from risk_actors import __version__
from risk_actors.actors.picture import Picture
from risk_actors.app.admin_secret import unlock_advice
from risk_actors.app.alerts_desk import AlertsDesk
from risk_actors.app.broker_identity import identity_of, use_files_of
from risk_actors.app.connect import Target, connect, for_account
from risk_actors.app.guard import Guard
from risk_actors.app.heartbeat import HeartbeatFile
from risk_actors.app.instance import (
    AlreadyRunningError,
    DataDirectoryError,
    Instance,
    reachable_host,
)
from risk_actors.app.logs import Logs
from risk_actors.app.mender import Mender
from risk_actors.app.metrics import metrics_source
from risk_actors.app.sd_notify import ServiceManager
from risk_actors.app.settings import ExitCode, RunOptions, Settings, TradingMode
from risk_actors.app.settings_desk import SettingsDesk
from risk_actors.app.settings_environment import (
    Environment,
    choose_mode,
    dotenv_places,
    load_environment,
)
from risk_actors.app.settings_keeper import InForce, SettingsKeeper
from risk_actors.app.settings_load import APP_FILE, load_settings
from risk_actors.app.settings_problem import Problem, SettingsError
from risk_actors.app.settings_stored import stored_settings, zone_of_last_run
from risk_actors.app.settings_watch import SettingsWatch
from risk_actors.app.shipped import (
    ABOUT_EXAMPLES,
    EXAMPLES_HINT,
    documentation,
    settings_to_read,
    uses_examples,
)
from risk_actors.app.trader_desk import TraderDesk
from risk_actors.app.vital_signs import Signs, VitalSigns
from risk_actors.app.watchdog import Watchdog
from risk_actors.projectx.errors import LoginFailed
from risk_actors.projectx.gateway import ProjectXGateway
from risk_actors.projectx.sdk_logging import adopt_sdk_loggers
from risk_actors.projectx.secrets import scrub
from risk_actors.projectx.settings import Credentials, GatewayEndpoints
from risk_actors.runtime import interpreter
from risk_actors.runtime.clock import Clock, SystemClock
from risk_actors.runtime.supervisor import StartFailedError
from risk_actors.store.recovery import open_or_recover
from risk_actors.store.schema import DATABASE_FILE
from risk_actors.store.settings_backup import KeptSettings, write_settings_backup
from risk_actors.web.metrics_source import MetricsSource
from risk_actors.web.server import WebError, WebServer
from risk_actors.web.token_file import TokenError, read_token, token_path

END_WITHIN_S = 30.0
"""An end that takes longer hangs; a machine that shuts down waits no longer than twice that."""

_LOOK_UP_EVERY_S = 1.0

_START_FAULTS = (StartFailedError, WebError, DataDirectoryError, OSError)
"""What ends the start with a sentence and code 1."""


class _Whose(NamedTuple):
    """Which broker a run is for, and what had to be done with the files of another."""

    mode: TradingMode
    broker: str
    switched: tuple[str, ...]


class _Stopped(BaseException):
    """The process was told to end while it was starting."""


def run(options: RunOptions) -> int:
    """Guard the accounts until told to stop; return the exit code.

    Raises:
        SettingsError: the settings or the environment are wrong; nothing was started.
    """
    environment = load_environment(dotenv_places(options.settings_dir))
    mode = choose_mode(options.mode, environment)
    settings_dir = settings_to_read(options.settings_dir, mode, is_named=options.are_settings_named)
    options = msgspec.structs.replace(options, settings_dir=settings_dir)
    settings = load_settings(settings_dir)
    _require_usable_token(settings, settings_dir, environment)
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


def _require_usable_token(settings: Settings, settings_dir: Path, environment: Environment) -> None:
    """Refuse a token for the HTTP side that cannot be used, before anything is started."""
    try:
        token_file = token_path(settings.web.token_file, settings_dir)
        read_token(token_file, env_file=environment.token_env_file)
    except TokenError as error:
        place = str(settings_dir / APP_FILE)
        raise SettingsError([Problem(place, None, str(error))]) from error


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
        broker = identity_of(mode, environment)
        switched = use_files_of(options.data_dir, broker)
        logs = _start_logs(options.data_dir, settings, stack)
        adopt_sdk_loggers()
        interpreter.share_out()
        logger.info("🚀 Service Start: risk_actors {} in {} mode", __version__, mode.value)
        if uses_examples(options):
            logger.warning("{}", ABOUT_EXAMPLES)
            logger.info("To read: {}", documentation())
        for sentence in switched:
            logger.warning("{}", sentence)
        logger.info("✅ Config Loaded: {} rules from {}", len(settings.rules), options.settings_dir)
        if not settings.is_any_rule_on:
            logger.warning('No rule is on: each has mode = "off", so nothing is guarded')
        try:
            whose = _Whose(mode, broker, switched)
            return _run_system(options, settings, environment, whose, instance, logs, stop, stack)
        # For the file: on the console the last line of all says it.
        except LoginFailed as error:
            logger.bind(console=False).error("SDK not connected: {}", error)
            raise
        except _START_FAULTS as error:
            logger.bind(console=False).error("Not started: {}", error)
            raise


def _run_system(
    options: RunOptions,
    wanted: Settings,
    environment: Environment,
    whose: _Whose,
    instance: Instance,
    logs: Logs,
    stop: "_StopFlag",
    stack: ExitStack,
) -> int:
    clock = SystemClock()
    said = _open_store(options.data_dir, clock, _zone_at_start(options.data_dir, wanted))
    wanted = for_account(wanted, environment.account_name)
    alerts = stack.enter_context(AlertsDesk(options.settings_dir, whose.mode, wanted))
    stored = stored_settings(options.data_dir)
    for sentence in stored.said:
        logger.critical("{}", sentence)
    target = _target(environment, whose.mode, wanted, stack)
    session, accounts, keeper, window = connect(wanted, stored, target, clock, stack)
    logger.info("✅ SDK Connected: {}", ", ".join(account.name for account in accounts))

    guard = Guard(
        session,
        accounts,
        window,
        data_dir=options.data_dir,
        clock=clock,
        mode=whose.mode,
        broker=whose.broker,
        notices=(*whose.switched, *said, *stored.said),
        alerts=alerts.service,
    )
    alerts.follow(guard, accounts)
    stack.callback(guard.stop)

    desk = _settings_desk(options, environment, whose, guard, keeper, alerts, logs, stop)
    advice = unlock_advice(keeper.in_force.settings.session.unlock, options.data_dir)
    if advice is not None:
        logger.warning("{}", advice)
    desk.start()
    # Stopped before the actors are, so that nothing arrives at an actor that has ended.
    stack.callback(session.stop)

    mender = Mender(guard, desk.turn, clock)
    mender.start()
    stack.callback(mender.stop)

    watch = SettingsWatch(options.settings_dir, desk.look)
    watch.start()
    stack.callback(watch.stop)

    threads = {"the settings' watch": lambda: watch.lives, "the mender": lambda: mender.lives}
    watchdog = _watchdog(options.data_dir, guard, session, threads)
    metrics = metrics_source(wanted, guard, session, clock, watchdog)
    env_file = environment.token_env_file
    address = _serve(
        options, wanted, guard, desk, instance, metrics, alerts, stack, env_file=env_file
    )
    watchdog.start()
    stack.callback(watchdog.stop)
    alerts.started()
    _show_until_stopped(options, alerts.picture, address, logs, stop)

    guard.show_phase("stopping")
    logger.info("Stopping: protection ends with this process, locks stay in the store")
    return ExitCode.FAULT if guard.given_up or stop.is_lost else ExitCode.OK


def _settings_desk(
    options: RunOptions,
    environment: Environment,
    whose: _Whose,
    guard: Guard,
    keeper: SettingsKeeper,
    alerts: AlertsDesk,
    logs: Logs,
    stop: "_StopFlag",
) -> SettingsDesk:
    def load() -> Settings:
        edited = for_account(load_settings(options.settings_dir), environment.account_name)
        alerts.look(edited)
        return edited

    def taken(in_force: InForce) -> None:
        logs.use_zone(ZoneInfo(in_force.settings.session.timezone))

    def keep(kept: KeptSettings) -> None:
        owned = msgspec.structs.replace(kept, broker=whose.broker)
        write_settings_backup(options.data_dir, owned)

    return SettingsDesk(
        guard, keeper, options.settings_dir, load, on_taken=taken, keep=keep, on_lost=stop.lose
    )


def _watchdog(
    data_dir: Path,
    guard: Guard,
    session: ProjectXGateway,
    threads: Mapping[str, Callable[[], bool]],
) -> Watchdog:
    """Return what tells watchers outside of this process how it is."""
    signs = Signs(
        problems=guard.problems,
        is_guarding=lambda: guard.is_guarding,
        ping=session.ping,
        threads={"the clock's pulse": lambda: guard.has_pulse, **threads},
    )
    return Watchdog(
        VitalSigns(signs),
        lambda: guard.shown,
        ServiceManager(os.environ),
        HeartbeatFile(data_dir),
    )


def _start_logs(data_dir: Path, settings: Settings, stack: ExitStack) -> Logs:
    zone = _zone_at_start(data_dir, settings)
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


def _zone_at_start(data_dir: Path, wanted: Settings) -> ZoneInfo:
    """Return the zone that was in force last; an edited one may have to wait."""
    return zone_of_last_run(data_dir) or ZoneInfo(wanted.session.timezone)


def _open_store(data_dir: Path, clock: Clock, zone: ZoneInfo) -> tuple[str, ...]:
    """Open the store; return what had to be done for it, in plain words."""
    try:
        recovered = open_or_recover(data_dir, clock.now_ns(), zone)
    except sqlite3.Error as error:
        raise DataDirectoryError(
            f"the store {data_dir / DATABASE_FILE} cannot be used: {error}"
        ) from error
    for sentence in recovered.said:
        logger.critical("{}", sentence)
    return recovered.said


def _target(
    environment: Environment, mode: TradingMode, settings: Settings, stack: ExitStack
) -> Target:
    """Return the broker of the credentials, or start the simulator and return that."""
    if mode is TradingMode.LIVE:
        assert environment.credentials is not None  # noqa: S101 - `choose_mode` saw to it
        return Target(environment.credentials, environment.endpoints or GatewayEndpoints())
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
    return Target(
        Credentials(username=simulator_settings.username, api_key=simulator_settings.api_key),
        GatewayEndpoints(
            api_url=gateway.api_url,
            user_hub_url=gateway.user_hub_url,
            market_hub_url=gateway.market_hub_url,
        ),
    )


def _serve(
    options: RunOptions,
    settings: Settings,
    guard: Guard,
    desk: SettingsDesk,
    instance: Instance,
    metrics: MetricsSource,
    alerts: AlertsDesk,
    stack: ExitStack,
    *,
    env_file: Path | None,
) -> str:
    """Start the HTTP side; return its address."""
    host = settings.web.host
    token_file = token_path(settings.web.token_file, options.settings_dir)
    try:
        token = read_token(token_file, env_file=env_file)
    except TokenError as error:
        raise WebError(str(error)) from error
    server = WebServer(
        picture=alerts.picture,
        topology=guard.topology,
        requests=TraderDesk(guard.ask, guard.judge, desk),
        host=host,
        port=settings.web.port if options.port is None else options.port,
        data_dir=options.data_dir,
        token=token,
        shown=lambda: guard.shown,
        metrics=metrics,
        wrong=metrics.wrong,
        stale=metrics.stale,
        run=instance.run,
    )
    port = server.start()
    stack.callback(server.stop)
    instance.publish(reachable_host(host), port, token_file, env_file)
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    logger.info("HTTP on {}", address)
    return address


def _show_until_stopped(
    options: RunOptions, picture: Callable[[], Picture], address: str, logs: Logs, stop: "_StopFlag"
) -> None:
    stop.arm()
    interpreter.settle()
    if options.display is None:
        # On Windows a wait without an end is deaf to Ctrl+C.
        while not stop.event.wait(_LOOK_UP_EVERY_S):
            pass
        return
    where = f"{address}  {EXAMPLES_HINT}" if uses_examples(options) else address
    display = options.display(picture, where)
    with logs.console_held() if sys.stderr.isatty() else nullcontext():
        display.run_until(stop.event)


class _StopFlag:
    """Set by a signal. While starting up, a signal ends the start at once instead."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.ended = threading.Event()
        """Set when all that was begun has ended."""
        self.is_lost = False
        """Whether the daemon ends because nothing guards any more."""
        self._is_running = False

    def arm(self) -> None:
        """From now on a signal ends the waiting in order."""
        self._is_running = True

    def lose(self, error: Exception) -> None:
        """End, because the actors could not be started again."""
        logger.critical("Nothing is guarded any more: {}. Close your positions yourself.", error)
        self.is_lost = True
        self._end()

    def on_signal(self, _number: int, _frame: FrameType | None) -> None:
        """Take a signal."""
        first = not self.event.is_set()
        self._end()
        if first and not self._is_running:
            raise _Stopped

    def _end(self) -> None:
        if not self.event.is_set():
            threading.Thread(target=self._end_hard, name="last resort", daemon=True).start()
        self.event.set()

    def _end_hard(self) -> None:
        """End the process where the orderly end does not come; what is stored is whole."""
        if not self.ended.wait(END_WITHIN_S):
            _say_end(f"the orderly end took longer than {END_WITHIN_S:.0f} s: ended at once")
            os._exit(ExitCode.FAULT)


@contextmanager
def _signals() -> Iterator[_StopFlag]:
    """Turn the signals that ask for an end into an orderly one for as long as the context lasts.

    A terminal that is closed sends SIGHUP, where there is one.
    """
    flag = _StopFlag()
    before: dict[int, Any] = {}
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # Under `nohup` it is meant to live on.
        if number is not None and (name != "SIGHUP" or signal.getsignal(number) != signal.SIG_IGN):
            before[number] = signal.signal(number, flag.on_signal)
    try:
        yield flag
    finally:
        flag.ended.set()
        for number, handler in before.items():
            signal.signal(number, handler)
