"""What a rule actor reads off its facts, and off those alone."""

import msgspec

from risk_actors import messages as m
from risk_actors.actors.rule_shelf import Watch
from risk_actors.core.account_state import AccountState
from risk_actors.core.lock_end import lock_end_ns
from risk_actors.core.pnl_state import PnlState
from risk_actors.core.rules import Fact
from risk_actors.core.rules.failure import FAILED_LOCKS_AFTER_NS, failure_lock
from risk_actors.core.rules.memory import RuleMemory
from risk_actors.core.rules.response import UNKNOWN_LOCKS_AFTER_NS, is_done, unknown_lock
from risk_actors.core.trading_calendar import TradingCalendar
from risk_actors.core.unlock_waiver import left_of
from risk_actors.core.verdict import Breached, LockTerms, Ok, StopMove, Unknown, Verdict

type Cause = m.AccountUpdated | m.PnlUpdated | m.Tick


def account_in(fact: Fact | None) -> AccountState | None:
    """Return the account that a fact shows, if it shows one."""
    # What most facts are is asked first: to be told that a thing is not of a class costs more.
    return fact.account if isinstance(fact, PnlState) else fact


def event_of(cause: Cause) -> m.Message:
    """Return what moved the fact: a broker event, or the tick that only let time pass."""
    return cause if isinstance(cause, m.Tick) else cause.event


def what_is_left_of(found: m.BreachFound, account: AccountState | None) -> Breached | None:
    """Return what unlocks have left of a breach: itself where they left all, None for nothing."""
    unlocked = () if account is None else account.unlocked
    return left_of(found.breach, found.rule_id, found.at_ns, unlocked)


def is_known_enough(account: AccountState | None) -> bool:
    """Tell whether it is known what is open and what was unlocked."""
    return account is not None and account.is_reconciled and account.locks_noted


def standing(
    watch: Watch, verdict: Verdict, calendar: TradingCalendar, *, is_enforced: bool
) -> tuple[bool, int | None]:
    """Return whether an unlock waived the breach, and when the rule next finds another."""
    found = watch.reported
    if found is None or not isinstance(verdict, Breached):
        return False, None
    left = what_is_left_of(found, account_in(watch.fact))
    is_waived = is_enforced and left is not found.breach
    if verdict.stands_until is None:
        return is_waived, None
    return is_waived, lock_end_ns(LockTerms(end=verdict.stands_until), calendar, found.at_ns)


def is_plain_ok(watch: Watch, memory: RuleMemory, verdict: Verdict, *, waits_for_end: bool) -> bool:
    """Tell whether a rule is kept, and nothing of before is left to be ended or said.

    Args:
        watch: what is known of the account.
        memory: what is remembered of it.
        verdict: what the rule says now.
        waits_for_end: whether locks may wait for the rule to be kept.
    """
    return (
        isinstance(verdict, Ok)
        and not verdict.stop_moves
        and watch.moves_wanted is None
        and watch.shadow_stops.is_empty
        and watch.reported is None
        and memory.reported is None
        and watch.failure is None
        and watch.failing.since_ns is None
        and (watch.is_released or not waits_for_end)
    )


def broken_by(
    watch: Watch, verdict: Verdict, now_ns: int, *, locks_unknown: bool
) -> Breached | None:
    """Return the breach, if there is one; a lasting unknown may be one too."""
    if not isinstance(verdict, Unknown):
        watch.unknown_since_ns = None
        return verdict if isinstance(verdict, Breached) else None
    if not locks_unknown:
        return None
    if watch.unknown_since_ns is None:
        watch.unknown_since_ns = now_ns
    due_ns = watch.unknown_since_ns + UNKNOWN_LOCKS_AFTER_NS
    if now_ns >= due_ns:
        return unknown_lock(verdict)
    watch.look_ns = min(due_ns, watch.look_ns or due_ns)
    return None


def newly_moved(
    watch: Watch, verdict: Verdict, now_ns: int, *, is_enforced: bool
) -> tuple[StopMove, ...] | None:
    """Return the moves to tell: all that are wanted, where they are others; None for nothing.

    In shadow it is those that would have been sent now.
    """
    moves = verdict.stop_moves if isinstance(verdict, Ok | Unknown) else ()
    if is_enforced:
        told = () if watch.moves_wanted is None else watch.moves_wanted.moves
        return None if moves == told else moves
    account = account_in(watch.fact)
    made = () if account is None else watch.shadow_stops.newly_moved(moves, account, now_ns)
    return made or None


def note_done(watch: Watch) -> None:
    """Note that what was asked for is done, for a rule that cannot see it: it is asked once."""
    reported, account = watch.reported, account_in(watch.fact)
    if reported is None or account is None or watch.memory.is_done:
        return
    if is_done(reported.breach.action, account):
        watch.memory = msgspec.structs.replace(watch.memory, is_done=True)


def failure_of(
    watch: Watch,
    unknown: Unknown,
    rule_id: str,
    correlation_id: str,
    event: m.Message | None,
    now_ns: int,
) -> m.BreachFound | None:
    """Return the lock of an account on which its rule fails; None where it is not to be sent now.

    It is sent once, after a while, and only when it is known what is open: else it would flatten
    what may stay.
    """
    account, since_ns = account_in(watch.fact), watch.failing.since_ns
    is_due = since_ns is not None and now_ns >= since_ns + FAILED_LOCKS_AFTER_NS
    if watch.failure is not None or not is_due or event is None:
        return None
    if account is None or not account.is_reconciled:
        return None
    reported = None if watch.memory.is_done else watch.reported
    under_way = None if reported is None else reported.breach.action
    return m.BreachFound(
        correlation_id=correlation_id,
        at_ns=now_ns,
        rule_id=rule_id,
        account_id=watch.account_id,
        breach=failure_lock(unknown, account, under_way, now_ns),
        event=event,
    )
