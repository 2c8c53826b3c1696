"""What an unlock leaves of a breach that was found before it."""

from collections.abc import Iterable

import msgspec

from risk_actors.core.lock import Unlocked
from risk_actors.core.verdict import Breached, Flatten


def left_of(
    breached: Breached, rule_id: str, found_ns: int, unlocked: Iterable[Unlocked]
) -> Breached | None:
    """Return what is still to be enforced of a rule's breach; None when an unlock waived it all.

    What the rule had found until a lock was ended by the unlock policy is not enforced again, else
    the account would be flattened at every restart; what it finds later is.
    """
    waived = {each.contract_id for each in unlocked if _waives(each, rule_id, found_ns)}
    locks = tuple(terms for terms in breached.locks if terms.contract_id not in waived)
    if len(locks) == len(breached.locks):
        return breached
    if not locks:
        return None
    action = breached.action
    if isinstance(action, Flatten):
        scopes = tuple(terms.contract_id for terms in locks)
        action = Flatten(contract_ids=tuple(scope for scope in scopes if scope is not None))
        if None in scopes:
            action = Flatten()
    else:
        action = msgspec.structs.replace(
            action, targets=tuple(each for each in action.targets if each[0] not in waived)
        )
    return msgspec.structs.replace(breached, locks=locks, action=action)


def _waives(unlocked: Unlocked, rule_id: str, found_ns: int) -> bool:
    return unlocked.rule_id == rule_id and found_ns <= unlocked.at_ns


def after_unlock(rule_id: str, until: str | None, since: str = "now") -> str:
    """Return in words what a rule still does once its lock was ended by the unlock policy.

    Args:
        rule_id: whose lock it was.
        until: before when the rule finds nothing else, None where that may be at any time.
        since: from when on it enforces what it finds; `then` where the lock is still in force.
    """
    if until is not None:
        return (
            f"{rule_id} does not act again before {until}: until then nothing of it protects"
            " this account"
        )
    return f"{rule_id}: what it had found is waived, what it finds from {since} on is enforced"
