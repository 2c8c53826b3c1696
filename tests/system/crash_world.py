"""The stepped world with a store on disk, where the guard is killed as by SIGKILL, at any message.

What a kill leaves behind is the data directory as it lies there at that instant: it is copied, the
copy is what the next start finds. Whatever the actors do after that happens to a directory nobody
looks at any more: what was not written is lost, what was not committed never was.
"""

import json
import shutil
import sqlite3
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import msgspec
from memory_broker import MS, Broker, Faults, S
from properties.naive_history import NaiveHistory
from world import CHICAGO_DAYS, START_NS

from risk_actors import messages as m
from risk_actors.actors.picture import AccountPicture, Picture
from risk_actors.actors.rule import RuleActor
from risk_actors.actors.view import PictureFrame
from risk_actors.app.assembly import Surroundings, assemble
from risk_actors.app.rule_context import rule_context
from risk_actors.app.settings import TradingMode
from risk_actors.app.settings_load import load_settings
from risk_actors.core.broker import Account
from risk_actors.core.commands import Command
from risk_actors.core.lock import LockSpan
from risk_actors.projectx import translation
from risk_actors.runtime.clock import VirtualClock
from risk_actors.runtime.control import Pulse
from risk_actors.runtime.stepped import SteppedScheduler
from risk_actors.simulator import payloads
from risk_actors.simulator.checker import reduce_only
from risk_actors.simulator.records import Trade
from risk_actors.store.schema import DATABASE_FILE, RECORD_TABLES, migrate

IN_THE_LANE_NS = 3 * MS
"""How long a command is on its way inside the process, at the most: killed then, it is not sent."""
ARMED_FROM_USD = 5
"""From here on the rules of these tests remember a peak."""
ON_ITS_WAY_NS = 2 * S
"""How long a fill's event may be on its way to us, at the most."""
WRITTEN_WITHIN_NS = 50 * MS
READ_EVERY_NS = 30 * S
TICK_NS = 100 * MS
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class _Killed(Exception):  # noqa: N818 - no error, the end of a process
    """The guard has just been killed."""


class _Session:
    """The session of one process: what it has not sent when the process dies is never sent."""

    def __init__(self, broker: Broker, rng: Random) -> None:
        self._broker = broker
        self._rng = rng
        self.is_alive = True

    def submit(self, command: Command) -> None:
        def send() -> None:
            if self.is_alive:
                self._broker.submit(command)

        self._broker.later(self._rng.randint(0, IN_THE_LANE_NS), send)

    def note_locks(self, note: m.NoteLocks) -> None:
        if self.is_alive:
            self._broker.note_locks(note)

    def request_bars(self, wanted: m.RequestBars) -> None:
        if self.is_alive:
            self._broker.request_bars(wanted)

    def request_snapshot(self, account_id: int, reason: str, correlation_id: str) -> None:
        if self.is_alive:
            self._broker.request_snapshot(account_id, reason, correlation_id)


@dataclass(frozen=True)
class ShownLock:
    """A lock that was announced."""

    account_id: int
    rule: str
    scope: str
    until: str | None

    def is_held_by(self, other: "ShownLock") -> bool:
        """Tell whether another is this lock, or this lock moved to a later end."""
        mine, others = self.until, other.until
        return (self.account_id, self.rule, self.scope) == (
            other.account_id,
            other.rule,
            other.scope,
        ) and (others is None if mine is None else others is None or _ns(others) >= _ns(mine))

    def is_over(self, now_ns: int) -> bool:
        """Tell whether its instant has come."""
        return self.until is not None and _ns(self.until) <= now_ns


class _MortalScheduler(SteppedScheduler):
    """Runs the actors until the message comes before which they die."""

    dies_after: int | None = None

    def run_until_idle(self, max_steps: int = 100_000) -> int:
        if self.dies_after is None:
            return super().run_until_idle(max_steps)
        for steps in range(max_steps):
            ready = [actor for actor in self._actors.values() if not actor.actor_inbox.empty()]
            if not ready:
                return steps
            if self.dies_after <= 0:
                raise _Killed
            self.dies_after -= 1
            self._random.choice(ready).step()
        raise RuntimeError(f"not idle after {max_steps} messages")

    def memories(self) -> dict[tuple[str, int], Any]:
        """Return what each rule remembers of each account now."""
        return {
            (actor._rule.settings.id, account_id): watch.memory.state
            for actor in self._actors.values()
            if isinstance(actor, RuleActor)
            for account_id, watch in actor._shelf.watches.items()
        }


@dataclass
class MortalWorld:
    """Broker, clock, and a guard that may die."""

    directory: Path
    seed: int
    rules: str
    faults: Faults = field(default_factory=Faults)
    start_ns: int = START_NS
    kills: int = 0
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = Random(f"crash {self.seed}")
        self.clock = VirtualClock(self.start_ns)
        self.broker = Broker(self.clock, self.seed, faults=self.faults)
        self._settings_dir = self.directory / "settings"
        self._settings_dir.mkdir(parents=True)
        (self._settings_dir / "risk.toml").write_text(self.rules, encoding="utf-8")
        self.data_dir = self.directory / "data-0"
        self.data_dir.mkdir()
        self._tick_ns = self.clock.now_ns()
        self._ticks = 0
        self._highs: deque[tuple[int, dict[tuple[str, int], Decimal]]] = deque(maxlen=50)
        """When, and which high-water marks rules had by then."""
        self._states: dict[tuple[str, int], Any] = {}
        """What was in the store, when the guard died last, of rules with a high-water mark."""
        self._announced_at_death: list[ShownLock] = []
        self.broker.quote_all()
        self.start()

    # --- life and death -------------------------------------------------------------------

    def start(self) -> None:
        """Start the guard as the daemon does, on the store as it lies there."""
        migrate(self.data_dir)
        settings = load_settings(self._settings_dir)
        self.frame = PictureFrame(Picture(version="t", mode="live", armed=True, phase="starting"))
        self._session = _Session(self.broker, self.rng)
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
                session=self._session,
                frame=self.frame,
                data_dir=self.data_dir,
                clock=self.clock,
                mode=TradingMode.LIVE,
                armed=True,
            ),
        )
        self.system = assembly.system
        self.scheduler = _MortalScheduler(self.clock, self.rng.randrange(1 << 30))
        self.scheduler.start(self.system.specs)
        self.broker.emit = self.system.inbound.send
        now_ns = self.clock.now_ns()
        self.broker.emit(
            m.ConnectionChanged(
                correlation_id=f"connection-{now_ns}",
                at_ns=now_ns,
                user_hub=True,
                market_hub=True,
                rest=True,
                fallback=None,
            )
        )
        self._read_accounts()

    @property
    def is_dead(self) -> bool:
        """Whether nobody guards."""
        return not self._session.is_alive

    def kill_at(self, step: int) -> None:
        """Let the guard die before the message of that number is handled, counted from now."""
        self.scheduler.dies_after = step

    def _die(self) -> None:
        self.kills += 1
        self._announced_at_death = self.announced_locks()
        self._session.is_alive = False
        self.broker.emit = lambda _message: None
        left = self.directory / f"data-{self.kills}"
        shutil.copytree(self.data_dir, left)
        self.scheduler.stop()
        shutil.rmtree(self.data_dir)
        self.data_dir = left
        self._check_store()

    def end(self) -> None:
        """End the guard in order, if it lives."""
        if not self.is_dead:
            self._session.is_alive = False
            self.scheduler.stop()

    def restart_after(self, down_s: float, *, trader: Random | None = None) -> None:
        """Let time pass without a guard, then start it again and see that no lock was lost."""
        announced = self._announced_at_death
        self.run(down_s, trader=trader)
        self.start()
        self.scheduler.run_until_idle()
        shown = self.announced_locks()
        now_ns = self.clock.now_ns()
        self.complaints += [
            f"{lock} is not in force after the restart, but {shown}"
            for lock in announced
            if not (lock.is_over(now_ns) or any(lock.is_held_by(other) for other in shown))
        ]

    def _check_store(self) -> None:
        """See that what had been announced is in the store (I5)."""
        now_ns = self.clock.now_ns()
        database = sqlite3.connect(self.data_dir / DATABASE_FILE)
        try:
            verdict = database.execute("pragma integrity_check").fetchone()[0]
            if verdict != "ok":
                self.complaints.append(f"integrity check: {verdict}")
            kept = {
                (account_id, rule_id, contract_id or "account")
                for account_id, rule_id, contract_id in database.execute(
                    "select account_id, rule_id, contract_id from locks where ended_ns is null"
                )
            }
            memories = database.execute(
                "select rule_id, account_id, memory from rule_states"
            ).fetchall()
        finally:
            database.close()
        self.complaints += [
            f"{lock} was announced and is not in the store"
            for lock in self._announced_at_death
            if (lock.account_id, lock.rule, lock.scope) not in kept and not lock.is_over(now_ns)
        ]
        states = {
            (rule_id, account_id): json.loads(memory)["state"]
            for rule_id, account_id, memory in memories
        }
        stored = {key: _high(state) for key, state in states.items()}
        self._see_none_lowered(states)
        written = [at_ns <= now_ns - WRITTEN_WITHIN_NS for at_ns, _ in self._highs]
        lately = [highs for _, highs in self._highs][max(sum(written) - 1, 0) :]
        # A rule may also think better of one, when what it did not know has been read.
        lasting = set.intersection(*(set(highs) for highs in lately)) if any(written) else set()
        for key in sorted(lasting):
            high = min(highs[key] for highs in lately)
            found = stored.get(key)
            if found is None or found < high:
                self.complaints.append(f"the high of {key} was {high}, the store has {found}")
        self._highs.clear()

    def _see_none_lowered(self, states: dict[tuple[str, int], Any]) -> None:
        """See that no high-water mark of an earlier life was forgotten by a later one."""
        for key, before in self._states.items():
            was, now = _high(before), _high(states.get(key))
            of_another_day = "day_start_ns" in before and before["day_start_ns"] < self.day_start_ns
            # What is too low to arm a rule need not be remembered.
            if was is None or was < ARMED_FROM_USD or of_another_day:
                continue
            if now is None or now < was:
                self.complaints.append(f"the high of {key} went from {was} to {now}")
        self._states = {key: state for key, state in states.items() if _high(state) is not None}

    # --- time -----------------------------------------------------------------------------

    def run(self, for_s: float, *, trader: Random | None = None) -> bool:
        """Let virtual time pass, or until the guard dies; tell whether it lives."""
        end_ns = self.clock.now_ns() + int(for_s * S)
        was_dead = self.is_dead
        while self.clock.now_ns() < end_ns:
            due_ns = self.broker.next_due_ns()
            next_ns = min(self._tick_ns, end_ns if due_ns is None else due_ns)
            self.clock.advance(max(next_ns - self.clock.now_ns(), 0))
            self.broker.run_due()
            if self.clock.now_ns() >= self._tick_ns:
                self._tick(trader)
            if not self._settle() and not was_dead:
                return False
        return not self.is_dead

    def _tick(self, trader: Random | None) -> None:
        self._tick_ns += TICK_NS
        self._ticks += 1
        if self._ticks % 5 == 0:
            self.broker.quote_all()
        if trader is not None and trader.random() < 0.15:
            self.broker.trade(trader)
        if self.is_dead:
            return
        if self._ticks % (READ_EVERY_NS // TICK_NS) == 0:
            self._read_accounts()
        self.system.timer_mailbox.deliver(Pulse())

    def _settle(self) -> bool:
        """Handle what waits; tell whether the guard lives."""
        if self.is_dead:
            return False
        try:
            self.scheduler.run_until_idle()
        except _Killed:
            self._die()
            return False
        self._highs.append(
            (
                self.clock.now_ns(),
                {
                    key: high
                    for key, state in self.scheduler.memories().items()
                    if (high := _high(msgspec.to_builtins(state))) is not None
                },
            )
        )
        return True

    def _read_accounts(self) -> None:
        for account_id in self.broker.accounts:
            self._session.request_snapshot(account_id, "timer", f"read-{self.clock.now_ns()}")

    # --- what is seen ---------------------------------------------------------------------

    def account(self, account_id: int) -> AccountPicture:
        return next(a for a in self.frame.picture.accounts if a.id == account_id)

    def announced_locks(self) -> list[ShownLock]:
        return [
            ShownLock(account.id, lock.rule, lock.scope, lock.until)
            for account in self.frame.picture.accounts
            for lock in account.locks
        ]

    def locked_accounts(self) -> set[int]:
        return {lock.account_id for lock in self.announced_locks() if lock.scope == "account"}

    # --- what must hold -------------------------------------------------------------------

    def assert_remembered(self) -> None:
        """I5: the rules remember now what the store kept of the lives before."""
        memories = self.scheduler.memories()
        self._see_none_lowered({key: msgspec.to_builtins(state) for key, state in memories.items()})
        assert self.complaints == []

    def assert_safe(self) -> None:
        """I1, I2, I5: hold at any moment, whatever happens."""
        assert reduce_only(self.broker.journal, []) == []
        assert self.broker.violations == []
        assert self.complaints == []
        assert self.scheduler.faults == []

    def assert_explained(self) -> None:
        """I9: every command that was sent has its cause in the record, also of the runs before."""
        database = sqlite3.connect(self.data_dir / DATABASE_FILE)
        try:
            known = {
                row[0]
                for table in RECORD_TABLES
                for row in database.execute(f"select correlation_id from {table}")  # noqa: S608
            }
        finally:
            database.close()
        unexplained = [c for _, c in self.broker.commands if c.correlation_id not in known]
        assert unexplained == []

    def assert_agrees_with_broker(self) -> None:
        """I5, I8: positions, orders, P&L and counters are what the broker's fills say."""
        for account_id in self.broker.accounts:
            shown = self.account(account_id)
            week_start_ns = CHICAGO_DAYS.week(self.clock.now_ns()).start_ns
            week = [
                trade
                for trade in self.broker.exchange.trades
                if trade.account_id == account_id and trade.created_ns >= week_start_ns
            ]
            today = [trade for trade in week if trade.created_ns >= self.day_start_ns]
            assert {p.contract: p.size for p in shown.positions} == self.broker.open_sizes(
                account_id
            )
            assert {o.id for o in shown.orders} == self.broker.working_ids(account_id)
            assert shown.day.realized == _net(today)
            assert shown.week.realized == _net(week)
            assert shown.day.fees == round(float(sum(map(_costs, today), Decimal(0))), 2)
            least, most = self.naive_counts(account_id)
            assert least[0] <= shown.day.trades <= most[0]
            assert least[1] <= shown.day.entries <= most[1]

    @property
    def day_start_ns(self) -> int:
        return CHICAGO_DAYS.day(self.clock.now_ns()).start_ns

    def resets_told(self) -> list[tuple[str, int]]:
        """Return name and instant of each reset that is kept, oldest first."""
        database = sqlite3.connect(self.data_dir / DATABASE_FILE)
        try:
            return database.execute(
                "select name, at_ns from resets order by at_ns, name"
            ).fetchall()
        finally:
            database.close()

    def naive_counts(self, account_id: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """Count trades and entries anew, from the broker's fills and the locks in the store.

        Returns:
            The least and the most that may be shown: a fill that was on its way when a lock began
            or ended was under the lock by one clock and not by the other.
        """
        fills = [
            translation.fill_from(json.loads(payloads.to_json(payloads.trade_row(trade))))
            for trade in self.broker.exchange.trades
            if trade.account_id == account_id
        ]
        spans = self._lock_spans(account_id)
        counts = []
        for wanted in (True, False):
            seen = {}
            for fill in fills:
                late_ns = fill.at_ns + ON_ITS_WAY_NS
                is_locked = any(span.covers(fill.contract_id, late_ns) for span in spans)
                seen[fill.id] = late_ns if is_locked is wanted else fill.at_ns
            history = NaiveHistory(fills, seen, spans)
            counts.append(
                (
                    sum(t.begun[0] >= self.day_start_ns for t in history.counted_trades),
                    sum(e.made[0] >= self.day_start_ns for e in history.counted_entries),
                )
            )
        return counts[0], counts[1]

    def _lock_spans(self, account_id: int) -> list[LockSpan]:
        database = sqlite3.connect(self.data_dir / DATABASE_FILE)
        try:
            rows = database.execute(
                "select contract_id, since_ns, coalesce(ended_ns, until_ns) from locks"
                " where account_id = ?",
                [account_id],
            ).fetchall()
        finally:
            database.close()
        return [LockSpan(*row) for row in rows]

    def assert_locked_is_flat(self) -> None:
        """I3, I4: what is locked is flat, and no enforcement is under way any more."""
        for account_id in self.broker.accounts:
            assert self.account(account_id).enforcement is None
            if account_id in self.locked_accounts():
                assert self.broker.open_sizes(account_id) == {}
                assert self.broker.working_ids(account_id) == set()


def _costs(trade: Trade) -> Decimal:
    return trade.fees_usd + trade.commissions_usd


def _net(trades: Iterable[Trade]) -> float:
    amounts = ((trade.pnl_usd or Decimal(0)) - _costs(trade) for trade in trades)
    return round(float(sum(amounts, Decimal(0))), 2)


def _high(state: Any) -> Decimal | None:
    """Return the high-water mark in a rule's state, if it has one."""
    match state:
        case {"peak_usd": str(peak)}:
            return Decimal(peak)
        case {"high": {"for_good_usd": str(high)}}:
            return Decimal(high)
        case _:
            return None


def _ns(text: str) -> int:
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1) * 1_000
