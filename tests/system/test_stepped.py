"""The whole actor system on a virtual clock and a seeded scheduler, with faults.

A failing seed is run again by its test id, for example:
    pytest "tests/system/test_stepped.py::test_invariants_hold_under_faults[7]"
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from zoneinfo import ZoneInfo

import pytest
from memory_broker import MS, Broker, Faults, S

from risk_actors.actors.journal import Entry
from risk_actors.actors.picture import AccountPicture, Picture
from risk_actors.actors.view import PictureFrame
from risk_actors.app.system import ActorSystem, Blueprint
from risk_actors.core.account_state import AccountState
from risk_actors.core.broker import Fill
from risk_actors.core.command_slot import SlotEvent
from risk_actors.core.enforcement import EnforcementPlan
from risk_actors.core.enforcement_effects import Effect
from risk_actors.core.lock import Lock
from risk_actors.core.pnl_book import PnlBook
from risk_actors.core.rules import Rule, catalogue
from risk_actors.core.trading_calendar import TradingCalendar
from risk_actors.runtime.clock import VirtualClock
from risk_actors.runtime.control import Pulse
from risk_actors.runtime.stepped import ActorFailedError, SteppedScheduler
from risk_actors.simulator.checker import reduce_only

START_NS = 1_794_931_200 * S
"""Tuesday 2026-11-17 16:00 UTC, 10:00 in Chicago: the market is open."""
SEEDS = range(12)


@dataclass
class MemoryLocks:
    """The edge of the store: what a lock store would keep."""

    saved: dict[int, Lock] = field(default_factory=dict)
    ended: set[int] = field(default_factory=set)

    def in_force(self, now_ns: int) -> list[Lock]:
        return [
            lock
            for lock in self.saved.values()
            if lock.id not in self.ended and (lock.until_ns is None or lock.until_ns > now_ns)
        ]

    def last_id(self) -> int:
        return max(self.saved, default=0)

    def save(self, lock: Lock) -> None:
        self.saved[lock.id] = lock

    def end(self, lock: Lock, at_ns: int) -> None:
        self.ended.add(lock.id)

    def close(self) -> None:
        pass


@dataclass
class MemoryJournal:
    """The edge of the store: the record."""

    entries: list[Entry] = field(default_factory=list)

    def append(self, entries: list[Entry]) -> None:
        self.entries += entries

    def close(self) -> None:
        pass


def rule(type_: str, **settings: object) -> Rule[object, object]:
    kind = catalogue()[type_]
    return kind(kind.Settings(id=settings.pop("id", type_), **settings))


class World:
    """Broker, actors and clock of one run."""

    def __init__(self, seed: int, *rules: Rule[object, object], faults: Faults | None = None):
        self.clock = VirtualClock(START_NS)
        self.broker = Broker(self.clock, seed, faults=faults or Faults())
        self.locks, self.journal = MemoryLocks(), MemoryJournal()
        self.frame = PictureFrame(Picture(version="t", mode="paper", armed=True, phase="starting"))
        self.system = ActorSystem(
            Blueprint(
                accounts=self.broker.accounts,
                rules=rules,
                calendar=TradingCalendar(
                    zone=ZoneInfo("America/Chicago"),
                    daily_reset="0 17 * * *",
                    weekly_reset="0 17 * * SUN",
                ),
                started_ns=self.clock.now_ns(),
                armed=True,
                quote_stale_after_ns=10 * S,
                session=self.broker,
                open_locks=lambda: self.locks,
                open_journal=lambda: self.journal,
                frame=self.frame,
            )
        )
        self.scheduler = SteppedScheduler(self.clock, seed)
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


@pytest.fixture
def world() -> Iterator[World]:
    made = World(
        1,
        rule("max_contracts", limit=5),
        rule("max_contracts_per_instrument", limits={"ES": 3}),
        rule("daily_loss_limit", limit_usd=300.0),
    )
    yield made
    made.scheduler.stop()


def test_a_quiet_account_is_armed_and_gets_no_command(world: World) -> None:
    world.run(5)

    assert world.broker.commands == []
    assert world.frame.picture.accounts[0].balance == 50_000.0


@pytest.mark.parametrize("seed", SEEDS)
def test_invariants_hold_with_a_broker_at_its_best(seed: int) -> None:
    world = World(
        seed,
        rule("max_contracts", limit=5),
        rule("max_contracts_per_instrument", limits={"ES": 3}),
        rule("daily_loss_limit", limit_usd=300.0),
        rule("daily_profit_target", target_usd=400.0),
    )

    world.run(90, trader=Random(f"trader {seed}"))
    world.assert_safe()
    world.run(40)

    world.assert_safe()
    world.assert_agrees_with_broker()
    world.assert_locked_is_flat()
    world.scheduler.stop()


@pytest.mark.parametrize("seed", SEEDS)
def test_invariants_hold_under_faults(seed: int) -> None:
    faults = Faults(
        lose_event=0.05,
        repeat_event=0.1,
        late_event=0.1,
        lose_answer=0.1,
        not_done=0.1,
        refuse=0.1,
        fail_snapshot=0.1,
    )
    world = World(
        seed,
        rule("max_contracts", limit=5),
        rule("symbol_block", blocked=("ES",)),
        rule("daily_loss_limit", limit_usd=300.0),
        faults=faults,
    )

    world.run(120, trader=Random(f"trader {seed}"))
    world.assert_safe()
    world.broker.faults = Faults()
    world.run(100)
    locked = world.locked_accounts()
    sent_until_then = len(world.broker.commands)
    world.run(30)

    world.assert_safe()
    world.assert_agrees_with_broker()
    world.assert_locked_is_flat()
    # I6: with the trader gone, nothing is left to do in an account that is locked and flat.
    late = world.broker.commands[sent_until_then:]
    assert [command for _, command in late if command.account_id in locked] == []
    world.scheduler.stop()


def free_every_slot(plan: EnforcementPlan, state: AccountState, now_ns: int) -> None:
    """A broken plan: whatever the broker shows counts as the effect (breaks I2)."""
    del state
    for slot in plan._slots():
        if slot.is_outstanding:
            slot.apply(SlotEvent.SEEN, now_ns)


def forget_locks(
    plan: EnforcementPlan, locks: tuple[Lock, ...], correlation_id: str, now_ns: int
) -> list[Effect]:
    """A broken plan: no lock ever reaches it (breaks I4)."""
    del plan, locks, correlation_id, now_ns
    return []


def count_fills_twice(book: PnlBook, fill: Fill, times: int) -> None:
    """A broken book: every fill counts double (breaks I8)."""
    _ADD(book, fill, 2 * times)


_ADD = PnlBook._add


@pytest.mark.parametrize(
    ("owner", "name", "broken"),
    [
        (EnforcementPlan, "_observe", free_every_slot),
        (EnforcementPlan, "on_locks", forget_locks),
        (PnlBook, "_add", count_fills_twice),
    ],
    ids=["I2", "I4", "I8"],
)
def test_the_checks_catch_code_that_breaks_an_invariant(
    owner: type, name: str, broken: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, name, broken)

    with pytest.raises((AssertionError, ActorFailedError)):
        run_every_seed()


def run_every_seed() -> None:
    for seed in SEEDS:
        test_invariants_hold_with_a_broker_at_its_best(seed)
