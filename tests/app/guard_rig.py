"""A guard on a simulated gateway, without the rest of the daemon."""

import sqlite3
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import date
from pathlib import Path

from risk_actors.app.fills_window import FillsWindow
from risk_actors.app.guard import RENEW_AFTER_NS, Guard
from risk_actors.app.rule_context import rule_context
from risk_actors.app.settings import TradingMode
from risk_actors.app.settings_keeper import SettingsKeeper
from risk_actors.app.settings_load import load_settings
from risk_actors.core.evidence import NS_PER_S
from risk_actors.projectx.gateway import ProjectXGateway
from risk_actors.projectx.settings import Credentials, GatewayEndpoints
from risk_actors.runtime.clock import SystemClock
from risk_actors.simulator import SimulatorSettings, SimulatorThread
from risk_actors.store.recovery import open_or_recover

DEADLINE_S = 60
HOUR_NS = 3600 * NS_PER_S
RULES = '[[rules]]\nid = "size"\ntype = "max_contracts"\nlimit = 5\n'


class MovableClock(SystemClock):
    """The machine's clock, and as much more as a test says."""

    def __init__(self) -> None:
        super().__init__()
        self.ahead_ns = 0

    def now_ns(self) -> int:
        return super().now_ns() + self.ahead_ns


def eventually(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


class Rig:
    """A guard on a simulated gateway, without the rest of the daemon."""

    def __init__(self, directory: Path, stack: ExitStack, notices: tuple[str, ...] = ()) -> None:
        (directory / "risk.toml").write_text(RULES, encoding="utf-8")
        self.directory = directory
        self.clock = MovableClock()
        open_or_recover(directory, self.clock.now_ns())
        settings = SimulatorSettings(auto_prices=False, contract_date=date(2026, 11, 21))
        self.sim = stack.enter_context(SimulatorThread(settings))
        account = settings.accounts[0]
        self.account_id = account.id
        wanted = load_settings(directory)
        window = FillsWindow(rule_context(wanted).calendar)
        session = ProjectXGateway(
            wanted.gateway,
            Credentials(username=settings.username, api_key=settings.api_key),
            GatewayEndpoints(
                api_url=self.sim.gateway.api_url,
                user_hub_url=self.sim.gateway.user_hub_url,
                market_hub_url=self.sim.gateway.market_hub_url,
            ),
            self.clock,
            window,
        )
        accounts = session.connect()
        stack.callback(session.stop)
        self.keeper = SettingsKeeper(wanted, None, None, self.clock)
        self.guard = Guard(
            session,
            accounts,
            window,
            data_dir=directory,
            clock=self.clock,
            mode=TradingMode.PAPER,
            notices=notices,
        )
        stack.callback(self.guard.stop)
        self.guard.start(self.keeper.in_force)
        stack.callback(session.stop)
        self.wait_until_armed()

    def wait_until_armed(self) -> None:
        eventually(lambda: self.guard.picture().phase == "armed", "armed")

    def runs(self) -> int:
        database = sqlite3.connect(self.directory / "risk.db")
        try:
            return int(database.execute("select count(*) from runs").fetchone()[0])
        finally:
            database.close()

    def renew(self) -> None:
        """Have the actors made anew for the day, once they are quiet after the reset."""
        before = self.runs()

        def is_renewed() -> bool:
            self.guard.renew()
            return self.runs() > before

        eventually(is_renewed, "made anew")

    def begin_another_day(self) -> None:
        """Move the clock past the reset, and as far as the actors wait after it."""
        self.clock.ahead_ns += 24 * HOUR_NS
        assert self.keeper.look()
        self.guard.take(self.keeper.in_force)
        since_ns = self.clock.now_ns() - self.keeper.in_force.day_start_ns
        self.clock.ahead_ns += max(RENEW_AFTER_NS - since_ns, 0)
