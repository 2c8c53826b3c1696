"""Broker facts, messages and fakes of the system's edge, with the ordinary filled in."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from risk_actors import messages as m
from risk_actors.actors.record import Batch, Entry
from risk_actors.core.account_state import AccountState, OpenPosition
from risk_actors.core.broker import (
    Account,
    Fill,
    Order,
    OrderStatus,
    OrderType,
    Position,
    Quote,
    Side,
)
from risk_actors.core.commands import Answer, Command, Outcome
from risk_actors.core.evidence import Evidence
from risk_actors.core.lock import EndedBy, Lock, LockSpan, Unlocked
from risk_actors.core.lock_book import RestoredLocks
from risk_actors.core.pnl_state import PnlState
from risk_actors.core.rules import Rule, catalogue
from risk_actors.core.rules.measure import Measure, MovedBy, Unit
from risk_actors.core.trading_calendar import TradingCalendar
from risk_actors.core.unlock_requests import UnlockRequest, UnlockStatus
from risk_actors.core.verdict import (
    Action,
    Breached,
    Existing,
    Flatten,
    LockTerms,
    Ok,
    Unknown,
    Verdict,
)
from risk_actors.runtime.actor import ActorContext
from risk_actors.runtime.clock import Clock
from risk_actors.runtime.mailbox import Mailbox
from tests.conftest import NOON_NS, RecordingOutbox, RecordingOverseer, S

CHICAGO = ZoneInfo("America/Chicago")
MNQ, ES = "CON.F.US.MNQ.Z26", "CON.F.US.EP.Z26"
DAY_START_NS = 1_794_870_000 * S
"""Monday 2026-11-16 17:00 in Chicago."""
DAY_END_NS = DAY_START_NS + 86_400 * S
WEEK_START_NS = DAY_START_NS - 86_400 * S
WEEK_END_NS = WEEK_START_NS + 7 * 86_400 * S


def calendar() -> TradingCalendar:
    return TradingCalendar(zone=CHICAGO, daily_reset="0 17 * * *", weekly_reset="0 17 * * SUN")


def context_of(
    address: str, outbox: RecordingOutbox, clock: Clock, overseer: RecordingOverseer
) -> ActorContext:
    """Return what an actor is given, with a fake mailbox, for one that is never started."""
    return ActorContext(address, Mailbox(address), outbox, clock, overseer)


# --- the broker -------------------------------------------------------------------------------


def account(account_id: int = 1, balance_usd: str = "50000", *, can_trade: bool = True) -> Account:
    return Account(
        id=account_id, name="PAPER", balance_usd=Decimal(balance_usd), can_trade=can_trade
    )


def position(size: int, contract_id: str = MNQ, account_id: int = 1, **terms: Any) -> Position:
    given = {"average_price": Decimal(20000), "opened_ns": NOON_NS} | terms
    return Position(account_id=account_id, contract_id=contract_id, size=size, **given)


def fill(fill_id: int, signed_size: int, account_id: int = 1, **terms: Any) -> Fill:
    given: dict[str, Any] = {
        "contract_id": MNQ,
        "order_id": fill_id,
        "price": Decimal(20000),
        "at_ns": NOON_NS,
    } | terms
    return Fill(
        id=fill_id,
        account_id=account_id,
        side=Side.BUY if signed_size > 0 else Side.SELL,
        size=abs(signed_size),
        **given,
    )


def order(order_id: int, signed_size: int, account_id: int = 1, **terms: Any) -> Order:
    given: dict[str, Any] = {
        "contract_id": MNQ,
        "status": OrderStatus.OPEN,
        "type": OrderType.LIMIT,
        "limit_price": Decimal(19000),
    } | terms
    return Order(
        id=order_id,
        account_id=account_id,
        side=Side.BUY if signed_size > 0 else Side.SELL,
        size=abs(signed_size),
        **given,
    )


def open_position(size: int, contract_id: str = MNQ, **terms: Any) -> OpenPosition:
    given: dict[str, Any] = {
        "symbol": "MNQ" if contract_id == MNQ else "ES",
        "average_price": Decimal(20000),
        "opened_ns": NOON_NS,
        "fills_size": size,
        "fills_average_price": Decimal(20000),
    } | terms
    return OpenPosition(contract_id=contract_id, size=size, **given)


def account_state(*positions: OpenPosition, account_id: int = 1, **terms: Any) -> AccountState:
    given: dict[str, Any] = {
        "name": "PAPER",
        "balance_usd": Decimal(50000),
        "can_trade": True,
        "is_reconciled": True,
        "snapshot_asked_ns": 1,
        "day_start_ns": DAY_START_NS,
        "trades": 0,
        "entries": 0,
        "locks_noted": True,
    } | terms
    return AccountState(account_id=account_id, positions=positions, **given)


def pnl_state(realized_usd: str | None, account_id: int = 1, **terms: Any) -> PnlState:
    realized = None if realized_usd is None else Decimal(realized_usd)
    given: dict[str, Any] = {
        "day_start_ns": DAY_START_NS,
        "week_start_ns": WEEK_START_NS,
        "costs_usd": Decimal(0),
        "week_realized_usd": realized,
        "unrealized_usd": None if realized is None else Decimal(0),
        "trades": 0,
        "entries": 0,
    } | terms
    return PnlState(account_id=account_id, realized_usd=realized, **given)


# --- messages ---------------------------------------------------------------------------------


def say[M: m.Message](kind: type[M], correlation_id: str = "event-1", **content: Any) -> M:
    """Return a message made at noon."""
    return kind(**{"at_ns": NOON_NS, "correlation_id": correlation_id} | content)


def tick(at_ns: int = NOON_NS, correlation_id: str = "tick-1") -> m.Tick:
    return m.Tick(correlation_id=correlation_id, at_ns=at_ns)


def quote(contract_id: str, bid: str, ask: str, **terms: Any) -> m.QuoteReported:
    given = {"at_ns": NOON_NS} | terms
    told = Quote(contract_id=contract_id, bid=Decimal(bid), ask=Decimal(ask), **given)
    return say(m.QuoteReported, "quote-1", quote=told)


def snapshot(*positions: Position, account_id: int = 1, **content: Any) -> m.AccountSnapshot:
    given: dict[str, Any] = {
        "account": account(account_id),
        "orders": (),
        "covers_suspended": True,
        "fills": (),
        "fills_since_ns": WEEK_START_NS,
        "asked_ns": NOON_NS,
        "reason": "start",
    } | content
    return say(m.AccountSnapshot, "snapshot-1", positions=positions, **given)


def account_updated(
    state: AccountState, correlation_id: str = "event-1", **content: Any
) -> m.AccountUpdated:
    event = say(m.AccountReported, correlation_id, account=account(state.account_id))
    return say(
        m.AccountUpdated,
        correlation_id,
        **{"state": state, "event": event, "after_snapshot": True} | content,
    )


def pnl_updated(pnl: PnlState, correlation_id: str = "event-1") -> m.PnlUpdated:
    return say(m.PnlUpdated, correlation_id, pnl=pnl, event=tick(correlation_id=correlation_id))


def evidence(text: str = "the limit was reached") -> Evidence:
    return Evidence(template=text)


def breached(*locks: LockTerms, action: Action | None = None, cause: str = "day 1") -> Breached:
    return Breached(
        value=Decimal(-500),
        limit=Decimal(-500),
        evidence=evidence(),
        cause=cause,
        action=action or Flatten(),
        locks=locks,
    )


def breach_found(
    breach: Breached | None = None,
    *,
    account_id: int = 1,
    rule_id: str = "daily-loss",
    correlation_id: str = "event-1",
) -> m.BreachFound:
    return say(
        m.BreachFound,
        correlation_id,
        rule_id=rule_id,
        account_id=account_id,
        breach=breach or breached(LockTerms()),
        event=say(m.FillReported, correlation_id, fill=fill(1, -1, account_id)),
    )


def verdict_changed(verdict: Verdict, **content: Any) -> m.VerdictChanged:
    given: dict[str, Any] = {
        "rule_id": "daily-loss",
        "rule_type": "daily_loss_limit",
        "mode": "enforce",
        "account_id": 1,
        "measure": Measure(Unit.USD, MovedBy.EQUITY_LOSS),
    } | content
    return say(m.VerdictChanged, verdict=verdict, **given)


def ok(value: int = -10) -> Ok:
    return Ok(value=Decimal(value), limit=Decimal(-500))


def unknown() -> Unknown:
    return Unknown(evidence=evidence("no price yet"), limit=Decimal(-500))


def lock(lock_id: int = 1, account_id: int = 1, **terms: Any) -> Lock:
    given: dict[str, Any] = {
        "contract_id": None,
        "rule_id": "daily-loss",
        "since_ns": NOON_NS,
        "until_ns": DAY_END_NS,
        "evidence": evidence(),
        "correlation_id": "event-1",
        "existing": Existing.FLATTEN,
    } | terms
    return Lock(id=lock_id, account_id=account_id, **given)


def answered(
    command_id: int, answer: Answer = Answer.ACCEPTED, account_id: int = 1
) -> m.CommandAnswered:
    outcome = Outcome(command_id=command_id, account_id=account_id, answer=answer)
    return say(m.CommandAnswered, "answer-1", outcome=outcome, sent_ns=NOON_NS)


def connected(**content: Any) -> m.ConnectionChanged:
    return say(
        m.ConnectionChanged,
        "connection-1",
        **{"user_hub": True, "market_hub": True, "rest": True} | content,
    )


def actor_changed(address: str, status: m.ActorStatus) -> m.ActorChanged:
    return say(m.ActorChanged, "supervisor-1", address=address, status=status, detail="it did")


def rule_of(type_: str, **settings: Any) -> Rule[Any, Any]:
    kind = catalogue()[type_]
    return kind(kind.Settings(**{"id": type_} | settings))


# --- the edge: store and session --------------------------------------------------------------


class FakeLockStore:
    """Keeps locks in memory and the order of calls in a shared list; can be told to fail."""

    def __init__(self, calls: list[str] | None = None, locks: Sequence[Lock] = ()) -> None:
        self.calls = calls if calls is not None else []
        self.saved = {lock.id: lock for lock in locks}
        self.ended: dict[int, int] = {}
        self.ended_by: dict[int, EndedBy] = {}
        self.requests: dict[int, UnlockRequest] = {}
        self.backups: list[list[int]] = []
        self.fails_backup = False
        self.highest_id = 0
        self.fails = False
        self.is_closed = False

    def restored(self, now_ns: int, ended_after_ns: int) -> RestoredLocks:
        if self.fails:
            raise OSError("the disk is full")
        waiting = [each for each in self.requests.values() if each.status is UnlockStatus.ASKED]
        held = {each.lock_id for each in waiting}
        locks = [
            lock
            for lock in self.saved.values()
            if lock.id not in self.ended
            and (lock.until_ns is None or lock.until_ns > now_ns or lock.id in held)
        ]
        return RestoredLocks(
            locks=tuple(locks),
            past=tuple(
                (lock.account_id, LockSpan(lock.contract_id, lock.since_ns, over_ns))
                for lock in self.saved.values()
                if (over_ns := self.ended.get(lock.id, lock.until_ns)) is not None
                and ended_after_ns < over_ns <= now_ns
                and lock not in locks
            ),
            last_id=max([self.highest_id, *self.saved]),
            requests=tuple(waiting),
            unlocked=tuple(
                (lock.account_id, Unlocked(lock.rule_id, lock.contract_id, self.ended[lock.id]))
                for lock in self.saved.values()
                if self.ended_by.get(lock.id) is EndedBy.UNLOCK
            ),
        )

    def save(self, lock: Lock) -> None:
        self.calls.append(f"save {lock.id}")
        if self.fails:
            raise OSError("the disk is full")
        self.saved[lock.id] = lock

    def end(
        self, lock: Lock, at_ns: int, ended_by: EndedBy, request: UnlockRequest | None = None
    ) -> None:
        self.calls.append(f"end {lock.id}")
        if self.fails:
            raise OSError("the disk is full")
        self.ended[lock.id] = at_ns
        self.ended_by[lock.id] = ended_by
        if request is not None:
            self.requests[request.lock_id] = request

    def save_request(self, request: UnlockRequest) -> None:
        self.calls.append(f"request {request.lock_id} {request.status.value}")
        if self.fails:
            raise OSError("the disk is full")
        self.requests[request.lock_id] = request

    def back_up(self, locks: Sequence[Lock]) -> None:
        if self.fails_backup:
            raise OSError("the file is held")
        self.backups.append([lock.id for lock in locks])

    def close(self) -> None:
        self.is_closed = True


class FakeJournalStore:
    """Keeps rows in memory, one list per transaction; can be told to fail."""

    def __init__(self) -> None:
        self.batches: list[list[Entry]] = []
        self.memories: list[m.RuleStateChanged] = []
        self.accounts: list[m.AccountUpdated] = []
        self.written: list[Batch] = []
        self.to_tidy = 0
        self.fails = False
        self.is_closed = False

    @property
    def rows(self) -> list[Entry]:
        return [row for batch in self.batches for row in batch]

    @property
    def kinds(self) -> list[str]:
        return [row.kind for row in self.rows]

    def write(self, batch: Batch) -> None:
        if self.fails:
            raise OSError("the disk is full")
        if batch.entries:
            self.batches.append(list(batch.entries))
        self.memories += batch.memories
        self.accounts += batch.accounts
        self.written.append(batch)

    def tidy(self, now_ns: int) -> bool:
        if self.fails:
            raise OSError("the disk is full")
        self.to_tidy -= 1
        return self.to_tidy > 0

    def close(self) -> None:
        self.is_closed = True


class FakeSession:
    """Keeps what it was asked to do; `on_command` may let the broker act on it."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.snapshots: list[tuple[int, str, str]] = []
        self.notes: list[tuple[int, tuple[LockSpan, ...], str]] = []
        self.bars: list[m.RequestBars] = []
        self.on_command: Callable[[Command], None] = lambda _command: None
        self.on_snapshot: Callable[[int], None] = lambda _account_id: None

    def submit(self, command: Command) -> None:
        self.commands.append(command)
        self.on_command(command)

    def note_locks(self, note: m.NoteLocks) -> None:
        self.notes.append((note.account_id, note.spans, note.correlation_id))

    def request_bars(self, wanted: m.RequestBars) -> None:
        self.bars.append(wanted)

    def request_snapshot(self, account_id: int, reason: str, correlation_id: str) -> None:
        self.snapshots.append((account_id, reason, correlation_id))
        self.on_snapshot(account_id)
