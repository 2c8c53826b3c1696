"""A stage for scenarios: every actor on a virtual clock, with the broker in memory.

The actors, the rules' settings and the stores are put together as the daemon does it. Time runs
finely (a tick every 100 ms) while something happens or is waited for, and in strides
while nothing does, so that a week passes in seconds.
"""

import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import msgspec
from memory_broker import MS, Broker, S

from risk_actors import messages as m
from risk_actors.actors.picture import Picture
from risk_actors.actors.view import PictureFrame
from risk_actors.app.assembly import Surroundings, assemble
from risk_actors.app.rule_context import rule_context
from risk_actors.app.settings import TradingMode
from risk_actors.app.settings_load import load_settings
from risk_actors.core.broker import Account
from risk_actors.core.commands import CancelOrder, CloseContract, Command
from risk_actors.core.market_calendar import MarketCalendar
from risk_actors.runtime.clock import VirtualClock
from risk_actors.runtime.control import Pulse
from risk_actors.runtime.stepped import SteppedScheduler
from risk_actors.simulator.checker import reduce_only
from risk_actors.simulator.exchange import Exchange
from risk_actors.simulator.faults import Faults
from risk_actors.simulator.records import Quote
from risk_actors.simulator.scenario_referee import SeenCommand
from risk_actors.simulator.scenario_script import Deed, Script, session_date
from risk_actors.simulator.scenario_settings import write_settings
from risk_actors.simulator.scenario_state import Sight
from risk_actors.simulator.scenario_venue import Hands, holdings_of
from risk_actors.store.schema import DATABASE_FILE, migrate

WARM_UP_S = 2
"""The guard has been running for so long when a scenario starts."""
TICK_NS = 100 * MS
BUSY_NS = 3 * S
"""The actors, the rules' settings and the stores are put together as the daemon does it. Time runs
finely for so long after anything has happened."""
CLOSELY_NS = 1_500 * MS
"""So long before each step too."""
STRIDE_NS = 30 * S
CLOSED_STRIDE_NS = 600 * S
HEARTBEAT_NS = 2 * S
READ_EVERY_NS = 30 * S
READ_QUIETLY_EVERY_NS = 600 * S
OUTAGE_NS = 2 * S
"""How long a hub that was cut stays away."""
MARKET = MarketCalendar()


class MemoryVenue:
    """The broker's side, as scenarios see it."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self.exchange: Exchange = broker.exchange
        self.faults: Faults = broker.injected
        self.is_silent = False
        self.cut: list[str] = []

    def now_ns(self) -> int:
        return self._broker.clock.now_ns()

    def contract_of(self, symbol: str) -> str:
        return self.contract_ids[symbol]

    @property
    def contract_ids(self) -> dict[str, str]:
        return {c.symbol: c.contract_id for c in self.exchange.contracts.values()}

    def set_price(self, contract_id: str, quote: Quote) -> None:
        self._broker.set_price(contract_id, quote)

    def show_price(self, contract_id: str, quote: Quote) -> None:
        self._broker.show_price(contract_id, quote)

    def silence_quotes(self, *, silent: bool) -> None:
        self.is_silent = silent

    def cut_hubs(self, hub: str) -> None:
        self.cut.append(hub)


class MemoryStage:
    """Plays the part of `Stage` on a virtual clock."""

    slack_s = 0.0

    def __init__(self, script: Script, directory: Path, *, seed: int | None = None) -> None:
        scenario = script.scenario
        self._script = script
        self._seed = scenario.seed if seed is None else seed
        self._settings_dir, self._data_dir = directory / "settings", directory / "data"
        write_settings(script, self._settings_dir, script.start_ns)
        self._data_dir.mkdir()
        migrate(self._data_dir)
        self._clock = VirtualClock(script.start_ns - WARM_UP_S * S)
        accounts = scenario.broker.accounts
        self.broker = Broker(
            self._clock,
            self._seed,
            symbols=tuple(scenario.broker.prices),
            accounts={account.id: account.name for account in accounts},
            balances_usd={a.id: Decimal(repr(a.balance_usd)) for a in accounts},
            partial_fills=scenario.broker.partial_fills,
            opened_on=session_date(script.start_ns),
        )
        self._venue = MemoryVenue(self.broker)
        self._hands = Hands(scenario, self._venue)
        for account in accounts:
            self.broker.exchange.account(account.id).can_trade = account.can_trade
        for symbol, quote in script.first_quotes.items():
            self.broker.exchange.quotes[self._venue.contract_of(symbol)] = quote
        self._is_dead = False
        self._down: dict[str, int] = {}
        self._busy_until_ns = self._tick_ns = self._clock.now_ns()
        self._quoted_ns = self._read_ns = 0
        self._shown: tuple[object, dict[str, Any]] = (None, {})
        self._start()
        self.run_until(0.0, lambda: True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._is_dead:
            self._scheduler.stop()

    def _start(self) -> None:
        """Put the actors together as the daemon does, on the stores as they are."""
        settings = load_settings(self._settings_dir)
        is_armed = settings.armed is not False
        self._frame = PictureFrame(
            Picture(version="t", mode="live", armed=is_armed, phase="starting")
        )
        exchange = self.broker.exchange
        assembly = assemble(
            settings,
            rule_context(settings),
            [
                Account(
                    id=account_id,
                    name=name,
                    balance_usd=exchange.account(account_id).balance_usd,
                    can_trade=exchange.account(account_id).can_trade,
                )
                for account_id, name in self.broker.accounts.items()
            ],
            Surroundings(
                session=self.broker,
                frame=self._frame,
                data_dir=self._data_dir,
                clock=self._clock,
                mode=TradingMode.LIVE,
                armed=is_armed,
            ),
        )
        self._system = assembly.system
        self._scheduler = SteppedScheduler(self._clock, self._seed)
        self._scheduler.start(self._system.specs)
        self.broker.emit = self._system.inbound.send
        self._connect()

    # --- the stage ------------------------------------------------------------------------

    def now_s(self) -> float:
        return (self._clock.now_ns() - self._script.start_ns) / S

    def now_ns(self) -> int:
        return self._clock.now_ns()

    def run_until(self, at_s: float, look: Callable[[], bool]) -> None:
        end_ns = self._script.start_ns + round(at_s * S)
        while self._clock.now_ns() < end_ns:
            due_ns = self.broker.next_due_ns()
            next_ns = min(self._tick_ns, end_ns, end_ns if due_ns is None else due_ns)
            self._clock.advance(max(next_ns - self._clock.now_ns(), 0))
            if due_ns is not None and due_ns <= self._clock.now_ns():
                self._stir()
                self.broker.run_due()
                self._settle()
            # The instant of the next step belongs to that step.
            if self._tick_ns <= self._clock.now_ns() < end_ns:
                self._tick()
                if look():
                    self._stir()
                self._tick_ns = self._clock.now_ns() + self._stride_ns(end_ns)
        # What is to be done now is done at a tick, and what follows is looked at closely.
        self._stir()
        self._tick_ns = self._clock.now_ns()

    def wait_for(self, condition: Callable[[], bool], at_most_s: float) -> None:
        condition()

    def carry_out(self, deed: Deed) -> None:
        self._hands.carry_out(deed)
        self.broker.publish()
        for hub in self._venue.cut:
            self._cut(hub)
        self._venue.cut.clear()
        self._settle()

    def kill_guard(self) -> None:
        self._is_dead = True
        self.broker.emit = lambda _message: None
        for actor in self._scheduler._actors.values():
            # What the actors had not written yet is lost with them.
            store = getattr(actor, "_store", None)
            if store is not None:
                store.close()

    def start_guard(self) -> None:
        self._is_dead = False
        self._start()
        self.broker.repeat_quotes()
        self._settle()

    def commands(self) -> Sequence[SeenCommand]:
        return [self._seen(at_ns, command) for at_ns, command in self.broker.commands]

    def sight(self) -> Sight:
        return Sight(
            state=None if self._is_dead else self._state(),
            holdings={
                account_id: holdings_of(self.broker.exchange, account_id)
                for account_id in self.broker.accounts
            },
            order_ids=self._hands.order_ids,
            contract_ids=self._venue.contract_ids,
        )

    def violations(self) -> list[str]:
        found = [str(violation) for violation in reduce_only(self.broker.journal, [])]
        found += self.broker.violations
        database = sqlite3.connect(self._data_dir / DATABASE_FILE)
        known = {row[0] for row in database.execute("select correlation_id from record")}
        database.close()
        found += [
            f"I9: {command} has no cause"
            for _, command in self.broker.commands
            if command.correlation_id not in known
        ]
        if self._system.dead_letters.total:
            found.append("messages were sent to nobody")
        return found + self._scheduler.faults

    # --- time -----------------------------------------------------------------------------

    def _stir(self) -> None:
        self._busy_until_ns = self._clock.now_ns() + BUSY_NS

    def _stride_ns(self, end_ns: int) -> int:
        now_ns = self._clock.now_ns()
        if now_ns < self._busy_until_ns:
            return TICK_NS
        stride_ns = STRIDE_NS if MARKET.is_open(None, now_ns) else CLOSED_STRIDE_NS
        left_ns = min(edge_ns - now_ns for edge_ns in self._edges_ns(now_ns))
        # What comes a little before a step must not be taken for what the step expects.
        return max(min(stride_ns, left_ns, end_ns - CLOSELY_NS - now_ns), TICK_NS)

    def _edges_ns(self, now_ns: int) -> list[int]:
        """Return the instants ahead around which it matters when exactly a tick comes."""
        calendar = self._script.calendar
        edges = [calendar.day(now_ns).end_ns, calendar.week(now_ns).end_ns]
        for account in self._frame.picture.accounts:
            untils = [lock.until for lock in account.locks if lock.until is not None]
            edges += [int(datetime.fromisoformat(until).timestamp() * S) for until in untils]
        return [edge_ns for edge_ns in edges if edge_ns > now_ns] or [now_ns + STRIDE_NS]

    def _tick(self) -> None:
        now_ns = self._clock.now_ns()
        is_busy = now_ns < self._busy_until_ns
        if now_ns - self._quoted_ns >= HEARTBEAT_NS and MARKET.is_open(None, now_ns):
            self._quoted_ns = now_ns
            if not (self._venue.is_silent or "market" in self._down):
                self.broker.repeat_quotes()
                self._settle()
        if now_ns - self._read_ns >= (READ_EVERY_NS if is_busy else READ_QUIETLY_EVERY_NS):
            self._read_ns = now_ns
            if not self._is_dead:
                self._read_accounts()
        for hub in [hub for hub, until_ns in self._down.items() if until_ns <= now_ns]:
            del self._down[hub]
            self._connect()
        if not self._is_dead:
            self._system.timer_mailbox.deliver(Pulse())
        self._settle()

    def _settle(self) -> None:
        if not self._is_dead:
            self._scheduler.run_until_idle()

    # --- the connection -------------------------------------------------------------------

    def _cut(self, hub: str) -> None:
        for name in ("user", "market") if hub == "*" else (hub,):
            self._down[name] = self._clock.now_ns() + OUTAGE_NS
        self._connect()

    def _connect(self) -> None:
        """Tell how the ways to the broker stand, and read everything anew, as the session does."""
        now_ns = self._clock.now_ns()
        self.broker.hears_user_hub = "user" not in self._down
        self.broker.emit(
            m.ConnectionChanged(
                correlation_id=f"connection-{now_ns}",
                at_ns=now_ns,
                user_hub="user" not in self._down,
                market_hub="market" not in self._down,
                rest=True,
                fallback="polling" if self._down else None,
            )
        )
        if not self._is_dead:
            self._read_accounts()

    def _read_accounts(self) -> None:
        for account_id in self.broker.accounts:
            self.broker.request_snapshot(account_id, "timer", f"read-{self._clock.now_ns()}")

    # --- what is seen ---------------------------------------------------------------------

    def _state(self) -> dict[str, Any]:
        picture = self._frame.picture
        if self._shown[0] is not picture:
            self._shown = (picture, msgspec.to_builtins(picture))
        return self._shown[1]

    def _seen(self, at_ns: int, command: Command) -> SeenCommand:
        at_s = (at_ns - self._script.start_ns) / S
        match command:
            case CloseContract():
                return SeenCommand(
                    at_s=at_s,
                    kind="close",
                    account_id=command.account_id,
                    contract_id=command.contract_id,
                    size=command.size,
                )
            case CancelOrder():
                return SeenCommand(
                    at_s=at_s,
                    kind="cancel",
                    account_id=command.account_id,
                    order_id=command.order_id,
                )
        return SeenCommand(
            at_s=at_s,
            kind="move",
            account_id=command.account_id,
            order_id=command.order_id,
            stop_price=float(command.stop_price),
        )
