"""The `lock` key of a rule: how its breach locks, where that is not to be as the rule has it."""

from enum import StrEnum
from typing import Annotated

import msgspec

from risk_actors.core.verdict import Existing


class LockUntil(StrEnum):
    """A reset that ends a lock."""

    DAILY_RESET = "daily_reset"
    WEEKLY_RESET = "weekly_reset"


class LockSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`lock = { until = "weekly_reset" }` or `lock = { for_s = 900, existing = "keep" }`."""

    until: LockUntil | None = None
    """The reset at which the lock ends."""
    for_s: Annotated[float, msgspec.Meta(gt=0, le=31_622_400)] | None = None
    """Or how long it lasts, in seconds."""
    existing: Existing | None = None
    """`flatten` closes what is open; `keep` lets positions stay with their exits and shrink."""

    def __post_init__(self) -> None:
        """Refuse a lock with two ends, or none of its own at all."""
        if self.until is not None and self.for_s is not None:
            raise ValueError("give either `until` or `for_s`, not both")
        if self.until is None and self.for_s is None and self.existing is None:
            raise ValueError("say `until` when, `for_s` how long, or what becomes of `existing`")
