"""What follows where a rule itself fails, so that it judges nothing.

It is a fault of ours and not of the trader's, so nothing is flattened for it (I10); but what the
rule would have found is not known (I7), so nothing may be added until it judges again.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec

from risk_actors.core.account_state import AccountState
from risk_actors.core.evidence import NS_PER_S, Evidence
from risk_actors.core.lock import Lock
from risk_actors.core.rules.response import respond
from risk_actors.core.verdict import (
    Action,
    Breached,
    Existing,
    LockEnd,
    LockTerms,
    Reduce,
    Unknown,
)

FAILED_CAUSE = "failed"
"""The cause of the breach that stands for a rule that fails."""
FAILED_LOCKS_AFTER_NS = 2 * NS_PER_S
"""A rule that fails on one fact may judge the next one; and what may stay open under the lock is
told by then, also where the actor itself had to be made anew."""
TRIED_EVERY_NS = 30 * NS_PER_S
"""A rule that fails is tried with each fact, and at least this often."""


def failed_check(error_name: str) -> Unknown:
    """Return what is said of an account while the rule fails; the class of the error, no more."""
    return Unknown(
        evidence=Evidence(
            template="This rule failed and judges nothing: {error}; it is tried again",
            figures={"error": error_name},
        )
    )


def failure_lock(
    unknown: Unknown, account: AccountState, under_way: Action | None, since_ns: int
) -> Breached:
    """Return the lock of an account whose rule fails: no entries, and what is open may shrink.

    Args:
        unknown: what is said of it.
        account: what is open now, and may stay.
        under_way: what the rule had asked for before it failed, where that is not done yet; it
            goes on.
        since_ns: when the lock begins.
    """
    lock = Breached(
        value=None,
        limit=None,
        evidence=unknown.evidence,
        cause=FAILED_CAUSE,
        action=Reduce(),
        locks=(LockTerms(end=LockEnd.CONDITION, existing=Existing.KEEP),),
    )
    lock = respond(lock, None, account, since_ns)
    return lock if under_way is None else msgspec.structs.replace(lock, action=under_way)


def waiting_for_rules(locks: Iterable[Lock]) -> Mapping[str, frozenset[int]]:
    """Return by rule the accounts that have a lock which waits for a condition of the rule's."""
    waiting: defaultdict[str, set[int]] = defaultdict(set)
    for lock in locks:
        if lock.until_ns is None:
            waiting[lock.rule_id].add(lock.account_id)
    return {rule_id: frozenset(accounts) for rule_id, accounts in waiting.items()}
