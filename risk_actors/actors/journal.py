"""The journal actor: everything worth keeping goes to the log and to the store."""

from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from loguru import logger

from risk_actors import messages as m
from risk_actors.actors.describe import (
    Line,
    cause_of,
    describe,
    describe_event,
    describe_verdict,
)
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.verdict import Breached, Ok, Unknown, Warned
from risk_actors.runtime.actor import Actor, ActorContext
from risk_actors.runtime.tape import Tape

FIRST_EVENT = "📨 Event Received"
FIRST_EVALUATION = "🔍 Rule Evaluated"
ENFORCEMENT = "⚠️ Enforcement Triggered"

UNKNOWN_LASTS_NS = NS_PER_S
"""A check that could not be made for this long is recorded."""
BATCH_AT_MOST = 200
"""Rows and changed memories kept back for one transaction while more messages wait."""
WRITTEN_WITHIN_NS = NS_PER_S // 20
"""How long the oldest of them is kept back (I5)."""


class Entry(NamedTuple):
    """One row of the record."""

    at_ns: int
    correlation_id: str
    kind: str
    account_id: int | None
    text: str
    message: m.Message


class JournalStore(Protocol):
    """Where the record is kept. Opened, used and closed in the actor's own thread."""

    def append(self, entries: Sequence[Entry], memories: Sequence[m.RuleStateChanged]) -> None:
        """Commit entries in their order, and what rules remember."""

    def close(self) -> None:
        """Close the store."""


class JournalActor(Actor):
    """Writes what happened; it is told everything and tells nobody."""

    kind = "journal"
    receives = frozenset(
        {
            m.AccountReported,
            m.PositionReported,
            m.OrderReported,
            m.FillReported,
            m.AccountSnapshot,
            m.SnapshotFailed,
            m.CommandAnswered,
            m.BarsReported,
            m.AccountUpdated,
            m.DayOpened,
            m.BalanceChecked,
            m.UnlockChanged,
            m.UnlockRequested,
            m.UnlockWithdrawn,
            m.TraderActed,
            m.SettingsChanged,
            m.ClockStepped,
            m.ConnectionChanged,
            m.PayloadRejected,
            m.ReconciliationDiffered,
            m.VerdictChanged,
            m.BreachFound,
            m.BreachEnded,
            m.ShadowBreachFound,
            m.ConditionEnded,
            m.StopMovesWanted,
            m.ShadowStopMoves,
            m.WarningRaised,
            m.RuleStateChanged,
            m.LocksChanged,
            m.SendClose,
            m.SendCancel,
            m.SendMoveStop,
            m.EnforcementChanged,
            m.PanicRequested,
            m.ActorChanged,
            m.DailyReset,
            m.WeeklyReset,
            m.Tick,
        }
    )
    sends = frozenset()

    def __init__(
        self,
        context: ActorContext,
        *,
        zone: tzinfo,
        open_store: Callable[[], JournalStore],
        tapes: Mapping[str, Tape] = MappingProxyType({}),
    ) -> None:
        super().__init__(context)
        self._zone = zone
        self._tapes = tapes
        self._open_store = open_store
        self._store: JournalStore | None = None
        self._waiting: list[Entry] = []
        self._memories: dict[tuple[str, int], m.RuleStateChanged] = {}
        # What came since the last attempt to write, and when the oldest that waits for it did.
        self._kept_back = 0
        self._kept_since_ns = 0
        self._verdict_kinds: dict[tuple[str, int], tuple[str, str]] = {}
        self._unknown: dict[tuple[str, int], m.VerdictChanged] = {}
        self._last_cause = ""
        self._seen_event = False
        self._seen_evaluation = False
        self._is_failing = False

    def opened(self) -> None:
        """Open the store."""
        self._store = self._open_store()

    def closed(self) -> None:
        """Write what is left and close the store."""
        self._flush()
        if self._store is not None:
            self._store.close()

    def handle(self, message: Any) -> None:
        """Log the message and keep it; ticks only give the batch a chance to be written."""
        match message:
            case m.Tick():
                self._record_lasting_unknowns(message.at_ns)
            case m.AccountUpdated():
                pass
            case m.VerdictChanged():
                self._record_verdict(message)
            case m.RuleStateChanged():
                self._count_kept()
                self._memories[message.rule_id, message.account_id] = message
            case _:
                self._record_cause(message)
                self._record(message, describe(message, self._zone))
        if self._is_due():
            self._flush()

    def _count_kept(self) -> None:
        if not (self._waiting or self._memories):
            self._kept_since_ns = self.clock.now_ns()
        self._kept_back += 1

    def _is_due(self) -> bool:
        """Tell whether nothing more waits to share the transaction, or some has waited enough."""
        if self.actor_inbox.empty() or self._kept_back >= BATCH_AT_MOST:
            return True
        if not (self._waiting or self._memories):
            return False
        return self.clock.now_ns() - self._kept_since_ns >= WRITTEN_WITHIN_NS

    def _record_cause(self, message: m.Message) -> None:
        """Log the event that began a chain; keep it too if it is of a kind not kept by itself."""
        event = cause_of(message)
        if event is None or event.correlation_id == self._last_cause:
            return
        self._last_cause = event.correlation_id
        line = describe_event(event)
        self._bind(event, line.account_id).info("{}: {}", line.kind, line.text)
        if type(event) not in self.receives:
            self._keep(event, line)

    def _record_verdict(self, message: m.VerdictChanged) -> None:
        """Record a verdict that differs in kind; a figure that moved is for the screen alone.

        P&L is unknown for some milliseconds around every fill. Only an unknown that lasts is
        worth a line.
        """
        if self._seen_event and not self._seen_evaluation:
            self._seen_evaluation = True
            self._bind(message, message.account_id).info(
                "{}: {}", FIRST_EVALUATION, message.rule_id
            )
        key = (message.rule_id, message.account_id)
        if isinstance(message.verdict, Unknown):
            self._unknown.setdefault(key, message)
            return
        self._unknown.pop(key, None)
        cause = message.verdict.cause if isinstance(message.verdict, Breached) else ""
        self._record_kind(key, (type(message.verdict).__name__, cause), message)

    def _record_lasting_unknowns(self, now_ns: int) -> None:
        for key, message in list(self._unknown.items()):
            if now_ns - message.at_ns >= UNKNOWN_LASTS_NS:
                self._record_kind(key, (Unknown.__name__, ""), message)

    def _record_kind(
        self, key: tuple[str, int], kind: tuple[str, str], message: m.VerdictChanged
    ) -> None:
        if self._verdict_kinds.get(key) == kind:
            return
        self._verdict_kinds[key] = kind
        self._record(message, describe_verdict(message, self._zone))

    def _record(self, message: m.Message, line: Line | None) -> None:
        account_id = line.account_id if line else getattr(message, "account_id", None)
        self._log(message, line, self._bind(message, account_id))
        self._keep(message, line)

    def _keep(self, message: m.Message, line: Line | None) -> None:
        account_id = line.account_id if line else getattr(message, "account_id", None)
        self._count_kept()
        self._waiting.append(
            Entry(
                at_ns=message.at_ns,
                correlation_id=message.correlation_id,
                kind=type(message).__name__,
                account_id=account_id,
                text=line.text if line else "",
                message=message,
            )
        )

    def _bind(self, message: m.Message, account_id: int | None) -> Any:
        return logger.bind(
            actor=self.address, account=account_id, correlation_id=message.correlation_id
        )

    def _log(self, message: m.Message, line: Line | None, log: Any) -> None:
        if not self._seen_event and isinstance(message, _BROKER_EVENTS):
            self._seen_event = True
            log.info("{}: {}", FIRST_EVENT, type(message).__name__)
        match message:
            case m.EnforcementChanged(phase=m.EnforcementPhase.STARTED):
                log.warning("{}: {}", ENFORCEMENT, message.cause)
            case m.VerdictChanged(verdict=Breached() | Warned()):
                pass  # its BreachFound, ShadowBreachFound or WarningRaised says the same
            case m.VerdictChanged(verdict=Ok()) if line:
                log.debug("{}: {}", line.kind, line.text)
            case m.FillReported() | m.OrderReported() | m.PositionReported():
                event = describe_event(message)
                log.debug("{}: {}", event.kind, event.text)
            case _ if line:
                log.log("WARNING" if line.is_alarming else "INFO", "{}: {}", line.kind, line.text)

    def _flush(self) -> None:
        """Commit what waits; when the store cannot, keep the newest and say so once."""
        if self._store is None or not (self._waiting or self._memories):
            return
        self._kept_back = 0
        try:
            self._store.append(self._waiting, tuple(self._memories.values()))
        except Exception as error:  # noqa: BLE001 - the record must not take protection down
            if not self._is_failing:
                self.fault(
                    f"could not write the record: {error}. Rules and locks go on; "
                    "free disk space or repair the data directory."
                )
            self._is_failing = True
            self._kept_since_ns = self.clock.now_ns()
            del self._waiting[:-KEEP_WHEN_FAILING]
            return
        self._is_failing = False
        self._waiting.clear()
        self._memories.clear()


KEEP_WHEN_FAILING = 10_000
"""Rows kept in memory while the store cannot be written."""

_BROKER_EVENTS = (
    m.AccountSnapshot,
    m.AccountReported,
    m.PositionReported,
    m.OrderReported,
    m.FillReported,
)
