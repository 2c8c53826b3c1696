"""Looks at everything that the guard needs, at the same time, and judges what was found.

Looking and judging are apart: `doctor_look.py` and `doctor_reach.py` look, and each judgement is a
pure function. What cannot be looked at, or not in time, is "not checked" with the reason.
"""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
from loguru import logger

from risk_actors.app import doctor_broker as broker
from risk_actors.app import doctor_guard as guard
from risk_actors.app import doctor_look as look
from risk_actors.app import doctor_machine as machine
from risk_actors.app import doctor_reach as reach
from risk_actors.app.connect import Target
from risk_actors.app.doctor_alerts import (
    BeatLook,
    ChannelsLook,
    judge_channels,
    judge_heartbeat,
    look_at_channels,
    look_at_heartbeat,
)
from risk_actors.app.doctor_settings import Read, read_all
from risk_actors.app.doctor_web import WebLook, judge_web, look_at_web
from risk_actors.app.doctor_words import Check, Finding, State, Unseen, judged
from risk_actors.app.service import look_at_service
from risk_actors.app.settings import PaperSettings, TradingMode
from risk_actors.core.broker import Account
from risk_actors.projectx.errors import AccountsNotFound
from risk_actors.projectx.sdk_logging import adopt_sdk_loggers
from risk_actors.projectx.settings import Credentials, GatewayEndpoints, GatewaySettings
from risk_actors.simulator.thread import SimulatorThread

LOOK_WITHIN_S = 20.0
REACH_WITHIN_S = 8.0
BROKER_WITHIN_S = 35.0
_WHEN_LATE = "something holds it up: look at it yourself, and run the doctor again"


class Examined(NamedTuple):
    """What the doctor was asked to look at, and what it says."""

    mode: TradingMode | None
    """None where the environment is too wrong to tell."""
    checks: tuple[Check, ...]

    @property
    def is_well(self) -> bool:
        """Whether nothing failed."""
        return all(check.state is not State.FAILED for check in self.checks)


def examine(
    settings_dir: Path,
    data_dir: Path,
    asked: TradingMode | None,
    variables: Mapping[str, str] | None = None,
    *,
    send: bool = False,
    is_named: bool = True,
) -> Examined:
    """Look at everything once; takes as long as the slowest look.

    Args:
        settings_dir: with risk.toml.
        data_dir: need not be there.
        asked: the mode, or None for the one that `run` would choose.
        variables: the environment; the process's own when None.
        send: whether a message goes through each channel, and the heartbeat's host is connected to.
        is_named: whether the trader named the settings directory; paper trading takes the examples
            where it is neither named nor there.
    """
    read = read_all(settings_dir, asked, variables, time.time_ns(), is_named=is_named)
    with _quiet():
        return Examined(read.mode, asyncio.run(_examine(read, data_dir, send=send)))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep log lines from between the doctor's: what goes wrong, those tell."""
    manager = logging.root.manager.loggerDict
    levels = {each: each.level for each in manager.values() if isinstance(each, logging.Logger)}
    logger.disable("risk_actors")
    adopt_sdk_loggers(logging.CRITICAL)
    try:
        yield
    finally:
        for each, level in levels.items():
            each.setLevel(level)
        logger.enable("risk_actors")


async def _examine(read: Read, data_dir: Path, *, send: bool) -> tuple[Check, ...]:
    local, of_broker = await asyncio.gather(_local(read, data_dir, send=send), _broker(read))
    return (*local, *of_broker)


async def _local(read: Read, data_dir: Path, *, send: bool) -> list[Check]:
    zone = "America/Chicago" if read.settings is None else read.settings.session.timezone
    mode = read.mode
    return await asyncio.gather(
        _line("python", "Python", look.look_at_python, machine.judge_python),
        _line("packages", "packages", look.look_at_packages, machine.judge_packages),
        _line("settings", "settings", lambda: read.look, guard.judge_settings),
        _line(
            "credentials",
            "credentials",
            lambda: read.credentials,
            lambda found: guard.judge_credentials(found, mode),
        ),
        _line("zones", "time zone data", lambda: look.look_at_zones(zone), machine.judge_zones),
        _line("data", "data directory", lambda: look.look_at_data(data_dir), machine.judge_data),
        _line("disk", "free disk", lambda: look.look_at_data(data_dir), machine.judge_disk),
        _line("store", "store", lambda: look.look_at_store(data_dir), guard.judge_store),
        _line("port", "port", lambda: _port(read, data_dir), machine.judge_port),
        *_who_is_told(read, send=send),
        _line("daemon", "daemon", lambda: look.look_at_daemon(data_dir), guard.judge_daemon),
        _line(
            "service", "service", look_at_service, lambda found: guard.judge_service(found, mode)
        ),
        _line("power", "sleep", look.look_at_power, machine.judge_power),
    )


def _port(read: Read, data_dir: Path) -> machine.Port | Unseen:
    """Look at the port that app.toml names; while that is wrong, nobody knows which one it is."""
    if isinstance(read.app, Unseen):
        return read.app
    web = read.app.web if read.settings is None else read.settings.web
    return look.look_at_port(web.host, web.port, data_dir)


def _who_is_told(read: Read, *, send: bool) -> Iterator[Awaitable[Check]]:
    """Yield the lines on who is let in and who is told: `[web]` and `[alerts]` of app.toml."""
    app, place, mode = read.app, read.settings_dir, read.mode
    known = read.alert_variables

    def channels() -> ChannelsLook | Unseen:
        return app if isinstance(app, Unseen) else look_at_channels(app.alerts, place, known, send)

    def beat() -> BeatLook | Unseen:
        return app if isinstance(app, Unseen) else look_at_heartbeat(app.alerts, place, known, send)

    def web() -> WebLook | Unseen:
        return app if isinstance(app, Unseen) else look_at_web(app.web, place, read.given)

    count = 1 if isinstance(app, Unseen) else max(1, len(app.alerts.channels))
    within_s = LOOK_WITHIN_S * (count if send else 1)
    yield _line("web", "web", web, judge_web)
    yield _line("alerts", "alerts", channels, lambda found: judge_channels(found, mode), within_s)
    yield _line("heartbeat", "heartbeat", beat, lambda found: judge_heartbeat(found, mode))


async def _line[T](
    id_: str,
    title: str,
    probe: Callable[[], T | Unseen],
    judge: Callable[[T], Finding],
    within_s: float = LOOK_WITHIN_S,
) -> Check:
    """Look, and judge what was found."""
    return judged(id_, title, await _seen(probe, within_s), judge)


class _Broker(NamedTuple):
    """What was found on the way to the broker."""

    ways: tuple[broker.Way | Unseen, ...]
    asked: reach.Asked
    found: reach.LoggedIn


async def _broker(read: Read) -> tuple[Check, ...]:
    gateway = GatewaySettings() if read.settings is None else read.settings.gateway
    if read.environment.account_name is not None:
        name = read.environment.account_name
        gateway = msgspec.structs.replace(gateway, account_name=name)
    with ExitStack() as stack:
        if read.mode is TradingMode.PAPER:
            paper = PaperSettings() if read.settings is None else read.settings.simulator
            target: Target | Unseen = await _seen(lambda: _simulated(paper, stack))
        else:
            target = read.target
        if isinstance(target, Unseen):
            return _broker_checks(_all_unseen(target), gateway, ahead=None)
        found = await _reached(target, gateway)
        return _broker_checks(found, gateway, ahead=_ahead(found.asked))


def _simulated(paper: PaperSettings, stack: ExitStack) -> Target:
    """Start the bundled simulator, as paper trading does; it is stopped when the stack ends."""
    # The SDK's HTTP client would ask a proxy from the environment for this machine's own port.
    os.environ["NO_PROXY"] = f"{os.environ.get('NO_PROXY', '')},127.0.0.1".lstrip(",")
    quiet = msgspec.structs.replace(paper, trader="none")
    sim = stack.enter_context(SimulatorThread(quiet.to_simulator()))
    settings = sim.gateway.settings
    return Target(
        Credentials(username=settings.username, api_key=settings.api_key),
        GatewayEndpoints(
            api_url=sim.api_url,
            user_hub_url=sim.user_hub_url,
            market_hub_url=sim.market_hub_url,
        ),
    )


async def _reached(target: Target, gateway: GatewaySettings) -> _Broker:
    ends = target.endpoints
    urls = (ends.api_url, ends.user_hub_url, ends.market_hub_url)
    ways = await asyncio.gather(*(_way(url) for url in urls))
    if isinstance(ways[0], Unseen) or ways[0].fault is not None:
        unseen = Unseen("the API is not reached", "see the line on reaching the API")
        return _all_unseen(unseen)._replace(ways=tuple(ways))
    asked, found = await asyncio.gather(reach.ask_api(ends.api_url), _logged_in(target, gateway))
    return _Broker(tuple(ways), asked, found)


async def _way(url: str) -> broker.Way | Unseen:
    return await _seen(lambda: reach.reach(url), REACH_WITHIN_S)


async def _logged_in(target: Target, gateway: GatewaySettings) -> reach.LoggedIn:
    try:
        async with asyncio.timeout(BROKER_WITHIN_S):
            return await reach.log_in(target, gateway)
    except TimeoutError:
        late = Unseen(f"it took more than {BROKER_WITHIN_S:g} s", _WHEN_LATE)
    except Exception as error:  # noqa: BLE001 - the SDK raises all kinds; nothing is known then
        late = Unseen(f"an unexpected fault ({type(error).__name__})", _WHEN_LATE)
    return reach.LoggedIn(late, late, late, late, late)


def _all_unseen(unseen: Unseen) -> _Broker:
    return _Broker(
        (unseen, unseen, unseen),
        reach.Asked(unseen, ()),
        reach.LoggedIn(unseen, unseen, unseen, unseen, unseen),
    )


def _ahead(asked: reach.Asked) -> float | None:
    return broker.clock_ahead_s(asked.dates) if asked.dates else None


def _broker_checks(
    seen: _Broker, gateway: GatewaySettings, *, ahead: float | None
) -> tuple[Check, ...]:
    found, asked = seen.found, seen.asked
    listed = (
        found.accounts
        if isinstance(found.accounts, Unseen)
        else broker.AccountsLook(found.accounts, gateway)
    )
    dates = asked.dates or Unseen(
        asked.answers.why
        if isinstance(asked.answers, Unseen)
        else "the broker's answers do not tell its time",
        "see that this machine's clock is set by the net",
    )
    return (
        judged("api", "API reached", seen.ways[0], broker.judge_way),
        judged("user_hub_host", "user hub reached", seen.ways[1], broker.judge_way),
        judged("market_hub_host", "market hub reached", seen.ways[2], broker.judge_way),
        judged("latency", "API answers", asked.answers, broker.judge_answers),
        judged("clock", "clock", dates, broker.judge_clock),
        judged("login", "login", found.login, broker.judge_login),
        judged("token", "token end", _by_broker(found.token_left_s, ahead), broker.judge_token),
        judged("user_hub", "user hub", found.user_hub, broker.judge_hub),
        judged("market_hub", "market hub", found.market_hub, broker.judge_hub),
        judged("accounts", "accounts", listed, broker.judge_accounts),
        judged("permission", "permission to trade", _guarded(listed), broker.judge_permission),
    )


def _by_broker(left_s: float | Unseen, ahead_s: float | None) -> float | Unseen:
    """Return what is left of a token by the broker's clock: ours may be wrong."""
    return left_s if isinstance(left_s, Unseen) else left_s + (ahead_s or 0.0)


def _guarded(listed: broker.AccountsLook | Unseen) -> tuple[Account, ...] | Unseen:
    if isinstance(listed, Unseen):
        return listed
    try:
        return listed.guarded
    except AccountsNotFound:
        return Unseen("no account is guarded", "see the line on accounts")


async def _seen[T](probe: Callable[[], T | Unseen], within_s: float = LOOK_WITHIN_S) -> T | Unseen:
    """Look in a thread of its own, which is left behind when it takes too long."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T | Unseen] = loop.create_future()

    def settle(found: T | Unseen) -> None:
        if not done.done():
            done.set_result(found)

    def work() -> None:
        try:
            found = probe()
        except Exception as error:  # noqa: BLE001 - a look that fails says nothing of the thing
            found = Unseen(f"could not be looked at ({type(error).__name__}: {error})")
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, found)

    # No pool: its threads would be waited for at the end.
    threading.Thread(target=work, name="doctor", daemon=True).start()
    try:
        return await asyncio.wait_for(done, within_s)
    except TimeoutError:
        return Unseen(f"it took more than {within_s:g} s", _WHEN_LATE)
