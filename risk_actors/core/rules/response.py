"""What follows from a breach once the trader's `lock` settings and on_unknown have their say."""

import msgspec

from risk_actors.core.account_state import AccountState
from risk_actors.core.evidence import NS_PER_S, Evidence
from risk_actors.core.lock_end import lock_end_ns
from risk_actors.core.rules.lock_settings import LockSettings
from risk_actors.core.trading_calendar import TradingCalendar
from risk_actors.core.verdict import (
    Action,
    Breached,
    Existing,
    Flatten,
    LockEnd,
    LockTerms,
    Reduce,
    Unknown,
)

UNKNOWN_CAUSE = "unknown"
"""The cause of a breach that is a check which cannot be made."""
UNKNOWN_LOCKS_AFTER_NS = 10 * NS_PER_S
"""`on_unknown = "lock"` waits this long, for a fill's events or a reconnect settle in less."""


def respond(
    breached: Breached, lock: LockSettings | None, account: AccountState | None, since_ns: int
) -> Breached:
    """Return a breach with its locks as the trader wants them, and the action that goes with them.

    A lock by duration counts from `since_ns`, when the breach was first reported.
    A lock that keeps positions flattens nothing: what the rule would have reduced is still
    reduced, the rest stays as it is now and may only shrink.
    """
    if lock is not None:
        terms = breached.locks or _locks_for(breached.action)
        breached = msgspec.structs.replace(
            breached, locks=tuple(_overridden(each, lock, since_ns) for each in terms)
        )
        if lock.existing is Existing.FLATTEN:
            breached = msgspec.structs.replace(breached, action=_flatten(breached))
    if not any(terms.existing is Existing.KEEP for terms in breached.locks):
        return breached
    return _keeping(breached, account)


def later_by(breached: Breached, ahead_ns: int) -> Breached:
    """Return a breach with its instants moved from the broker's clock to ours."""
    if not ahead_ns or not any(terms.until_ns for terms in breached.locks):
        return breached
    return msgspec.structs.replace(
        breached,
        locks=tuple(
            terms
            if terms.until_ns is None
            else msgspec.structs.replace(terms, until_ns=terms.until_ns + ahead_ns)
            for terms in breached.locks
        ),
    )


def is_over(breached: Breached, calendar: TradingCalendar, since_ns: int, now_ns: int) -> bool:
    """Tell whether every lock that a breach asked for has ended by now.

    So it is for a breach that outlives its lock: what it asked for was done and has ended, and
    asking again, after a restart, would flatten what may be open and lock what may be free.
    """
    ends = [lock_end_ns(terms, calendar, since_ns) for terms in breached.locks]
    return bool(ends) and all(end_ns is not None and end_ns <= now_ns for end_ns in ends)


def is_done(action: Action, account: AccountState) -> bool:
    """Tell whether the broker shows what an action asked for."""
    if not account.is_reconciled or not account.is_settled:
        return False
    if isinstance(action, Flatten):
        held = {position.contract_id for position in account.positions}
        held |= {order.contract_id for order in account.orders}
        return not (held & set(action.contract_ids) if action.contract_ids else held)
    targets = dict(action.targets)
    return all(
        abs(position.counted_size) <= targets.get(position.contract_id, abs(position.counted_size))
        for position in account.positions
    ) and not any(order.id in action.cancel_order_ids for order in account.orders)


def unknown_lock(unknown: Unknown) -> Breached:
    """Return what a check that cannot be made leads to where it is to lock."""
    return Breached(
        value=None,
        limit=unknown.limit,
        evidence=Evidence(
            template="The check cannot be made: " + unknown.evidence.template,
            figures=unknown.evidence.figures,
        ),
        cause=UNKNOWN_CAUSE,
        action=Flatten(),
        locks=(LockTerms(end=LockEnd.CONDITION),),
    )


def _locks_for(action: Action) -> tuple[LockTerms, ...]:
    """Return the scopes that a breach without a lock of its own would lock."""
    contracts = (
        action.contract_ids
        if isinstance(action, Flatten)
        else tuple(contract_id for contract_id, _ in action.targets)
    )
    return tuple(LockTerms(contract_id=each) for each in contracts) or (LockTerms(),)


def _overridden(terms: LockTerms, lock: LockSettings, since_ns: int) -> LockTerms:
    end, until_ns = terms.end, terms.until_ns
    if lock.until is not None:
        end, until_ns = LockEnd(lock.until.value), None
    elif lock.for_s is not None:
        end, until_ns = LockEnd.INSTANT, since_ns + round(lock.for_s * NS_PER_S)
    return msgspec.structs.replace(
        terms, end=end, until_ns=until_ns, existing=lock.existing or terms.existing
    )


def _flatten(breached: Breached) -> Flatten:
    contracts = [terms.contract_id for terms in breached.locks]
    scope = tuple(each for each in contracts if each is not None)
    return Flatten(contract_ids=scope if len(scope) == len(contracts) else ())


def _keeping(breached: Breached, account: AccountState | None) -> Breached:
    action = breached.action
    reduced = Reduce() if isinstance(action, Flatten) else action
    targets = dict(reduced.targets)
    sizes = {
        position.contract_id: abs(position.counted_size)
        for position in (account.positions if account is not None else ())
    }
    kept = tuple(
        (contract_id, min(size, targets.get(contract_id, size)))
        for contract_id, size in sizes.items()
    )
    return msgspec.structs.replace(
        breached,
        action=reduced,
        locks=tuple(
            msgspec.structs.replace(terms, kept=kept) if terms.existing is Existing.KEEP else terms
            for terms in breached.locks
        ),
    )
