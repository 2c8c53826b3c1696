"""Sanity of credentials and events: log in through the SDK, wait for the first event on each hub.

    python tools/testing/sanity.py [--within SECONDS] [--symbol SYMBOL]

With credentials in the environment or in .env it asks the broker, else the bundled simulator, and
says which. Nothing is ordered or cancelled, and no secret is printed. Exit codes: 0 well; 1 the
login, a hub or its events failed; 2 the environment is wrong.

A hub that took the subscription and sent nothing is quiet: the user hub of an account in which
nothing happens sends no event (it pushes no snapshot), nor does a closed market. That is no fault.
A market that is open and sends nothing is one.
"""

import argparse
import asyncio
import logging
import os
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from loguru import logger
from project_x_py import ProjectXRealtimeClient

from risk_actors.app.connect import Target
from risk_actors.app.settings import PaperSettings
from risk_actors.app.settings_environment import dotenv_places, load_environment
from risk_actors.app.settings_problem import SettingsError
from risk_actors.core.market_calendar import MarketCalendar
from risk_actors.projectx.errors import LoginFailed
from risk_actors.projectx.sdk_logging import adopt_sdk_loggers
from risk_actors.projectx.secrets import remember_secret, scrub
from risk_actors.projectx.session import Session
from risk_actors.projectx.settings import Credentials, GatewayEndpoints, GatewaySettings
from risk_actors.runtime.clock import SystemClock
from risk_actors.simulator.thread import SimulatorThread

ROOT = Path(__file__).resolve().parents[2]
WITHIN_S = 20.0
NEVER_S = 1e9
"""For the SDK's own watchdog, which would reconnect in a quiet market."""
CLOSE_WITHIN_S = 5.0
LIQUID, ROUND_THE_CLOCK = "MNQ", "MBT"

USER_EVENTS = ("account_update", "position_update", "order_update", "trade_execution")
MARKET_EVENTS = ("quote_update", "market_trade")


class Failed(Exception):  # noqa: N818 - it is a verdict
    """Something is wrong; the text says what, without a secret."""


class Heard:
    """Waits for the first event of a hub."""

    def __init__(self) -> None:
        self.name: str | None = None
        self._came = asyncio.Event()

    async def listen(self, client: Any, names: tuple[str, ...]) -> None:
        """Hear any of these events."""
        for name in names:
            await client.add_callback(name, self._hearer(name))

    def _hearer(self, name: str) -> Any:
        async def hear(_event: Any) -> None:
            self.name = self.name or name
            self._came.set()

        return hear

    async def first(self, within_s: float) -> str | None:
        """Return the first event's name; None when none comes."""
        try:
            await asyncio.wait_for(self._came.wait(), within_s)
        except TimeoutError:
            return None
        return self.name


def main(arguments: list[str]) -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--within", type=float, default=WITHIN_S, metavar="SECONDS")
    parser.add_argument("--symbol", help="whose prices to wait for; one that trades now by itself")
    asked = parser.parse_args(arguments)
    symbol = asked.symbol or default_symbol(time.time_ns())
    adopt_sdk_loggers(logging.CRITICAL)
    logger.remove()
    try:
        environment = load_environment(dotenv_places(ROOT / "settings"))
    except SettingsError as error:
        print(f"The environment is wrong: {scrub(str(error))}")
        return 2
    with ExitStack() as stack:
        is_simulated = environment.credentials is None
        if environment.credentials is None:
            print("No credentials in the environment or in .env: asking the bundled simulator.")
            target = _simulated(symbol, stack)
        else:
            target = Target(environment.credentials, environment.endpoints or GatewayEndpoints())
            print(f"With credentials: asking {target.endpoints.api_url}")
        remember_secret(target.credentials.api_key)
        try:
            name = None if is_simulated else environment.account_name
            on_user = asyncio.run(_look(target, name, symbol, asked.within))
        except (Failed, LoginFailed) as error:
            print(f"FAILED: {scrub(str(error))}")
            return 1
        except Exception as error:  # noqa: BLE001 - the SDK raises all kinds
            print(f"FAILED: {type(error).__name__}: {scrub(str(error))}")
            return 1
    if is_simulated and on_user is None:
        print("FAILED: a trader who never rests is there, and the user hub sent nothing")
        return 1
    print("Well.")
    return 0


def default_symbol(now_ns: int) -> str:
    """Return a symbol that trades now."""
    return LIQUID if MarketCalendar().is_open(LIQUID, now_ns) else ROUND_THE_CLOCK


def _simulated(symbol: str, stack: ExitStack) -> Target:
    """Start the simulator with a trader who never rests; it is stopped when the stack ends."""
    # The SDK's HTTP client would ask a proxy from the environment for this machine's own port.
    os.environ["NO_PROXY"] = f"{os.environ.get('NO_PROXY', '')},127.0.0.1".lstrip(",")
    paper = PaperSettings(trader="overtrading", symbol=symbol, pace=10.0)
    simulator = stack.enter_context(SimulatorThread(paper.to_simulator()))
    return _target_of(simulator)


def _target_of(simulator: SimulatorThread) -> Target:
    """Return how to log in to a simulator."""
    settings = simulator.gateway.settings
    return Target(
        Credentials(username=settings.username, api_key=settings.api_key),
        GatewayEndpoints(
            api_url=simulator.api_url,
            user_hub_url=simulator.user_hub_url,
            market_hub_url=simulator.market_hub_url,
        ),
    )


async def _look(
    target: Target, account_name: str | None, symbol: str, within_s: float
) -> str | None:
    session = Session(GatewaySettings(), target.credentials, target.endpoints, SystemClock())
    began_s = time.monotonic()
    try:
        await session.login()
        print(f"login       accepted in {time.monotonic() - began_s:.1f} s")
        account = await _account(session, account_name)
        print(f"account     {account.name}")
        contract = await session.client.get_instrument(symbol)
        print(f"contract    {contract.id}")
        return await _listen(session, str(account.id), str(contract.id), symbol, within_s)
    finally:
        await asyncio.wait_for(session.close(), CLOSE_WITHIN_S)


async def _account(session: Session, account_name: str | None) -> Any:
    accounts = await session.client.list_accounts()
    wanted = [
        account
        for account in accounts
        if account_name is None or account.name.casefold() == account_name.casefold()
    ]
    if not wanted:
        names = ", ".join(account.name for account in accounts) or "none"
        raise Failed(f"no such account: {account_name}; there are: {names}")
    return wanted[0]


async def _listen(
    session: Session, account_id: str, contract_id: str, symbol: str, within_s: float
) -> str | None:
    client = ProjectXRealtimeClient(session.token, account_id, config=session.config)
    client.stale_feed_seconds = NEVER_S
    user, market = Heard(), Heard()
    await user.listen(client, USER_EVENTS)
    await market.listen(client, MARKET_EVENTS)
    try:
        if not await client.connect():
            raise Failed("the hubs could not be connected; `risk-actors doctor` looks closer")
        if not await client.subscribe_user_updates():
            raise Failed("the user hub refused the subscription")
        if not await client.subscribe_market_data([contract_id]):
            raise Failed("the market hub refused the subscription")
        began_s = time.monotonic()
        on_user, on_market = await asyncio.gather(user.first(within_s), market.first(within_s))
        _judge(on_user, on_market, symbol, within_s, time.monotonic() - began_s)
        return on_user
    finally:
        await asyncio.wait_for(client.cleanup(), CLOSE_WITHIN_S)


def _judge(
    on_user: str | None, on_market: str | None, symbol: str, within_s: float, took_s: float
) -> None:
    """Say what was heard.

    Raises:
        Failed: an open market sent nothing.
    """
    quiet = f"quiet: subscribed, and no event within {within_s:g} s"
    print(f"user hub    {on_user or f'{quiet}, as of an account in which nothing happens'}")
    is_open = MarketCalendar().is_open(symbol, time.time_ns())
    if on_market is None and is_open:
        raise Failed(f"the market of {symbol} is open, and the market hub sent nothing of it")
    print(f"market hub  {on_market or f'{quiet}: the market of {symbol} is closed'}")
    print(f"            (after {took_s:.1f} s at most)")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
