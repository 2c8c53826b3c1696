"""Asserts the invariants while a day is played, and liveness when it is over.

Every check goes by the exchange's journal, by what was sent and told, by the record, and by what
the guard shows; none asks the guard's own reckoning whether it was right. Where a check allows
time, the allowance is a figure of this page, with its reason.
"""

from collections.abc import Callable

from risk_actors import messages as m
from risk_actors.actors.picture import Picture
from risk_actors.actors.record import Entry
from risk_actors.fuzz.check_commands import CommandCheck
from risk_actors.fuzz.check_end import agreement, unexplained
from risk_actors.fuzz.check_flat import FlatCheck
from risk_actors.fuzz.check_locks import LockCheck, RebirthCheck
from risk_actors.fuzz.check_prices import PriceCheck
from risk_actors.fuzz.check_rebirth import changed
from risk_actors.fuzz.check_rules import RuleCheck
from risk_actors.fuzz.check_stops import StopCheck
from risk_actors.fuzz.findings import Finding
from risk_actors.fuzz.health import Health
from risk_actors.fuzz.sight import Told, Truth
from risk_actors.fuzz.stage import Stage
from risk_actors.runtime.stepped import InjectedFailureError
from risk_actors.simulator.records import JournalEntry

FINDINGS_AT_MOST = 5

_NEWS = (
    m.AccountReported,
    m.CommandAnswered,
    m.ConnectionChanged,
    m.FillReported,
    m.OrderReported,
    m.PayloadRejected,
    m.PositionReported,
    m.SnapshotFailed,
)
_DECISIONS = (
    m.BreachFound,
    m.BreachEnded,
    m.ConditionEnded,
    m.LocksChanged,
    m.EnforcementChanged,
    m.DailyReset,
    m.ReconciliationDiffered,
)
_BRAKED = m.EnforcementPhase.BRAKED
_FAILURES = frozenset(
    {m.ActorStatus.FAILED, m.ActorStatus.FAULT, m.ActorStatus.GIVEN_UP, m.ActorStatus.STUCK}
)


class Checker:
    """Watches one day."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.findings: list[Finding] = []
        self.truth, self.told = Truth(), Told()
        stage.broker.on_entry = self._on_entry
        stage.broker.on_told = self._on_told
        self._flat = FlatCheck(self.truth, self.told, stage)
        self._locks = LockCheck(self.truth, stage)
        self._rebirth = RebirthCheck(stage)
        self._commands = CommandCheck(self.truth)
        self._prices = PriceCheck(self.truth, self.told, stage)
        self._rules = RuleCheck(self.truth, self.told, stage)
        self._stops = StopCheck(stage)
        self._health = Health(stage.broker.accounts, stage.clock.now_ns())
        self._read = self._sent = self._watched = 0
        self._shown = stage.frame.picture
        self._has_stirred = False

    # --- what comes in ----------------------------------------------------------------------

    def _on_entry(self, entry: JournalEntry) -> None:
        self._has_stirred = True
        self.truth.take(entry)
        self._tell(self._stops.take(entry))

    def _on_told(self, message: m.Message) -> None:
        # Quotes that repeat the last, and reads on a timer, are no news.
        if isinstance(message, _NEWS):
            self._has_stirred = True
        self.told.take(message, self._stage.clock.now_ns())
        self._commands.told(message)
        self._prices.told(message)
        self._stops.told(message)

    def begins_or_ends(self) -> None:
        """A fault is about to begin or to end."""
        self._examine(self._stage.clock.now_ns())

    def failed(self) -> None:
        """The guard, or a part of it, is about to fail."""
        self._health.harmed(self._stage.clock.now_ns())

    def reborn(self) -> None:
        """The guard is about to start after a kill."""
        self._read_record()
        self._flat.reborn()
        self.failed()
        self._rebirth.before()

    # --- looking ----------------------------------------------------------------------------

    @property
    def is_over(self) -> bool:
        """Whether enough was found."""
        return len(self.findings) >= FINDINGS_AT_MOST

    def stirred(self) -> bool:
        """Tell whether anything was told or sent since the last look."""
        stirred, self._has_stirred = self._has_stirred, False
        return stirred

    def _examine(self, now_ns: int) -> None:
        """Take note of all that is wrong now."""
        stage = self._stage
        self._health.suffer(stage.broker.on, now_ns)
        if stage.is_dead or stage.broker.exchange.halted:
            self._health.harmed(now_ns)

    def look(self) -> None:
        """Check all that can be checked now."""
        stage, now_ns = self._stage, self._stage.clock.now_ns()
        self._examine(now_ns)
        self._read_record()
        for at_ns, command in stage.broker.commands[self._sent :]:
            self._sent += 1
            self._has_stirred = True
            self._tell(self._commands.sent(at_ns, command))
        for violation in stage.broker.violations[self._watched :]:
            self._watched += 1
            self.found("I2", violation)
        if stage.system.dead_letters.total:
            self.found("actor", f"{stage.system.dead_letters.total} dead letters")
        if stage.is_dead:
            return
        well = [
            account_id
            for account_id in stage.broker.accounts
            if self._health.is_well(account_id, now_ns)
        ]
        self._tell(self._locks.look(now_ns, well))
        self._tell(self._rules.look(now_ns, well))
        self._tell(self._stops.look(now_ns, well))
        self._tell(self._prices.look(now_ns))
        if len(well) == len(stage.broker.accounts):
            self._tell(self._rebirth.look())

    def _read_record(self) -> None:
        for entry in self._stage.store.entries[self._read :]:
            self._read += 1
            self._take(entry)

    def _take(self, entry: Entry) -> None:
        message = entry.message
        if isinstance(message, m.EnforcementChanged) and message.phase is _BRAKED:
            self._health.braked(message.account_id, self._stage.clock.now_ns())
        if isinstance(message, m.ActorChanged) and message.status in _FAILURES:
            self.failed()
            if InjectedFailureError.__name__ not in message.detail:
                self.found("actor", f"{message.address} {message.status}: {message.detail}")
        if isinstance(entry.message, _DECISIONS):
            self._has_stirred = True
        self._tell(self._flat.take(entry))
        self._tell(self._rules.take(entry))
        self._tell(self._prices.take(entry))

    def end(self) -> None:
        """Check what must hold once everything has been well for a while."""
        if self.is_over:
            return
        self.look()
        self._tell(agreement(self._stage))
        self._tell(unexplained(self._stage))

    def begin_rebirth(self) -> None:
        """Note what is shown before a restart at the end."""
        self._shown = self._stage.frame.picture

    def end_rebirth(self, unbroken: Callable[[], Picture]) -> None:
        """Compare it with what is shown once the guard is back, and without the restart."""
        if not self.is_over:
            self._tell(changed(self._shown, self._stage.frame.picture, unbroken))

    def _tell(self, found: list[tuple[str, str]]) -> None:
        for invariant, what in found:
            self.found(invariant, what)

    def found(self, invariant: str, what: str) -> None:
        """Note that something must not be."""
        if not self.is_over:
            self.findings.append(Finding(invariant, round(self._stage.now_s, 3), what))
