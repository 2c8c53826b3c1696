"""Requests to end a lock before its time, from being asked to what becomes of them.

A request belongs to one lock. What it was promised outlives the process: it is kept with the
instant at which it takes effect, and neither a restart nor asking again moves that.
"""

from collections.abc import Iterable
from datetime import tzinfo
from enum import StrEnum
from typing import NamedTuple

import msgspec

from risk_actors.core.evidence import format_day_and_instant
from risk_actors.core.lock import Lock
from risk_actors.core.unlock_policy import UnlockPolicy, UnlockTerms


class UnlockStatus(StrEnum):
    """What became of a request to end a lock before its time."""

    REFUSED = "refused"
    ASKED = "asked"
    """It takes effect at `due_ns` unless it is withdrawn."""
    WITHDRAWN = "withdrawn"
    DONE = "done"
    """The lock was ended by it."""
    MOOT = "moot"
    """The lock ended by itself first."""


class UnlockRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request for one lock."""

    lock_id: int
    account_id: int
    rule_id: str
    """Whose lock it is."""
    asked_ns: int
    due_ns: int
    """When it takes effect; equal to `asked_ns` where that is at once."""
    reason: str
    """The trader's own words."""
    correlation_id: str
    status: UnlockStatus = UnlockStatus.ASKED


class Asking(NamedTuple):
    """What the trader brings to have a lock ended."""

    reason: str
    at_ns: int
    correlation_id: str
    is_authorised: bool = False
    """Whether the admin secret was given and is right."""
    denied: str = ""
    """Why the secret that was given does not authorise."""


class Ruling(NamedTuple):
    """What the policy says to it."""

    status: UnlockStatus
    """Refused, asked or done."""
    detail: str
    """Why it is refused, or when it takes effect, in plain words."""
    due_ns: int | None = None
    is_new: bool = True
    """False when the same was asked for before and still waits."""


NEVER_REFUSES = 'the unlock policy is "never": a lock ends by its own condition and by nothing else'
ADMIN_NEEDED = 'the unlock policy is "admin": the admin secret is needed'
REASON_NEEDED = "a reason is needed: say in your own words why the lock should end"
NOTHING_WAITS = "no request for this lock waits"
NOT_IN_FORCE = "no such lock is in force on this account"


def rule_on(terms: UnlockTerms, asking: Asking, waits_until_ns: int | None, zone: tzinfo) -> Ruling:
    """Return what the policy says to a request for a lock in force.

    Args:
        terms: the policy.
        asking: the request.
        waits_until_ns: when an earlier request for the lock takes effect, if one waits.
        zone: in which times are put into words.
    """
    if terms.policy is UnlockPolicy.NEVER:
        return Ruling(UnlockStatus.REFUSED, NEVER_REFUSES)
    if terms.policy is UnlockPolicy.ADMIN and (asking.denied or not asking.is_authorised):
        return Ruling(UnlockStatus.REFUSED, asking.denied or ADMIN_NEEDED)
    if not asking.reason.strip():
        return Ruling(UnlockStatus.REFUSED, REASON_NEEDED)
    if terms.policy is UnlockPolicy.ADMIN:
        return Ruling(UnlockStatus.DONE, "ended with the admin secret", asking.at_ns)
    if waits_until_ns is not None:
        when = format_day_and_instant(waits_until_ns, zone)
        detail = f"it was asked for before and takes effect at {when} all the same"
        return Ruling(UnlockStatus.ASKED, detail, waits_until_ns, is_new=False)
    due_ns = asking.at_ns + terms.delay_ns
    when = format_day_and_instant(due_ns, zone)
    return Ruling(
        UnlockStatus.ASKED, f"takes effect at {when}; it can be withdrawn until then", due_ns
    )


class Tightened(NamedTuple):
    """What a policy that has become tighter makes of what waits."""

    refused: tuple[UnlockRequest, ...] = ()
    postponed: tuple[UnlockRequest, ...] = ()


class UnlockDesk:
    """The requests that wait, by lock. Its owner is the only writer."""

    def __init__(self, zone: tzinfo, pending: Iterable[UnlockRequest] = ()) -> None:
        """Take what waited when the last run ended; times in words are said in `zone`."""
        self._zone = zone
        self._pending = {request.lock_id: request for request in pending}

    def pending(self, account_id: int) -> tuple[UnlockRequest, ...]:
        """Return what waits for the locks of an account, in the order in which it was asked."""
        return tuple(each for each in self._pending.values() if each.account_id == account_id)

    def judge(self, lock: Lock, asking: Asking, terms: UnlockTerms) -> tuple[Ruling, UnlockRequest]:
        """Take a request for a lock in force; return what is said to it, and the request as it is.

        One that is to wait waits from now on. Asking again changes nothing.
        """
        pending = self._pending.get(lock.id)
        waits_until_ns = None if pending is None else pending.due_ns
        ruling = rule_on(terms, asking, waits_until_ns, self._zone)
        if pending is not None and not ruling.is_new:
            return ruling, pending
        request = UnlockRequest(
            lock_id=lock.id,
            account_id=lock.account_id,
            rule_id=lock.rule_id,
            asked_ns=asking.at_ns,
            due_ns=asking.at_ns if ruling.due_ns is None else ruling.due_ns,
            reason=asking.reason.strip(),
            correlation_id=asking.correlation_id,
            status=ruling.status,
        )
        if ruling.status is UnlockStatus.ASKED:
            self._pending[lock.id] = request
        return ruling, request

    def withdraw(self, lock_id: int, account_id: int) -> UnlockRequest | None:
        """Take back what waits for a lock; return it, None when nothing waits."""
        pending = self._pending.get(lock_id)
        if pending is None or pending.account_id != account_id:
            return None
        return self._settle(pending, UnlockStatus.WITHDRAWN)

    def ended(self, lock_id: int) -> UnlockRequest | None:
        """Take that a lock ended by itself; return the request that has come too late for it."""
        pending = self._pending.get(lock_id)
        return None if pending is None else self._settle(pending, UnlockStatus.MOOT)

    def next_due(self, now_ns: int) -> UnlockRequest | None:
        """Return the earliest request whose instant has come; it waits until it is `done`."""
        due = [each for each in self._pending.values() if each.due_ns <= now_ns]
        return min(due, key=lambda each: (each.due_ns, each.lock_id), default=None)

    def done(self, request: UnlockRequest) -> UnlockRequest:
        """Take that a request has taken effect."""
        return self._settle(request, UnlockStatus.DONE)

    def tighten(self, terms: UnlockTerms) -> Tightened:
        """Apply a policy to what waits: it may refuse or postpone, never hasten."""
        waiting = tuple(self._pending.values())
        if terms.policy is not UnlockPolicy.DELAYED:
            return Tightened(
                refused=tuple(self._settle(each, UnlockStatus.REFUSED) for each in waiting)
            )
        postponed = tuple(
            msgspec.structs.replace(each, due_ns=each.asked_ns + terms.delay_ns)
            for each in waiting
            if each.asked_ns + terms.delay_ns > each.due_ns
        )
        self._pending |= {each.lock_id: each for each in postponed}
        return Tightened(postponed=postponed)

    def _settle(self, request: UnlockRequest, status: UnlockStatus) -> UnlockRequest:
        self._pending.pop(request.lock_id, None)
        return msgspec.structs.replace(request, status=status)
