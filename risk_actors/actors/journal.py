"""The journal actor: everything worth keeping goes to the log and to the store."""

from collections.abc import Callable, Mapping
from datetime import tzinfo
from types import MappingProxyType
from typing import Any

from loguru import logger

from risk_actors import messages as m
from risk_actors.actors.backlog import Backlog
from risk_actors.actors.connection_story import ConnectionStory
from risk_actors.actors.describe import (
    cause_of,
    describe,
    describe_event,
    describe_verdict,
)
from risk_actors.actors.line import Line
from risk_actors.actors.record import Entry, JournalStore
from risk_actors.actors.repeats import Repeats
from risk_actors.actors.tally import Tally
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.rules.memory import encode_memory
from risk_actors.core.verdict import Breached, Ok, Unknown, Warned
from risk_actors.runtime.actor import Actor, ActorContext
from risk_actors.runtime.tape import Tape

FIRST_EVENT = "📨 Event Received"
FIRST_EVALUATION = "🔍 Rule Evaluated"
ENFORCEMENT = "⚠️ Enforcement Triggered"

UNKNOWN_LASTS_NS = NS_PER_S
"""A check that could not be made for this long is recorded."""
BATCH_AT_MOST = 200
"""Messages kept back for one transaction while more of them wait."""
WRITTEN_WITHIN_NS = NS_PER_S // 20
"""How long the oldest of them is kept back (I5)."""
ALIVE_EVERY_NS = NS_PER_S
"""How often the store is told that the process lives, when there is nothing else to write."""
TAPE_WITHIN_NS = 10 * NS_PER_S
"""How long notes stay on the tapes when there is nothing else to write."""
MANY_NOTES = 3_000
"""So many are written the next time anything is, once a second at least."""
TRY_AGAIN_AFTER_NS = NS_PER_S
"""A store that cannot be written is tried again after this long."""
TIDY_EVERY_NS = 3600 * NS_PER_S
"""How often the store is asked whether something in it is too old, besides at each reset."""


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
        tally: Tally | None = None,
    ) -> None:
        super().__init__(context)
        self._tally = tally or Tally()
        self._zone = zone
        self._open_store = open_store
        self._store: JournalStore | None = None
        self._backlog = Backlog(self.address, tapes)
        # What came since the last attempt to write, and when the oldest that waits for it did.
        # Paces are kept by the monotonic clock: the wall clock may be set.
        self._kept_back = 0
        self._kept_since_ns = 0
        self._written_ns = self._drained_ns = self.clock.monotonic_ns()
        self._failed_ns: int | None = None
        self._tidied_ns: int | None = None
        self._is_tidy = False
        self._snapshots: dict[int, m.AccountSnapshot] = {}
        self._verdict_kinds: dict[tuple[str, int], tuple[str, str]] = {}
        self._unknown: dict[tuple[str, int], m.VerdictChanged] = {}
        self._unstorable: set[tuple[str, int]] = set()
        self._story = ConnectionStory()
        self._repeats = Repeats()
        self._last_cause = ""
        self._seen_event = False
        self._seen_evaluation = False

    def opened(self) -> None:
        """Open the store."""
        self._store = self._open_store()

    def closed(self) -> None:
        """Write what is left and close the store."""
        if self._store is None:
            return
        self._backlog.drain()
        self._flush()
        lost = len(self._backlog.entries) + self._backlog.lost_rows
        if lost:
            logger.bind(actor=self.address).error("{} rows of the record are lost", lost)
        self._store.close()

    def handle(self, message: Any) -> None:
        """Log the message and keep it; ticks only give the batch a chance to be written."""
        self._tally.take(message)
        match message:
            case m.Tick():
                self._record_lasting_unknowns(message.at_ns)
            case m.AccountUpdated():
                self._count_kept()
                self._backlog.show(message)
            case m.VerdictChanged():
                self._record_verdict(message)
            case m.RuleStateChanged():
                self._keep_memory(message)
            case m.AccountSnapshot():
                self._record_snapshot(message)
            case _:
                self._record_cause(message)
                self._record(message, self._describe(message))
        if isinstance(message, m.DailyReset):
            self._is_tidy = False
        if self._is_due():
            self._flush()
        elif isinstance(message, m.Tick):
            self._tidy(message.at_ns)

    def _describe(self, message: m.Message) -> Line | None:
        if isinstance(message, m.ConnectionChanged):
            return self._story.take(message)
        return describe(message, self._zone)

    def _count_kept(self) -> None:
        if not self._backlog:
            self._kept_since_ns = self.clock.monotonic_ns()
        self._kept_back += 1

    def _is_due(self) -> bool:
        """Tell whether nothing more waits to share the transaction, or some has waited enough."""
        now_ns = self.clock.monotonic_ns()
        if self._failed_ns is not None:
            return now_ns - self._failed_ns >= TRY_AGAIN_AFTER_NS
        if not self._backlog:
            return now_ns - self._written_ns >= ALIVE_EVERY_NS
        if self.actor_inbox.empty() or self._kept_back >= BATCH_AT_MOST:
            return True
        return now_ns - self._kept_since_ns >= WRITTEN_WITHIN_NS

    def _record_cause(self, message: m.Message) -> None:
        """Log the event that began a chain; keep it too if it is of a kind not kept by itself."""
        event = cause_of(message)
        if event is None or event.correlation_id == self._last_cause:
            return
        self._last_cause = event.correlation_id
        line = describe_event(event)
        self._bind(event, line.account_id).info("{}: {}", line.kind, line.text)
        if isinstance(event, m.AccountSnapshot):
            self._keep_snapshot(event, line)
        elif type(event) not in self.receives:
            self._keep(event, line)

    def _record_snapshot(self, message: m.AccountSnapshot) -> None:
        """Record a snapshot that says something else than the last one kept of its account."""
        self._repeats.note_end(message)
        last = self._snapshots.get(message.account_id)
        if last is None or not _says_the_same(message, last):
            self._log(message, None, self._bind(message, message.account_id))
            self._keep_snapshot(message, None)

    def _keep_snapshot(self, message: m.AccountSnapshot, line: Line | None) -> None:
        last = self._snapshots.get(message.account_id)
        # What followed from it may have come first, and then has brought it along.
        if last is None or last.correlation_id != message.correlation_id:
            self._snapshots[message.account_id] = message
            self._keep(message, line)

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
                del self._unknown[key]
                self._record_kind(key, (Unknown.__name__, ""), message)

    def _record_kind(
        self, key: tuple[str, int], kind: tuple[str, str], message: m.VerdictChanged
    ) -> None:
        if self._verdict_kinds.get(key) == kind:
            return
        self._verdict_kinds[key] = kind
        self._record(message, describe_verdict(message, self._zone))

    def _keep_memory(self, message: m.RuleStateChanged) -> None:
        """Keep what a rule remembers; say once of each that it cannot be stored."""
        key = (message.rule_id, message.account_id)
        try:
            encode_memory(message.memory)
        except (ArithmeticError, ValueError, TypeError) as error:
            if key not in self._unstorable:
                self._unstorable.add(key)
                self.fault(
                    f"what rule {message.rule_id} remembers of account {message.account_id} "
                    f"cannot be stored: {error}. After a restart it remembers what was stored last."
                )
            return
        self._unstorable.discard(key)
        self._count_kept()
        self._backlog.remember(message)

    def _record(self, message: m.Message, line: Line | None) -> None:
        account_id = line.account_id if line else getattr(message, "account_id", None)
        self._log(message, line, self._bind(message, account_id))
        self._keep(message, line)

    def _keep(self, message: m.Message, line: Line | None) -> None:
        if line is None and isinstance(message, _BROKER_EVENTS):
            line = describe_event(message)
        account_id = line.account_id if line else getattr(message, "account_id", None)
        self._count_kept()
        self._backlog.add(
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
        # A verdict that lasted is logged with a tick; everything else when it is told.
        sender = self.told_by or self.address
        if isinstance(message, m.VerdictChanged):
            sender = f"rule:{message.rule_id}"
        return logger.bind(
            actor=sender,
            account=account_id,
            correlation_id=message.correlation_id,
        )

    def _log(self, message: m.Message, line: Line | None, log: Any) -> None:
        if not self._seen_event and isinstance(message, _BROKER_EVENTS):
            self._seen_event = True
            log.info("{}: {}", FIRST_EVENT, type(message).__name__)
        is_repeat = self._repeats.is_repeat(
            message, self.clock.monotonic_ns(), is_news=self._story.is_news
        )
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
                level = "WARNING" if line.is_alarming else "INFO"
                log.log("DEBUG" if is_repeat else level, "{}: {}", line.kind, line.text)

    def _flush(self) -> None:
        """Commit what waits; when the store cannot, keep what is bounded and say so once."""
        if self._store is None:
            return
        self._kept_back = 0
        now_ns = self.clock.monotonic_ns()
        is_drained = now_ns - self._drained_ns < TAPE_WITHIN_NS
        if self._backlog.entries or not is_drained or self._backlog.waiting_notes() >= MANY_NOTES:
            self._drained_ns = now_ns
            self._backlog.drain()
        try:
            self._write(self._store)
        except Exception as error:  # noqa: BLE001 - the record must not take protection down
            if self._failed_ns is None:
                self.fault(
                    f"could not write the record: {error}. Rules and locks go on; "
                    "free disk space or repair the data directory."
                )
            self._failed_ns = self.clock.monotonic_ns()
            self._backlog.bound(self.clock.now_ns())
            self._tally.could_not_write(len(self._backlog.entries))
            return
        if self._failed_ns is not None:
            logger.bind(actor=self.address).warning("The record can be written again")
        self._failed_ns = None
        self._written_ns = now_ns

    def _write(self, store: JournalStore) -> None:
        while True:
            began_ns = self.clock.monotonic_ns()
            store.write(self._backlog.batch(self.clock.now_ns()))
            self._backlog.written()
            self._tally.wrote(self.clock.monotonic_ns() - began_ns, len(self._backlog.entries))
            if not self._backlog.entries:
                return

    def _tidy(self, now_ns: int) -> None:
        """Take one small step of dropping what is too old, while there is nothing else to do."""
        mono_ns = self.clock.monotonic_ns()
        if self._tidied_ns is None or mono_ns - self._tidied_ns >= TIDY_EVERY_NS:
            self._tidied_ns, self._is_tidy = mono_ns, False
        if self._is_tidy or self._store is None or self._failed_ns is not None:
            return
        try:
            self._is_tidy = not self._store.tidy(now_ns)
        except Exception as error:  # noqa: BLE001 - what is old can stay until the next time
            self._is_tidy = True
            self.fault(f"could not drop what is too old from the store: {error}")


def _says_the_same(snapshot: m.AccountSnapshot, last: m.AccountSnapshot) -> bool:
    """Tell whether two snapshots of an account differ in nothing but when they were read."""
    return (
        snapshot.account == last.account
        and snapshot.positions == last.positions
        and snapshot.orders == last.orders
        and snapshot.fills == last.fills
        and snapshot.account_read == last.account_read
    )


_BROKER_EVENTS = (
    m.AccountSnapshot,
    m.AccountReported,
    m.PositionReported,
    m.OrderReported,
    m.FillReported,
)
