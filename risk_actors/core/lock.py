"""A lock in force on an account or on one contract of it."""

from enum import StrEnum
from typing import NamedTuple

import msgspec

from risk_actors.core.evidence import Evidence
from risk_actors.core.verdict import Existing


class Lock(msgspec.Struct, frozen=True, kw_only=True):
    """While it is in force, whatever appears in its scope is cancelled and flattened (I4)."""

    id: int
    account_id: int
    contract_id: str | None
    """None locks the whole account."""
    rule_id: str
    since_ns: int
    until_ns: int | None
    """None ends on a condition, not at an instant."""
    evidence: Evidence
    correlation_id: str
    existing: Existing = Existing.FLATTEN
    kept: tuple[tuple[str, int], ...] = ()
    """Where existing positions are kept: contract id and the largest size that may stay."""

    def covers(self, contract_id: str) -> bool:
        """Tell whether a contract lies in the lock's scope."""
        return self.contract_id is None or self.contract_id == contract_id


class EndedBy(StrEnum):
    """What ended a lock."""

    EXPIRED = "expired"
    """Its instant came."""
    CONDITION = "condition"
    """What it waited for came."""
    UNLOCK = "unlock"
    """The unlock policy."""
    ORPHANED = "orphaned"
    """It waited for a rule that is gone, so that nothing else would ever end it."""


class LockSpan(NamedTuple):
    """When a scope was locked, by our clock; `until_ns` is None while the lock's end is open."""

    contract_id: str | None
    since_ns: int
    until_ns: int | None

    def covers(self, contract_id: str, at_ns: int) -> bool:
        """Tell whether a contract was locked at an instant."""
        return (
            self.contract_id in (None, contract_id)
            and self.since_ns <= at_ns
            and (self.until_ns is None or at_ns < self.until_ns)
        )


class Unlocked(NamedTuple):
    """A lock that was ended before its time, by the unlock policy.

    What the rule had found until then is not enforced again; what it finds later is.
    """

    rule_id: str
    contract_id: str | None
    at_ns: int
