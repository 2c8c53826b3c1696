"""What a rule remembers of one account, in a form that outlives the process."""

from typing import Any

import msgspec

from risk_actors.core.rules.base import Rule
from risk_actors.core.verdict import Warned


class RuleMemory(msgspec.Struct, frozen=True, kw_only=True):
    """A rule's own state, which warnings of the day were given, and which breach was reported."""

    state: Any = None
    warned_day_ns: int = 0
    """Start of the trading day that `warned` belongs to."""
    warned: dict[str, float] = {}
    """By cause, the highest fraction that was warned of."""
    reported: str | None = None
    """Cause of the breach that was reported and has not ended."""
    reported_ns: int = 0
    """When it was reported first."""
    reported_mode: str = ""
    """The rule's mode then: what was only recorded has still to be enforced, what was enforced is
    not found anew for having been in shadow since."""
    is_done: bool = False
    """Whether what the breach asked for was seen done since."""

    def after_warning(self, warned: Warned, day_start_ns: int) -> "RuleMemory | None":
        """Return the memory once a warning is given, None where it was given already.

        A higher fraction says all that a lower one of the same cause would.
        """
        given = self.warned if self.warned_day_ns == day_start_ns else {}
        fraction = warned.fraction or 0.0
        if given.get(warned.cause, -1.0) >= fraction:
            return None
        return msgspec.structs.replace(
            self, warned_day_ns=day_start_ns, warned={**given, warned.cause: fraction}
        )


class _Stored(msgspec.Struct, frozen=True, kw_only=True):
    state: msgspec.Raw
    warned_day_ns: int
    warned: dict[str, float]
    reported: str | None = None
    reported_ns: int = 0
    reported_mode: str = ""
    is_done: bool = False


def encode_memory(memory: RuleMemory) -> bytes:
    """Return a memory as JSON."""
    return msgspec.json.encode(memory)


def decode_memory(rule: Rule[Any, Any], stored: bytes) -> RuleMemory:
    """Return the memory that a rule of this type once stored.

    Raises:
        msgspec.ValidationError: it is not what this rule remembers.
    """
    raw = msgspec.json.decode(stored, type=_Stored)
    state = rule.initial_state()
    if rule.State is not None:
        state = msgspec.json.decode(raw.state, type=rule.State)
    return RuleMemory(
        state=state,
        warned_day_ns=raw.warned_day_ns,
        warned=raw.warned,
        reported=raw.reported,
        reported_ns=raw.reported_ns,
        reported_mode=raw.reported_mode,
        is_done=raw.is_done,
    )
