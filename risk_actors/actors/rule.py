"""The rule actor: hosts any rule, shows it its facts and passes on what it says."""

from collections.abc import Mapping
from typing import Any

import msgspec

from risk_actors import messages as m
from risk_actors.actors.enforcer import EnforcerActor
from risk_actors.actors.lockout import LockoutActor
from risk_actors.core.account_state import AccountState
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.lock_end import lock_end_ns
from risk_actors.core.pnl_state import PnlState
from risk_actors.core.rules import Fact, Mode, Rule
from risk_actors.core.rules.base import OnUnknown
from risk_actors.core.rules.measure import Unit
from risk_actors.core.rules.memory import RuleMemory
from risk_actors.core.rules.response import (
    UNKNOWN_CAUSE,
    UNKNOWN_LOCKS_AFTER_NS,
    is_done,
    is_over,
    later_by,
    respond,
    unknown_lock,
)
from risk_actors.core.shadow_stops import ShadowStops
from risk_actors.core.unlock_waiver import left_of
from risk_actors.core.verdict import (
    Breached,
    LockTerms,
    Ok,
    Reduce,
    StopMove,
    Unknown,
    Verdict,
    Warned,
)
from risk_actors.runtime.actor import Actor, ActorContext
from risk_actors.runtime.control import Control, Resync

FACT_MESSAGES: Mapping[type, type] = {
    AccountState: m.AccountUpdated,
    PnlState: m.PnlUpdated,
}
"""The message that brings each fact."""

CLOCK_STEPPED_BACK_NS = NS_PER_S
"""A clock set back by more than this makes every deadline doubtful, so all is judged anew."""

type Cause = m.AccountUpdated | m.PnlUpdated | m.Tick


class _Watch:
    """What the actor knows of one account; it outlives the actor on the shelf."""

    __slots__ = (
        "fact",
        "is_released",
        "look_ns",
        "memory",
        "moves_wanted",
        "reported",
        "shadow_stops",
        "told",
        "unknown_since_ns",
    )

    def __init__(self, memory: RuleMemory) -> None:
        self.memory = memory
        self.fact: Fact | None = None
        self.look_ns: int | None = None
        self.told: tuple[Verdict, bool, int | None] | None = None
        """The verdict, whether it is waived, and when the rule finds something else."""
        self.moves_wanted: m.StopMovesWanted | None = None
        self.shadow_stops = ShadowStops()
        self.reported: m.BreachFound | None = None
        self.unknown_since_ns: int | None = None
        self.is_released = False
        """Whether locks that wait for the rule's condition have been let go."""


class RuleShelf:
    """What a rule remembers of its accounts, kept where it outlives the actor."""

    def __init__(self, rule: Rule[Any, Any], restored: Mapping[int, RuleMemory]) -> None:
        """Take the memories of the last run by account."""
        self._rule = rule
        self._restored = restored
        self.watches: dict[int, _Watch] = {}

    def watch(self, account_id: int) -> _Watch:
        """Return what is known of an account, begun anew if nothing is."""
        watch = self.watches.get(account_id)
        if watch is None:
            memory = self._restored.get(account_id)
            if memory is None:
                memory = RuleMemory(state=self._rule.initial_state())
            watch = self.watches[account_id] = _Watch(memory)
        return watch


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
    ) -> None:
        """Take the rule, the mode in force (shadow while not armed) and the accounts it guards."""
        super().__init__(context)
        self._rule = rule
        self._mode = mode
        self._accounts = frozenset(accounts)
        self._shelf = shelf
        self._clock_ns = 0
        self._shows_time = rule.measure.unit is Unit.SECONDS
        settings = rule.settings
        self._locks_unknown = settings.on_unknown is OnUnknown.LOCK
        self._has_conditions = rule.ends_on_condition or self._locks_unknown

    def handle(self, message: Any) -> None:
        """Evaluate the rule on a fact, or again where time may have changed its mind."""
        match message:
            case m.AccountUpdated():
                self._take(message.state, message)
            case m.PnlUpdated():
                self._take(message.pnl, message)
            case m.Tick():
                self._look_again(message)

    def handle_control(self, message: Control) -> None:
        """Report breaches that still hold again to whoever acts on them and may have lost them."""
        if (
            isinstance(message, Resync)
            and message.address in (EnforcerActor.kind, LockoutActor.kind)
            and self._mode is Mode.ENFORCE
        ):
            now_ns = self.clock.now_ns()
            for watch in self._shelf.watches.values():
                found = watch.reported
                if found is not None:
                    again = msgspec.structs.replace(found, is_repeat=True)
                    self._send_unless_over(watch, again, watch.memory, now_ns)
                if watch.is_released and message.address == LockoutActor.kind:
                    self._release(watch, f"resync-{now_ns // 1_000_000}", now_ns)
                if watch.moves_wanted is not None and message.address == EnforcerActor.kind:
                    self.outbox.send(watch.moves_wanted)

    def _take(self, fact: Fact, message: m.AccountUpdated | m.PnlUpdated) -> None:
        if fact.account_id not in self._accounts:
            return
        watch = self._shelf.watch(fact.account_id)
        watch.fact = fact
        self._evaluate(watch, fact, message, self.clock.now_ns())

    def _look_again(self, message: m.Tick) -> None:
        now_ns = self.clock.now_ns()
        stepped_back = now_ns < self._clock_ns - CLOCK_STEPPED_BACK_NS
        self._clock_ns = now_ns
        for watch in self._shelf.watches.values():
            is_due = watch.look_ns is not None and watch.look_ns <= now_ns
            if watch.fact is not None and (is_due or stepped_back):
                self._evaluate(watch, watch.fact, message, now_ns)

    def _evaluate(self, watch: _Watch, fact: Fact, cause: Cause, now_ns: int) -> None:
        """Show the rule a fact by the broker's clock, by which trades and entries are timed."""
        account = _account_in(fact)
        ahead_ns = 0 if account is None else account.clock_ahead_ns
        broker_ns = now_ns - ahead_ns
        memory = watch.memory
        state, verdict = self._rule.evaluate(memory.state, fact, broker_ns)
        if state != memory.state:
            memory = msgspec.structs.replace(memory, state=state)
        look_ns = self._rule.next_look_ns(state, fact, broker_ns)
        watch.look_ns = None if look_ns is None else look_ns + ahead_ns
        if self._shows_time and isinstance(verdict, Ok | Warned) and verdict.value is not None:
            watch.look_ns = min(watch.look_ns or now_ns + NS_PER_S, now_ns + NS_PER_S)
        broken = self._broken(watch, verdict, now_ns)
        if broken is not None:
            memory = self._report(watch, memory, later_by(broken, ahead_ns), cause, now_ns)
        elif not isinstance(verdict, Unknown):
            memory = self._end(watch, memory, cause, now_ns)
        if isinstance(verdict, Warned):
            memory = self._warn(memory, verdict, fact, cause, now_ns)
        self._move_stops(watch, verdict, cause, now_ns)
        self._remember(watch, memory, cause, now_ns)
        self._tell(watch, verdict, cause, now_ns)

    def _broken(self, watch: _Watch, verdict: Verdict, now_ns: int) -> Breached | None:
        """Return the breach, if there is one; a lasting unknown may be one too."""
        if not isinstance(verdict, Unknown):
            watch.unknown_since_ns = None
            return verdict if isinstance(verdict, Breached) else None
        if not self._locks_unknown:
            return None
        if watch.unknown_since_ns is None:
            watch.unknown_since_ns = now_ns
        due_ns = watch.unknown_since_ns + UNKNOWN_LOCKS_AFTER_NS
        if now_ns >= due_ns:
            return unknown_lock(verdict)
        watch.look_ns = min(due_ns, watch.look_ns or due_ns)
        return None

    def _send_unless_over(
        self, watch: _Watch, found: m.BreachFound, memory: RuleMemory, now_ns: int
    ) -> None:
        """Send a breach; once its locks have ended, only what is left to be done of it.

        What an unlock waived is not sent again, or the account would be flattened at every restart.
        """
        breach = _left_of(found, _account_in(watch.fact))
        if breach is None:
            return
        if is_over(breach, self._rule.context.calendar, found.at_ns, now_ns):
            if memory.is_done:
                return
            breach = msgspec.structs.replace(breach, locks=())
        self.outbox.send(msgspec.structs.replace(found, breach=breach))

    def _report(
        self, watch: _Watch, memory: RuleMemory, breach: Breached, cause: Cause, now_ns: int
    ) -> RuleMemory:
        """Send a breach once per cause; a check that cannot be made does not end a breach.

        After a restart it is sent again as of when it was first found, so that a lock which was
        not saved in time is engaged after all, and one that has ended is not begun anew. So it is
        when it was in shadow for a while; what was never more than in shadow is found anew.
        """
        account, reported = _account_in(watch.fact), watch.reported
        if reported is not None and reported.breach.cause == breach.cause:
            if memory.is_done or account is None or not is_done(reported.breach.action, account):
                return memory
            return msgspec.structs.replace(memory, is_done=True)
        is_enforced = self._mode is Mode.ENFORCE
        is_known = memory.reported == breach.cause and (
            not is_enforced or memory.reported_mode == Mode.ENFORCE
        )
        if is_known and not _is_known_enough(account):
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
                reported_mode=self._mode.value,
                is_done=False,
            )
        if is_enforced:
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
        self, watch: _Watch, breach: Breached, cause: Cause, since_ns: int, *, is_repeat: bool
    ) -> m.BreachFound:
        """Return the breach as told, with the trader's own terms of the lock."""
        account, settings = _account_in(watch.fact), self._rule.settings
        lock = None if breach.cause == UNKNOWN_CAUSE else settings.lock
        return m.BreachFound(
            correlation_id=cause.correlation_id,
            at_ns=since_ns,
            rule_id=settings.id,
            account_id=_account_of(watch),
            breach=respond(breach, lock, account, since_ns),
            event=_event_of(cause),
            is_repeat=is_repeat,
        )

    def _end(self, watch: _Watch, memory: RuleMemory, cause: Cause, now_ns: int) -> RuleMemory:
        """The rule is kept: what a reduction has left to do, and locks on a condition, are over."""
        ended, watch.reported = watch.reported, None
        if memory.reported is not None:
            memory = msgspec.structs.replace(
                memory, reported=None, reported_ns=0, reported_mode="", is_done=False
            )
        if self._mode is not Mode.ENFORCE:
            return memory
        account_id, rule_id = _account_of(watch), self._rule.settings.id
        if ended is not None and isinstance(ended.breach.action, Reduce):
            self.outbox.send(
                m.BreachEnded(
                    correlation_id=cause.correlation_id,
                    at_ns=now_ns,
                    rule_id=rule_id,
                    account_id=account_id,
                )
            )
        if self._has_conditions and not watch.is_released:
            # Said once after a start too: the lock may be one that the last run left.
            watch.is_released = True
            self._release(watch, cause.correlation_id, now_ns)
        return memory

    def _release(self, watch: _Watch, correlation_id: str, now_ns: int) -> None:
        """Tell that what this rule's locks on a condition wait for has come."""
        if self._mode is Mode.ENFORCE:
            self.outbox.send(
                m.ConditionEnded(
                    correlation_id=correlation_id,
                    at_ns=now_ns,
                    rule_id=self._rule.settings.id,
                    account_id=_account_of(watch),
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
                rule_id=self._rule.settings.id,
                account_id=fact.account_id,
                warned=warned,
                event=_event_of(cause),
            )
        )
        return after

    def _move_stops(self, watch: _Watch, verdict: Verdict, cause: Cause, now_ns: int) -> None:
        """Pass on the moves wanted, each time they are others; in shadow say what was moved."""
        moves = verdict.stop_moves if isinstance(verdict, Ok | Unknown) else ()
        if self._mode is not Mode.ENFORCE:
            self._move_in_shadow(watch, moves, cause, now_ns)
            return
        told: tuple[StopMove, ...] = () if watch.moves_wanted is None else watch.moves_wanted.moves
        if moves == told:
            return
        watch.moves_wanted = m.StopMovesWanted(
            correlation_id=cause.correlation_id,
            at_ns=now_ns,
            rule_id=self._rule.settings.id,
            account_id=_account_of(watch),
            moves=moves,
            event=_event_of(cause),
        )
        self.outbox.send(watch.moves_wanted)

    def _move_in_shadow(
        self, watch: _Watch, moves: tuple[StopMove, ...], cause: Cause, now_ns: int
    ) -> None:
        fact = watch.fact
        account = fact if fact is None or isinstance(fact, AccountState) else fact.account
        if account is None:
            return
        made = watch.shadow_stops.newly_moved(moves, account, now_ns)
        if made:
            self.outbox.send(
                m.ShadowStopMoves(
                    correlation_id=cause.correlation_id,
                    at_ns=now_ns,
                    rule_id=self._rule.settings.id,
                    account_id=_account_of(watch),
                    moves=made,
                    event=_event_of(cause),
                )
            )

    def _remember(self, watch: _Watch, memory: RuleMemory, cause: Cause, now_ns: int) -> None:
        if memory is watch.memory:
            return
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
                    rule_id=self._rule.settings.id,
                    rule_type=self._rule.settings.type,
                    account_id=_account_of(watch),
                    memory=memory,
                )
            )

    def _standing(self, watch: _Watch, verdict: Verdict) -> tuple[bool, int | None]:
        """Return whether an unlock waived the breach, and when the rule next finds another."""
        found = watch.reported
        if found is None or not isinstance(verdict, Breached):
            return False, None
        is_enforced = self._mode is Mode.ENFORCE
        is_waived = is_enforced and _left_of(found, _account_in(watch.fact)) is not found.breach
        if verdict.stands_until is None:
            return is_waived, None
        terms = LockTerms(end=verdict.stands_until)
        return is_waived, lock_end_ns(terms, self._rule.context.calendar, found.at_ns)

    def _tell(self, watch: _Watch, verdict: Verdict, cause: Cause, now_ns: int) -> None:
        is_waived, next_cause_ns = self._standing(watch, verdict)
        if watch.told == (verdict, is_waived, next_cause_ns):
            return
        watch.told = (verdict, is_waived, next_cause_ns)
        self.outbox.send(
            m.VerdictChanged(
                correlation_id=cause.correlation_id,
                at_ns=now_ns,
                rule_id=self._rule.settings.id,
                rule_type=self._rule.settings.type,
                mode=self._mode.value,
                account_id=_account_of(watch),
                verdict=verdict,
                measure=self._rule.measure,
                is_waived=is_waived,
                next_cause_ns=next_cause_ns,
            )
        )


def _account_of(watch: _Watch) -> int:
    if watch.fact is None:
        raise ValueError("an account is watched from its first fact on")
    return watch.fact.account_id


def _account_in(fact: Fact | None) -> AccountState | None:
    return fact if fact is None or isinstance(fact, AccountState) else fact.account


def _left_of(found: m.BreachFound, account: AccountState | None) -> Breached | None:
    """Return what unlocks have left of a breach: itself where they left all, None for nothing."""
    unlocked = () if account is None else account.unlocked
    return left_of(found.breach, found.rule_id, found.at_ns, unlocked)


def _is_known_enough(account: AccountState | None) -> bool:
    return account is not None and account.is_reconciled and account.locks_noted


def _event_of(cause: Cause) -> m.Message:
    """Return what moved the fact: a broker event, or the tick that only let time pass."""
    return cause if isinstance(cause, m.Tick) else cause.event
