"""The guard on its stage: actors, stores, clocks, and the session's share of the connection.

The actors are put together as the daemon does it and run on the seeded single-thread scheduler.
What the session does in its own threads is played here: it tells how the ways to the broker stand,
reads accounts on a timer, after every change, and again soon when a read failed.
"""

from datetime import UTC, datetime
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from risk_actors import messages as m
from risk_actors.actors.enforcer import PLAN_BROKE
from risk_actors.actors.operator import OperatorInlet
from risk_actors.actors.picture import AccountPicture, Picture
from risk_actors.actors.view import PictureFrame
from risk_actors.app.supervision import RESYNC
from risk_actors.app.system import ActorSystem, Blueprint
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.market_calendar import MarketCalendar
from risk_actors.core.news import NewsCalendar, NewsEvent
from risk_actors.core.rules import Mode, Rule, catalogue
from risk_actors.core.rules.base import RuleContext
from risk_actors.core.trading_calendar import TradingCalendar
from risk_actors.core.unlock_policy import UnlockTerms
from risk_actors.fuzz import kinds as k
from risk_actors.fuzz.broker import S
from risk_actors.fuzz.day import Day
from risk_actors.fuzz.hostile import HostileBroker
from risk_actors.fuzz.kept import KeptStore
from risk_actors.runtime.clock import Clock, Reference, SystemClock, VirtualClock
from risk_actors.runtime.control import Pulse
from risk_actors.runtime.stepped import ActorFailedError, Restarts, SteppedScheduler


def _calendar() -> TradingCalendar:
    return TradingCalendar(
        zone=ZoneInfo("America/Chicago"), daily_reset="0 17 * * *", weekly_reset="0 17 * * SUN"
    )


CALENDAR = _calendar()
"""The guard's."""
CHECKED_BY = _calendar()
"""The checks'; a calendar remembers the last window it was asked for, and they ask for others."""
MARKET = MarketCalendar()
CLOCK_DOUBT_NS = S // 2
"""The broker tells whole seconds: a PC's clock that was wrong is put right to within so much, and
then it is behind, for it errs on the late side."""
READ_EVERY_NS = 30 * S
READ_QUIETLY_EVERY_NS = 1800 * S
POLL_EVERY_NS = 3 * S
"""How often accounts are read while the user hub is down."""
READ_AGAIN_AFTER_NS = 2 * S
BUSY_AT_MOST = 20_000
"""No chain of messages is longer than this (I6)."""
HUBS = {k.USER_HUB_DOWN: "user", k.MARKET_HUB_DOWN: "market", k.REST_DOWN: "rest"}


def instant_ns(text: str) -> int:
    """Return the instant that a picture shows as text."""
    return int(datetime.fromisoformat(text).timestamp() * S)


class BusyForeverError(Exception):
    """The actors kept each other busy (which I6 rules out)."""


class Stage:
    """One day's broker and guard; `play.py` moves it through the day."""

    def __init__(self, day: Day) -> None:
        self.day = day
        self.clock = VirtualClock(day.start_ns)
        self._pc_ahead_ns = int((day.pc_ahead_s or 0.0) * S)
        self.broker = HostileBroker(
            self.clock,
            day.seed,
            symbols=day.symbols,
            accounts={account.id: account.name for account in day.accounts},
            balances_usd={a.id: Decimal(str(a.balance_usd)) for a in day.accounts},
            partial_fills=day.partial_fills,
            opened_on=datetime.fromtimestamp(day.start_ns // S, UTC).date(),
        )
        self.contract_ids = {
            contract.symbol: contract.contract_id
            for contract in self.broker.exchange.contracts.values()
        }
        self.context = RuleContext(CALENDAR, MARKET, NewsCalendar(self._news()))
        self.rules: tuple[Rule[Any, Any], ...] = tuple(map(self._rule, day.rules))
        self.store = KeptStore(CALENDAR, day.start_ns)
        self.unlock = UnlockTerms(policy=day.unlock, delay_ns=day.unlock_delay_s * S)
        self.told = {"user": True, "market": True, "rest": True}
        self._rng = Random(f"stage {day.seed}")
        self._read_ns = 0
        self.pulsed_ns = self.pulsed_before_ns = 0
        """When the guard's clock ticked last, and the time before."""
        self.is_dead = True
        self.dies_after: int | None = None
        self.deaths_ns: list[int] = []
        self.start()

    def _news(self) -> list[NewsEvent]:
        start_ns = self.day.start_ns
        return [
            NewsEvent(at_ns=start_ns + int(each.at_s * S), name="release", symbols=each.symbols)
            for each in self.day.news
        ]

    def _rule(self, settings: dict[str, Any]) -> Rule[Any, Any]:
        kind = catalogue()[settings["type"]]
        return kind(msgspec.convert(settings, kind.Settings), self.context)

    # --- life and death of the guard ----------------------------------------------------------

    def start(self) -> None:
        """Begin a process on the store as it is."""
        self.guard_clock = self._guard_clock()
        self.broker.guard_clock = self.guard_clock
        self.broker.heard_since_ns = self.clock.now_ns()
        self.frame = PictureFrame(Picture(version="f", mode="live", armed=True, phase="starting"))
        rules = tuple(rule for rule in self.rules if rule.settings.mode is not Mode.OFF)
        self.system = ActorSystem(
            Blueprint(
                accounts=self.broker.accounts,
                rules=rules,
                calendar=CALENDAR,
                started_ns=self.guard_clock.now_ns(),
                armed=True,
                quote_stale_after_ns=10 * S,
                session=self.broker,
                open_locks=lambda: self.store.locks,
                open_journal=self.store.open_journal,
                frame=self.frame,
                market=MARKET,
                memories=self.store.memories(rules),
                openings=self.store.openings(),
                seen_fills=self.store.seen_fills(),
                last_run=self.store.last_run(),
                unlock=self.unlock,
            )
        )
        self.restarts = Restarts(outbox=self.system.supervisor_outbox, resync=RESYNC)
        self.scheduler = SteppedScheduler(
            self.guard_clock,
            self._rng.randrange(1 << 30),
            self.restarts,
            is_ranked=self.day.seed % 2 == 1,
        )
        self.scheduler.start(self.system.specs)
        self.inlet = OperatorInlet(
            self.system.operator_outbox,
            self.guard_clock,
            self.broker.accounts,
            armed=True,
            unlock=self.unlock,
            picture=lambda: self.frame.picture,
            zone=CALENDAR.zone,
        )
        self.broker.hear = self.system.inbound.send
        self.is_dead = False
        self.broker.hears_user_hub = not self.broker.is_on(k.USER_HUB_DOWN)
        for fault, name in HUBS.items():
            self.told[name] = not self.broker.is_on(fault)
        self._tell_connection()
        self.read_accounts("start")

    def _guard_clock(self) -> Clock:
        if self.day.pc_ahead_s is None:
            return self.clock
        clock = SystemClock(
            lambda: self.clock.now_ns() + self._pc_ahead_ns, self.clock.monotonic_ns
        )
        now_ns = self.clock.now_ns()
        reference = Reference(
            clock.monotonic_ns(), now_ns - CLOCK_DOUBT_NS, now_ns + CLOCK_DOUBT_NS
        )
        clock.set_reference(reference, is_start=True)
        return clock

    def set_pc_clock(self, by_s: float) -> None:
        """Set the clock of the guard's PC; a PC that has the broker's own cannot be set."""
        self._pc_ahead_ns += int(by_s * S)

    def die(self) -> None:
        """End the process: whatever it had not sent or written is gone."""
        self.is_dead = True
        self.deaths_ns.append(self.clock.now_ns())
        self.dies_after = None
        self.broker.hear = lambda _message: None
        self.broker.hears_user_hub = False

    def fail(self, which: float) -> None:
        """Let an actor fail at the next message that it takes."""
        specs = self.system.specs
        self.scheduler.fail(specs[min(int(which * len(specs)), len(specs) - 1)].address)

    def settle(self) -> None:
        """Let the actors handle what waits; they may be killed on the way."""
        if self.is_dead:
            return
        if self.dies_after is None:
            try:
                self.scheduler.run_until_idle(BUSY_AT_MOST)
            except RuntimeError as error:
                raise BusyForeverError(str(error)) from error
            self._check_plans()
            return
        try:
            self.dies_after -= self.scheduler.run_until_idle(self.dies_after)
        except RuntimeError:
            self.die()

    def _check_plans(self) -> None:
        """Make a failure of an enforcement plan that broke, which its actor survives."""
        for fault in self.scheduler.faults:
            if PLAN_BROKE in fault:
                raise ActorFailedError(fault)

    # --- the session ------------------------------------------------------------------------

    def pulse(self, *, is_quiet: bool = False) -> None:
        """Let the guard's own clock tick, and the session do what is due."""
        if self.is_dead:
            return
        self.pulsed_before_ns, self.pulsed_ns = self.pulsed_ns, self.clock.now_ns()
        self._keep_reading(is_quiet=is_quiet)
        self.system.timer_mailbox.deliver(Pulse())
        self.settle()

    def _keep_reading(self, *, is_quiet: bool) -> None:
        waited_ns = self.clock.now_ns() - self._read_ns
        if self.broker.snapshots_failed and waited_ns >= READ_AGAIN_AFTER_NS:
            self.read_accounts("again")
        elif not self.told["user"] and waited_ns >= POLL_EVERY_NS:
            self.read_accounts("polling")
        elif waited_ns >= (READ_QUIETLY_EVERY_NS if is_quiet else READ_EVERY_NS):
            self.read_accounts("timer")

    def read_accounts(self, reason: str) -> None:
        """Read everything anew."""
        if self.is_dead:
            return
        self._read_ns = self.clock.now_ns()
        for account_id in self.broker.accounts:
            self.broker.request_snapshot(account_id, reason, f"read-{self._read_ns}")

    def connection_changed(self, name: str, *, is_up: bool) -> None:
        """Let the session notice, after a while, that a way to the broker went or came back."""
        if name == "user":
            self.broker.hears_user_hub = is_up and not self.is_dead
        delay_ns = int(self._rng.uniform(0.01, 0.5 if is_up else 3.0) * S)

        def notice() -> None:
            stands = not any(fault for fault in self.broker.on if HUBS.get(fault.kind) == name)
            if self.told[name] != stands:
                self.told[name] = stands
                self._tell_connection()
            # A gap that was over before it was noticed is a gap all the same.
            self.read_accounts("connection changed")

        self.broker.later(delay_ns, notice)

    def _tell_connection(self) -> None:
        if self.is_dead:
            return
        now_ns = self.guard_clock.now_ns()
        self.broker.emit(
            m.ConnectionChanged(
                correlation_id=f"connection-{now_ns}",
                at_ns=now_ns,
                user_hub=self.told["user"],
                market_hub=self.told["market"],
                rest=self.told["rest"],
                fallback=None if self.told["user"] and self.told["market"] else "polling",
            )
        )

    # --- what is seen -----------------------------------------------------------------------

    @property
    def now_s(self) -> float:
        """Seconds since the start of the day."""
        return (self.clock.now_ns() - self.day.start_ns) / NS_PER_S

    def account(self, account_id: int) -> AccountPicture:
        """Return what is shown of an account."""
        return next(a for a in self.frame.picture.accounts if a.id == account_id)

    def waiting(self) -> int:
        """Return how many messages wait in all mailboxes."""
        return sum(spec.mailbox.depth for spec in self.system.specs)
