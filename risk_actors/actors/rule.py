"""The rule actor: hosts any rule, shows it its facts and passes on what it says."""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from risk_actors import messages as m
from risk_actors.actors.enforcer import EnforcerActor
from risk_actors.actors.lockout import LockoutActor
from risk_actors.actors.rule_facts import (
    Cause,
    account_in,
    broken_by,
    event_of,
    failure_of,
    is_known_enough,
    is_plain_ok,
    newly_moved,
    note_done,
    standing,
    what_is_left_of,
)
from risk_actors.actors.rule_shelf import Looks, RuleShelf, Watch
from risk_actors.core.account_state import AccountState
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.pnl_state import PnlState
from risk_actors.core.rules import Fact, Mode, Rule
from risk_actors.core.rules.base import OnRuleFailure, OnUnknown
from risk_actors.core.rules.calm import reader_of
from risk_actors.core.rules.failure import FAILED_LOCKS_AFTER_NS, TRIED_EVERY_NS, failed_check
from risk_actors.core.rules.measure import Unit
from risk_actors.core.rules.memory import RuleMemory
from risk_actors.core.rules.response import (
    UNKNOWN_CAUSE,
    is_done,
    is_over,
    later_by,
    respond,
)
from risk_actors.core.verdict import (
    Breached,
    Ok,
    Reduce,
    Unknown,
    Verdict,
    Warned,
)
from risk_actors.runtime.actor import Actor, ActorContext
from risk_actors.runtime.control import Control, FailClosed, Resync, TryAgain

FACT_MESSAGES: Mapping[type, type] = {
    AccountState: m.AccountUpdated,
    PnlState: m.PnlUpdated,
}
"""The message that brings each fact."""

CLOCK_STEPPED_BACK_NS = NS_PER_S
"""A clock set back by more than this makes every deadline doubtful, so all is judged anew."""


class RuleActor(Actor):
    """One rule over the accounts it selects, with a state for each."""

    kind = "rule"
    one_per = "rule"
    receives = frozenset({m.AccountUpdated, m.PnlUpdated, m.Tick})
    sends = frozenset(
        {
            m.BreachFound,
            m.BreachEnded,
            m.ShadowBreachFound,
            m.ConditionEnded,
            m.StopMovesWanted,
            m.ShadowStopMoves,
            m.WarningRaised,
            m.VerdictChanged,
            m.RuleStateChanged,
        }
    )

    def __init__(
        self,
        context: ActorContext,
        *,
        rule: Rule[Any, Any],
        mode: Mode,
        accounts: set[int],
        shelf: RuleShelf,
        on_failure: OnRuleFailure = OnRuleFailure.LOCK,
        held: Collection[int] = (),
    ) -> None:
        """Take the rule and what it is to do.

        Args:
            context: what every actor gets.
            rule: the rule.
            mode: the one in force; shadow while not armed.
            accounts: those it guards.
            shelf: what it remembers of them.
            on_failure: what becomes of an account on which the rule itself fails.
            held: accounts on which the run before left a lock of this rule that waits for it.
        """
        super().__init__(context)
        self._rule = rule
        self._accounts = frozenset(accounts)
        self._shelf = shelf
        self._clock_ns = 0
        self._looks = Looks()
        self._shows_time = rule.measure.unit is Unit.SECONDS
        self._is_ever_calm = reader_of(rule) is not None
        settings = rule.settings
        self._id, self._type = settings.id, settings.type
        self._mode_name, self._is_enforced = mode.value, mode is Mode.ENFORCE
        self._locks_unknown = settings.on_unknown is OnUnknown.LOCK
        self._has_conditions = rule.ends_on_condition or self._locks_unknown
        self._locks_failure = on_failure is OnRuleFailure.LOCK and mode is Mode.ENFORCE
        self._held = frozenset(held)
        self._waits_for_end = self._has_conditions or bool(held)
        """Whether locks may wait for the rule to be kept."""
        self._stands_in_for: str | None = None
        """The error of which the actors before this one failed, while it judges nothing."""

    def handle(self, message: Any) -> None:
        """Evaluate the rule on a fact, or again where time may have changed its mind."""
        match message:
            case m.PnlUpdated():
                self._take(message.pnl, message)
            case m.AccountUpdated():
                self._take(message.state, message)
            case m.Tick():
                self._look_again(message)

    def handle_control(self, message: Control) -> None:
        """Judge nothing, or again; or repeat what somebody may have lost."""
        match message:
            case FailClosed():
                self._stands_in_for = message.reason
                now_ns = self.clock.now_ns()
                cid = f"failed-{now_ns // 1_000_000}"
                for account_id in sorted(self._accounts):
                    watch = self._shelf.watch(account_id)
                    self._fail_on(watch, message.reason, cid, None, now_ns)
                self._looks = Looks()
            case TryAgain():
                self._stands_in_for, self._looks = None, Looks()
                for watch in self._shelf.watches.values():
                    watch.look_ns = self.clock.now_ns()
            case Resync():
                self._repeat(message)

    def _repeat(self, message: Resync) -> None:
        """Report breaches that still hold again to whoever acts on them and may have lost them."""
        is_acting = message.address in (EnforcerActor.kind, LockoutActor.kind)
        if is_acting and self._is_enforced:
            now_ns = self.clock.now_ns()
            for watch in self._shelf.watches.values():
                for found in (watch.reported, watch.failure):
                    if found is not None:
                        again = msgspec.structs.replace(found, is_repeat=True)
                        self._send_unless_over(watch, again, watch.memory, now_ns)
                if watch.is_released and message.address == LockoutActor.kind:
                    self._release(watch, f"resync-{now_ns // 1_000_000}", now_ns)
                if watch.moves_wanted is not None and message.address == EnforcerActor.kind:
                    self.outbox.send(watch.moves_wanted)

    def _take(self, fact: Fact, message: m.AccountUpdated | m.PnlUpdated) -> None:
        account_id = fact.account_id
        if account_id not in self._accounts:
            return
        watch = self._shelf.watches.get(account_id) or self._shelf.watch(account_id)
        watch.fact = fact
        now_ns = self.clock.now_ns()
        if not (self._is_ever_calm and watch.calm.holds(fact, watch.look_ns, now_ns)):
            self._evaluate(watch, fact, message, now_ns)
        if watch.look_ns is not None:
            self._looks.note(watch)

    def _look_again(self, message: m.Tick) -> None:
        now_ns = self.clock.now_ns()
        stepped_back = now_ns < self._clock_ns - CLOCK_STEPPED_BACK_NS
        self._clock_ns = now_ns
        for watch, fact in self._looks.due(self._shelf, now_ns, is_everybody=stepped_back):
            self._evaluate(watch, fact, message, now_ns)

    def _evaluate(self, watch: Watch, fact: Fact, cause: Cause, now_ns: int) -> None:
        """Show the rule a fact by the broker's clock, by which trades and entries are timed."""
        account = account_in(fact)
        ahead_ns = 0 if account is None else account.clock_ahead_ns
        broker_ns = now_ns - ahead_ns
        memory = watch.memory
        watch.calm.end()
        if self._stands_in_for is not None:
            cid, event = cause.correlation_id, event_of(cause)
            self._fail_on(watch, self._stands_in_for, cid, event, now_ns)
            return
        try:
            state, verdict = self._rule.evaluate(memory.state, fact, broker_ns)
            look_ns = self._rule.next_look_ns(state, fact, broker_ns)
        except Exception as error:  # noqa: BLE001 - what one account shows must not blind the others
            self._say_failed(watch, error, now_ns)
            name, event = type(error).__name__, event_of(cause)
            self._fail_on(watch, name, cause.correlation_id, event, now_ns)
            return
        if state != memory.state:
            memory = msgspec.structs.replace(memory, state=state)
        look_ns = None if look_ns is None else look_ns + ahead_ns
        is_plain = is_plain_ok(watch, memory, verdict, waits_for_end=self._waits_for_end)
        if not is_plain:
            self._judge_again(watch, cause, now_ns)
            look_ns = watch.failing.sooner(look_ns)
        watch.look_ns = look_ns
        grows = self._shows_time and (account is None or account.positions)
        if grows and isinstance(verdict, Ok | Warned) and verdict.value is not None:
            watch.look_ns = min(watch.look_ns or now_ns + NS_PER_S, now_ns + NS_PER_S)
        if is_plain:
            watch.unknown_since_ns = None
        else:
            memory = self._follow(watch, memory, verdict, cause, now_ns)
            if isinstance(verdict, Warned):
                memory = self._warn(memory, verdict, fact, cause, now_ns)
            self._move_stops(watch, verdict, cause, now_ns)
        if memory is not watch.memory:
            self._remember(watch, memory, cause, now_ns)
        self._tell(watch, verdict, cause.correlation_id, now_ns)
        is_over = watch.reported is None and watch.failure is None
        if self._is_ever_calm and is_over and watch.failing.since_ns is None:
            watch.calm.note(fact, verdict, now_ns)

    # --- a rule that fails ------------------------------------------------------------------

    def _say_failed(self, watch: Watch, error: Exception, now_ns: int) -> None:
        """Say once that a rule began to fail on an account."""
        if watch.failing.fail(now_ns):
            self.fault(
                f"failed on account {watch.account_id} and judges nothing of it: "
                f"{type(error).__name__}: {error}; it is tried again with each event"
            )

    def _fail_on(
        self, watch: Watch, error: str, correlation_id: str, event: m.Message | None, now_ns: int
    ) -> None:
        """Say that nothing is known of an account, and when that lasts let nothing be added."""
        watch.calm.end()
        watch.failing.fail(now_ns)
        due_ns = (watch.failing.since_ns or now_ns) + FAILED_LOCKS_AFTER_NS
        watch.look_ns = due_ns if now_ns < due_ns else now_ns + TRIED_EVERY_NS
        unknown = failed_check(error)
        note_done(watch)
        self._tell(watch, unknown, correlation_id, now_ns)
        if self._locks_failure:
            failure = failure_of(watch, unknown, self._id, correlation_id, event, now_ns)
            if failure is not None:
                watch.failure, watch.is_released = failure, False
                self.outbox.send(failure)

    def _judge_again(self, watch: Watch, cause: Cause, now_ns: int) -> None:
        """End the lock for a rule that failed: it judges, and is believed to go on with it."""
        if not watch.failing.judge(now_ns):
            return
        failure, watch.failure = watch.failure, None
        is_left = watch.account_id in self._held and not (self._has_conditions or watch.is_released)
        if failure is None and not is_left:
            return
        self._release(watch, cause.correlation_id, now_ns)
        watch.is_released = watch.reported is None
        if watch.reported is not None:
            # The same rule may have locked on a condition of its own, which still holds.
            again = msgspec.structs.replace(watch.reported, is_repeat=True)
            self._send_unless_over(watch, again, watch.memory, now_ns)

    # --- breaches -------------------------------------------------------------------------

    def _follow(
        self, watch: Watch, memory: RuleMemory, verdict: Verdict, cause: Cause, now_ns: int
    ) -> RuleMemory:
        """Report a breach, or end what was reported; nothing of both while it is not known."""
        broken = broken_by(watch, verdict, now_ns, locks_unknown=self._locks_unknown)
        if broken is not None:
            account = account_in(watch.fact)
            later = later_by(broken, 0 if account is None else account.clock_ahead_ns)
            return self._report(watch, memory, later, cause, now_ns)
        return memory if isinstance(verdict, Unknown) else self._end(watch, memory, cause, now_ns)

    def _send_unless_over(
        self, watch: Watch, found: m.BreachFound, memory: RuleMemory, now_ns: int
    ) -> None:
        """Send a breach; once its locks have ended, only what is left to be done of it.

        What an unlock waived is not sent again, or the account would be flattened at every restart.
        """
        breach = what_is_left_of(found, account_in(watch.fact))
        if breach is None:
            return
        if is_over(breach, self._rule.context.calendar, found.at_ns, now_ns):
            if memory.is_done:
                return
            breach = msgspec.structs.replace(breach, locks=())
        self.outbox.send(msgspec.structs.replace(found, breach=breach))

    def _report(
        self, watch: Watch, memory: RuleMemory, breach: Breached, cause: Cause, now_ns: int
    ) -> RuleMemory:
        """Send a breach once per cause; a check that cannot be made does not end a breach.

        After a restart it is sent again as of when it was first found, so that a lock which was
        not saved in time is engaged after all, and one that has ended is not begun anew. So it is
        when it was in shadow for a while; what was never more than in shadow is found anew.
        """
        account, reported = account_in(watch.fact), watch.reported
        if reported is not None and reported.breach.cause == breach.cause:
            if memory.is_done or account is None or not is_done(reported.breach.action, account):
                return memory
            return msgspec.structs.replace(memory, is_done=True)
        is_known = memory.reported == breach.cause and (
            not self._is_enforced or memory.reported_mode == Mode.ENFORCE
        )
        if is_known and not is_known_enough(account):
            # What may stay open under its lock, or whether that was ended by an unlock, is not
            # known yet; the lock itself is in force meanwhile, whatever this rule says.
            return memory
        since_ns = memory.reported_ns if is_known else now_ns
        if memory.reported == UNKNOWN_CAUSE:
            # The check can be made again, and says that the rule is broken.
            self._release(watch, cause.correlation_id, now_ns)
        found = self._found(watch, breach, cause, since_ns, is_repeat=is_known)
        watch.reported = found
        watch.is_released = False
        if not is_known:
            memory = msgspec.structs.replace(
                memory,
                reported=breach.cause,
                reported_ns=since_ns,
                reported_mode=self._mode_name,
                is_done=False,
            )
        if self._is_enforced:
            self._send_unless_over(watch, found, memory, now_ns)
        elif not is_known:
            self._record(found)
        return memory

    def _record(self, found: m.BreachFound) -> None:
        """Tell what would have been done."""
        self.outbox.send(
            m.ShadowBreachFound(
                correlation_id=found.correlation_id,
                at_ns=found.at_ns,
                rule_id=found.rule_id,
                account_id=found.account_id,
                breach=found.breach,
                event=found.event,
            )
        )

    def _found(
        self, watch: Watch, breach: Breached, cause: Cause, since_ns: int, *, is_repeat: bool
    ) -> m.BreachFound:
        """Return the breach as told, with the trader's own terms of the lock."""
        account, settings = account_in(watch.fact), self._rule.settings
        lock = None if breach.cause == UNKNOWN_CAUSE else settings.lock
        return m.BreachFound(
            correlation_id=cause.correlation_id,
            at_ns=since_ns,
            rule_id=settings.id,
            account_id=watch.account_id,
            breach=respond(breach, lock, account, since_ns),
            event=event_of(cause),
            is_repeat=is_repeat,
        )

    def _end(self, watch: Watch, memory: RuleMemory, cause: Cause, now_ns: int) -> RuleMemory:
        """The rule is kept: what a reduction has left to do, and locks on a condition, are over."""
        ended, watch.reported = watch.reported, None
        if memory.reported is not None:
            memory = msgspec.structs.replace(
                memory, reported=None, reported_ns=0, reported_mode="", is_done=False
            )
        if not self._is_enforced:
            return memory
        if ended is not None and isinstance(ended.breach.action, Reduce):
            self.outbox.send(
                m.BreachEnded(
                    correlation_id=cause.correlation_id,
                    at_ns=now_ns,
                    rule_id=self._id,
                    account_id=watch.account_id,
                )
            )
        if self._has_conditions and not watch.is_released and watch.failure is None:
            # Said once after a start too: the lock may be one that the last run left.
            watch.is_released = True
            self._release(watch, cause.correlation_id, now_ns)
        return memory

    def _release(self, watch: Watch, correlation_id: str, now_ns: int) -> None:
        """Tell that what this rule's locks on a condition wait for has come."""
        if self._is_enforced:
            self.outbox.send(
                m.ConditionEnded(
                    correlation_id=correlation_id,
                    at_ns=now_ns,
                    rule_id=self._id,
                    account_id=watch.account_id,
                )
            )

    def _warn(
        self, memory: RuleMemory, warned: Warned, fact: Fact, cause: Cause, now_ns: int
    ) -> RuleMemory:
        after = memory.after_warning(warned, fact.day_start_ns)
        if after is None:
            return memory
        self.outbox.send(
            m.WarningRaised(
                correlation_id=cause.correlation_id,
                at_ns=now_ns,
                rule_id=self._id,
                account_id=fact.account_id,
                warned=warned,
                event=event_of(cause),
            )
        )
        return after

    def _move_stops(self, watch: Watch, verdict: Verdict, cause: Cause, now_ns: int) -> None:
        """Pass on the moves wanted, each time they are others; in shadow say what was moved."""
        moves = newly_moved(watch, verdict, now_ns, is_enforced=self._is_enforced)
        if moves is None:
            return
        if not self._is_enforced:
            self.outbox.send(
                m.ShadowStopMoves(
                    correlation_id=cause.correlation_id,
                    at_ns=now_ns,
                    rule_id=self._id,
                    account_id=watch.account_id,
                    moves=moves,
                    event=event_of(cause),
                )
            )
            return
        watch.moves_wanted = m.StopMovesWanted(
            correlation_id=cause.correlation_id,
            at_ns=now_ns,
            rule_id=self._id,
            account_id=watch.account_id,
            moves=moves,
            event=event_of(cause),
        )
        self.outbox.send(watch.moves_wanted)

    def _remember(self, watch: Watch, memory: RuleMemory, cause: Cause, now_ns: int) -> None:
        before, watch.memory = watch.memory, memory
        is_kept = (
            self._rule.State is not None
            or memory.warned is not before.warned
            or (memory.reported, memory.is_done) != (before.reported, before.is_done)
        )
        if is_kept:
            self.outbox.send(
                m.RuleStateChanged(
                    correlation_id=cause.correlation_id,
                    at_ns=now_ns,
                    rule_id=self._id,
                    rule_type=self._type,
                    account_id=watch.account_id,
                    memory=memory,
                )
            )

    def _tell(self, watch: Watch, verdict: Verdict, correlation_id: str, now_ns: int) -> None:
        is_waived, next_cause_ns = False, None
        if watch.reported is not None:
            calendar, is_enforced = self._rule.context.calendar, self._is_enforced
            is_waived, next_cause_ns = standing(watch, verdict, calendar, is_enforced=is_enforced)
        told = (verdict, is_waived, next_cause_ns)
        if watch.told == told:
            return
        watch.told = told
        self.outbox.send(
            m.VerdictChanged(
                correlation_id=correlation_id,
                at_ns=now_ns,
                rule_id=self._id,
                rule_type=self._type,
                mode=self._mode_name,
                account_id=watch.account_id,
                verdict=verdict,
                measure=self._rule.measure,
                is_waived=is_waived,
                next_cause_ns=next_cause_ns,
            )
        )
