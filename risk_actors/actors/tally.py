"""Counts what happened since the process began, for `GET /metrics`.

The journal is told of everything that counts here, on a thread of its own, after whoever acts; so
nobody who acts counts anything. The tally outlives the actors: what is made anew goes on with it,
and no figure ever goes down. One thread writes at a time and others read without a lock, for which
each mapping is copied in one piece.

Times are differences of instants by our clock (`runtime.clock.SystemClock`), which never goes back
and which nobody can set; where the broker's time moves it ahead, one sample may be too long by
that much, and none is ever negative.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from risk_actors import messages as m
from risk_actors.actors.buckets import Buckets
from risk_actors.core.commands import Answer, Refusal
from risk_actors.core.verdict import VERDICT_NAMES

EVENT_KINDS: Mapping[type[m.Message], str] = {
    m.AccountReported: "account",
    m.PositionReported: "position",
    m.OrderReported: "order",
    m.FillReported: "fill",
    m.AccountSnapshot: "snapshot",
    m.SnapshotFailed: "snapshot_failed",
    m.BarsReported: "bars",
    m.PayloadRejected: "payload_rejected",
}
"""What the broker says, quotes apart: those go to whoever marks prices, and to nobody else."""
TOLD_BY_USER_HUB = (m.AccountReported, m.PositionReported, m.OrderReported, m.FillReported)
WAYS = ("user_hub", "market_hub", "rest")
COMMANDS = ("close", "cancel", "move_stop")
UNKNOWN = "unknown"
"""An answered command of which the journal was not told that it was sent."""

DECISION_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
ANSWER_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
ENFORCEMENT_S = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
WRITE_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)

KEPT_CAUSES = 4096
"""So many causes, and commands without an answer, are remembered; the oldest are forgotten."""
_NEVER_LEFT = (Refusal.DISARMED, Refusal.UNREACHABLE)


class _Cause(NamedTuple):
    at_ns: int
    """When the event at the head of the chain was taken in."""
    measured: set[str]
    """Commands whose way from it was measured: the first of each kind."""


class Tally:
    """Everything that is counted; whoever shows a mapping copies it first."""

    def __init__(self) -> None:
        self.events: Counter[str] = Counter(dict.fromkeys(EVENT_KINDS.values(), 0))
        self.verdicts: Counter[tuple[str, str]] = Counter()
        """Changes by rule and verdict."""
        self.breaches: Counter[tuple[str, str]] = Counter()
        """By rule, and whether it is enforced (`enforce`) or only noted (`shadow`)."""
        self.warnings: Counter[str] = Counter()
        self.commands: Counter[str] = Counter(dict.fromkeys(COMMANDS, 0))
        self.outcomes: Counter[tuple[str, str]] = Counter(
            dict.fromkeys(((name, each.value) for name in COMMANDS for each in Answer), 0)
        )
        """By command and answer."""
        self.refusals: Counter[tuple[str, str]] = Counter()
        """By command and why."""
        self.locks_engaged: Counter[str] = Counter()
        self.locks_ended: Counter[str] = Counter()
        self.enforcements: Counter[str] = Counter(
            dict.fromkeys((phase.value for phase in m.EnforcementPhase), 0)
        )
        self.panics = 0
        self.differences = 0
        """Corrections of what we knew by what the broker says."""
        self.losses: Counter[str] = Counter(dict.fromkeys(WAYS, 0))
        self.reconnects: Counter[str] = Counter(dict.fromkeys(WAYS, 0))
        self.write_failures = 0
        self.unwritten_rows = 0
        self.unsaved_locks = 0
        self.user_hub_ns: int | None = None
        """When the user hub last told anything of an account."""
        self.event_to_breach = Buckets(DECISION_S)
        self.event_to_command = {name: Buckets(DECISION_S) for name in COMMANDS}
        self.command_to_answer = {name: Buckets(ANSWER_S) for name in COMMANDS}
        self.to_flat = Buckets(ENFORCEMENT_S)
        self.writes = Buckets(WRITE_S)
        self._verdicts: dict[tuple[str, int], str] = {}
        self._causes: OrderedDict[str, _Cause] = OrderedDict()
        self._sent: OrderedDict[int, str] = OrderedDict()
        self._ways: m.ConnectionChanged | None = None
        self._takers: Mapping[type[m.Message], Callable[[Any], None]] = {
            m.VerdictChanged: self._take_verdict,
            m.BreachFound: self._take_breach,
            m.ShadowBreachFound: self._take_shadow,
            m.StopMovesWanted: self._take_cause,
            m.WarningRaised: self._take_warning,
            m.SendClose: self._take_close,
            m.SendCancel: self._take_cancel,
            m.SendMoveStop: self._take_move,
            m.CommandAnswered: self._take_answer,
            m.LocksChanged: self._take_locks,
            m.EnforcementChanged: self._take_enforcement,
            m.PanicRequested: self._take_panic,
            m.ConnectionChanged: self._take_connection,
            m.ReconciliationDiffered: self._take_differences,
        }

    def take(self, message: m.Message) -> None:
        """Count one message; most are of no kind that is counted, and cost two look-ups."""
        kind = type(message)
        name = EVENT_KINDS.get(kind)
        if name is not None:
            self.events[name] += 1
            if kind in TOLD_BY_USER_HUB:
                self.user_hub_ns = message.at_ns
        take = self._takers.get(kind)
        if take is not None:
            take(message)

    def wrote(self, took_ns: int, unwritten_rows: int) -> None:
        """Count one transaction of the journal, and note what still waits."""
        self.writes.add(took_ns)
        self.unwritten_rows = unwritten_rows

    def could_not_write(self, unwritten_rows: int) -> None:
        """Count one transaction that failed."""
        self.write_failures += 1
        self.unwritten_rows = unwritten_rows

    def _take_verdict(self, message: m.VerdictChanged) -> None:
        key, name = (message.rule_id, message.account_id), VERDICT_NAMES[type(message.verdict)]
        # It is told again with every figure that moves.
        if self._verdicts.get(key) != name:
            self._verdicts[key] = name
            self.verdicts[message.rule_id, name] += 1

    def _take_breach(self, message: m.BreachFound) -> None:
        self._take_cause(message)
        if not message.is_repeat:
            self.breaches[message.rule_id, "enforce"] += 1
            self.event_to_breach.add(message.at_ns - message.event.at_ns)

    def _take_shadow(self, message: m.ShadowBreachFound) -> None:
        self.breaches[message.rule_id, "shadow"] += 1

    def _take_warning(self, message: m.WarningRaised) -> None:
        self.warnings[message.rule_id] += 1

    def _take_cause(self, message: m.BreachFound | m.StopMovesWanted) -> None:
        self._remember(message.correlation_id, message.event)

    def _remember(self, correlation_id: str, event: m.Message) -> None:
        if correlation_id not in self._causes:
            self._causes[correlation_id] = _Cause(event.at_ns, set())
            if len(self._causes) > KEPT_CAUSES:
                self._causes.popitem(last=False)

    def _take_close(self, message: m.SendClose) -> None:
        self._take_command("close", message.command.id)

    def _take_cancel(self, message: m.SendCancel) -> None:
        self._take_command("cancel", message.command.id)

    def _take_move(self, message: m.SendMoveStop) -> None:
        self._take_command("move_stop", message.command.id)

    def _take_command(self, name: str, command_id: int) -> None:
        self.commands[name] += 1
        self._sent[command_id] = name
        if len(self._sent) > KEPT_CAUSES:
            self._sent.popitem(last=False)

    def _take_answer(self, message: m.CommandAnswered) -> None:
        outcome = message.outcome
        name = self._sent.pop(outcome.command_id, UNKNOWN)
        self.outcomes[name, outcome.answer.value] += 1
        if outcome.reason is not None:
            self.refusals[name, outcome.reason.value] += 1
        if name == UNKNOWN or outcome.reason in _NEVER_LEFT:
            return
        self.command_to_answer[name].add(message.at_ns - message.sent_ns)
        cause = self._causes.get(message.correlation_id)
        # What follows it waits for broker, brake or schedule, and not for us.
        if cause is not None and name not in cause.measured:
            cause.measured.add(name)
            self.event_to_command[name].add(message.sent_ns - cause.at_ns)

    def _take_locks(self, message: m.LocksChanged) -> None:
        self.unsaved_locks = message.unsaved
        if message.engaged is not None:
            self.locks_engaged[message.engaged.rule_id] += 1
        if message.ended is not None:
            self.locks_ended[message.ended.rule_id] += 1

    def _take_enforcement(self, message: m.EnforcementChanged) -> None:
        self.enforcements[message.phase.value] += 1
        if message.event is not None:
            self._remember(message.correlation_id, message.event)
        if message.phase is m.EnforcementPhase.FLAT_OBSERVED:
            self.to_flat.add(message.took_ns)

    def _take_panic(self, message: m.PanicRequested) -> None:
        self.panics += 1
        self._remember(message.correlation_id, message)

    def _take_differences(self, message: m.ReconciliationDiffered) -> None:
        self.differences += len(message.differences)

    def _take_connection(self, message: m.ConnectionChanged) -> None:
        before, self._ways = self._ways, message
        if before is None:
            return
        for way in WAYS:
            was_up, is_up = getattr(before, way), getattr(message, way)
            if was_up and not is_up:
                self.losses[way] += 1
            elif is_up and not was_up and self.losses[way]:
                self.reconnects[way] += 1
