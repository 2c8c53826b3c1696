"""Whether a lock may be ended before its time."""

from enum import StrEnum

import msgspec

from risk_actors.core.evidence import NS_PER_S


class UnlockPolicy(StrEnum):
    """How a lock may be ended before its time."""

    NEVER = "never"
    """Not at all: it ends by its own condition."""
    DELAYED = "delayed"
    """On request, after a cooling-off time in which the request can be withdrawn."""
    ADMIN = "admin"
    """By whoever knows the admin secret."""


class UnlockTerms(msgspec.Struct, frozen=True, kw_only=True):
    """The policy in force."""

    policy: UnlockPolicy = UnlockPolicy.NEVER
    delay_ns: int = 3600 * NS_PER_S
    """How long a delayed request waits before it takes effect."""


NEVER = UnlockTerms()
