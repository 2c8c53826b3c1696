"""What a rule says: ok, warning, breach or unknown. Rules never act; they return one of these.

What is made with each price (here, of the broker's rows, and of the states) is left out of the
garbage collector's rounds (`gc=False`): it never changes, so it can have no part in a cycle.
"""

from decimal import Decimal
from enum import StrEnum

import msgspec

from risk_actors.core.evidence import Evidence


class LockEnd(StrEnum):
    """When a lock ends by itself."""

    DAILY_RESET = "daily_reset"
    WEEKLY_RESET = "weekly_reset"
    INSTANT = "instant"
    """At `LockTerms.until_ns`."""
    CONDITION = "condition"
    """When the rule says that its condition has ended, and never by time."""


class Existing(StrEnum):
    """What a lock does with positions that were open before it."""

    FLATTEN = "flatten"
    KEEP = "keep"
    """They stay with their exits and may only shrink."""


class LockTerms(msgspec.Struct, frozen=True, kw_only=True):
    """The lock a breach asks for."""

    contract_id: str | None = None
    """The contract to lock; None locks the account."""
    end: LockEnd = LockEnd.DAILY_RESET
    until_ns: int | None = None
    existing: Existing = Existing.FLATTEN
    kept: tuple[tuple[str, int], ...] = ()
    """Where existing positions are kept: contract id and the largest size that may stay."""


class Flatten(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Cancel working orders and close positions, in the account or in some contracts."""

    contract_ids: tuple[str, ...] = ()
    """Empty means the whole account."""


class Reduce(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Bring contracts down to a size and cancel the orders named."""

    targets: tuple[tuple[str, int], ...] = ()
    """Contract id and the largest size (unsigned contracts) that may stay."""
    cancel_order_ids: tuple[int, ...] = ()


type Action = Flatten | Reduce


class StopMove(msgspec.Struct, frozen=True, kw_only=True):
    """A working stop that is to be moved toward less risk."""

    order_id: int
    contract_id: str
    stop_price: Decimal


class Ok(msgspec.Struct, frozen=True, kw_only=True, gc=False, tag="ok"):
    """Nothing is wrong; value and limit in the rule's own unit, None where it has none."""

    value: Decimal | None = None
    limit: Decimal | None = None
    room: Decimal | None = None
    """How far it is from breaking, where that is not the distance between value and limit."""
    allowance: Decimal | None = None
    """What the room was when nothing of it was used, where that is not the limit itself."""
    contract_id: str | None = None
    """The contract that is nearest to breaking it, where it looks at each by itself."""
    stop_moves: tuple[StopMove, ...] = ()
    """What the rule wants done for the trader while nothing is wrong (rule 019)."""


class Warned(msgspec.Struct, frozen=True, kw_only=True, tag="warning"):
    """A fraction of the limit (`warn_at`) is reached, or something is to be told."""

    value: Decimal | None
    limit: Decimal | None
    evidence: Evidence
    fraction: float | None = None
    """The highest fraction reached; each is told once a day."""
    cause: str = ""
    """What it is about, where that is not the rule as a whole: each cause is told once a day."""
    room: Decimal | None = None
    allowance: Decimal | None = None
    contract_id: str | None = None


class Breached(msgspec.Struct, frozen=True, kw_only=True, tag="breach"):
    """The rule is broken; reported once per `cause`, not once per evaluation."""

    value: Decimal | None
    limit: Decimal | None
    evidence: Evidence
    cause: str
    """Equal for evaluations that see the same breach; a new cause is reported anew."""
    action: Action
    locks: tuple[LockTerms, ...] = ()
    contract_id: str | None = None
    stands_until: LockEnd | None = None
    """The reset before which the rule finds nothing but this; None where more may come earlier."""
    broken_ns: int | None = None
    """When the limit was reached, where the value has come back inside it since."""
    broken_value: Decimal | None = None
    """The value of that instant."""


class Unknown(msgspec.Struct, frozen=True, kw_only=True, tag="unknown"):
    """The check cannot be made; never to be read as ok."""

    evidence: Evidence
    limit: Decimal | None = None
    stop_moves: tuple[StopMove, ...] = ()
    """What the rule wants done all the same, where the check can be made in other contracts."""


type Verdict = Ok | Warned | Breached | Unknown

VERDICT_NAMES: dict[type, str] = {
    Ok: "ok",
    Warned: "warning",
    Breached: "breach",
    Unknown: "unknown",
}
"""The words of the HTTP contract."""
