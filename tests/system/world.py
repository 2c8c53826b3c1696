"""The whole actor system on a virtual clock and a seeded scheduler, with a broker in memory."""

from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from risk_actors.actors.picture import AccountPicture, Picture
from risk_actors.actors.view import PictureFrame
from risk_actors.app.system import ActorSystem, Blueprint
from risk_actors.core.last_run import LastRun
from risk_actors.core.rules import Rule, catalogue
from risk_actors.core.trading_calendar import TradingCalendar
from risk_actors.core.unlock_policy import NEVER, UnlockTerms
from risk_actors.fuzz.broker import MS, Broker, Faults, S
from risk_actors.fuzz.memory_store import MemoryJournal, MemoryLocks
from risk_actors.runtime.clock import Clock, VirtualClock
from risk_actors.runtime.control import Pulse
from risk_actors.runtime.stepped import SteppedScheduler
from risk_actors.simulator.checker import reduce_only

START_NS = 1_794_931_200 * S
"""Tuesday 2026-11-17 16:00 UTC, 10:00 in Chicago: the market is open."""

CHICAGO_DAYS = TradingCalendar(
    zone=ZoneInfo("America/Chicago"), daily_reset="0 17 * * *", weekly_reset="0 17 * * SUN"
)


def rule(type_: str, **settings: Any) -> Rule[Any, Any]:
    kind = catalogue()[type_]
    return kind(kind.Settings(id=settings.pop("id", type_), **settings))


class World:
    """Broker, actors and clock of one run."""

    def __init__(
        self,
        seed: int,
        *rules: Rule[Any, Any],
        faults: Faults | None = None,
        start_ns: int = START_NS,
        calendar: TradingCalendar = CHICAGO_DAYS,
        last_run: LastRun | None = None,
        unlock: UnlockTerms = NEVER,
    ) -> None:
        self.clock = VirtualClock(start_ns)
        self.broker = Broker(self.clock, seed, faults=faults or Faults())
        self.locks, self.journal = MemoryLocks(), MemoryJournal()
        self._seed, self._rules, self._calendar = seed, rules, calendar
        self._unlock = unlock
        self.start(last_run or LastRun(), self.clock)

    def start(self, last_run: LastRun, clock: Clock) -> None:
        """Begin with new actors on the same broker and store, as after a kill.

        Args:
            last_run: what the run before left.
            clock: the clock of the PC that the actors run on; the broker has its own.
        """
        self.frame = PictureFrame(Picture(version="t", mode="paper", armed=True, phase="starting"))
        self.system = ActorSystem(
            Blueprint(
                accounts=self.broker.accounts,
                rules=self._rules,
                calendar=self._calendar,
                started_ns=clock.now_ns(),
                armed=True,
                quote_stale_after_ns=10 * S,
                session=self.broker,
                open_locks=lambda: self.locks,
                open_journal=lambda: self.journal,
                frame=self.frame,
                last_run=last_run,
                unlock=self._unlock,
            )
        )
        self.scheduler = SteppedScheduler(clock, self._seed)
        self.scheduler.start(self.system.specs)
        self.broker.emit = self.system.inbound.send
        self.reconcile()

    def reconcile(self) -> None:
        for account_id in self.broker.accounts:
            self.broker.request_snapshot(account_id, "test", f"snap-{self.clock.now_ns()}")

    def run(self, for_s: float, *, trader: Random | None = None) -> None:
        """Let virtual time pass: a tick every 100 ms, prices twice a second, the trader at will."""
        end_ns = self.clock.now_ns() + int(for_s * S)
        tick_ns = self.clock.now_ns()
        tick = 0
        while self.clock.now_ns() < end_ns:
            due_ns = self.broker.next_due_ns()
            next_ns = min(tick_ns, end_ns if due_ns is None else due_ns)
            self.clock.advance(max(next_ns - self.clock.now_ns(), 0))
            self.broker.run_due()
            if self.clock.now_ns() >= tick_ns:
                tick_ns += 100 * MS
                tick += 1
                if tick % 5 == 0:
                    self.broker.quote_all()
                if trader is not None and trader.random() < 0.08:
                    self.broker.trade(trader)
                if tick % 300 == 0:
                    self.reconcile()
                self.system.timer_mailbox.deliver(Pulse())
            self.scheduler.run_until_idle()

    def account(self, account_id: int) -> AccountPicture:
        return next(a for a in self.frame.picture.accounts if a.id == account_id)

    def locked_accounts(self) -> set[int]:
        return {
            account.id
            for account in self.frame.picture.accounts
            if any(lock.scope == "account" for lock in account.locks)
        }

    def assert_safe(self) -> None:
        """I1, I2, I6, I9: hold at any moment, whatever the broker does."""
        assert reduce_only(self.broker.journal, []) == []
        assert self.broker.violations == []
        known = {entry.correlation_id for entry in self.journal.entries}
        unexplained = [c for _, c in self.broker.commands if c.correlation_id not in known]
        assert unexplained == []
        assert self.system.dead_letters.total == 0

    def assert_agrees_with_broker(self) -> None:
        """I8: once things are quiet, the picture is the broker's."""
        for account_id in self.broker.accounts:
            shown = self.account(account_id)
            trades = [t for t in self.broker.exchange.trades if t.account_id == account_id]
            gross = sum((t.pnl_usd or Decimal(0) for t in trades), Decimal(0))
            costs = sum((t.fees_usd + t.commissions_usd for t in trades), Decimal(0))
            assert {p.contract: p.size for p in shown.positions} == self.broker.open_sizes(
                account_id
            )
            assert {o.id for o in shown.orders} == self.broker.working_ids(account_id)
            assert shown.day.realized == round(float(gross - costs), 2)
            assert shown.day.fees == round(float(costs), 2)

    def assert_locked_is_flat(self) -> None:
        """I3, I4: what is locked is flat, and no enforcement is under way any more."""
        for account_id in self.broker.accounts:
            assert self.account(account_id).enforcement is None
            if any(lock.scope == "account" for lock in self.account(account_id).locks):
                assert self.broker.open_sizes(account_id) == {}
                assert self.broker.working_ids(account_id) == set()
