"""The `lock` key of a rule: how its breach locks, where that is not to be as the rule has it."""

from enum import StrEnum
from typing import Annotated

import msgspec

from risk_actors.core.direction import (
    UNCLEAR,
    Effect,
    directions_of,
    higher,
    joined,
    ordered,
)
from risk_actors.core.verdict import Existing


class LockUntil(StrEnum):
    """A reset that ends a lock."""

    DAILY_RESET = "daily_reset"
    WEEKLY_RESET = "weekly_reset"


class LockSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`lock = { until = "weekly_reset" }` or `lock = { for_s = 900, existing = "keep" }`."""

    until: Annotated[LockUntil | None, UNCLEAR] = None
    """The reset at which the lock ends."""
    for_s: Annotated[
        Annotated[float, msgspec.Meta(gt=0, le=31_622_400)] | None, higher(none=Effect.UNCLEAR)
    ] = None
    """Or how long it lasts, in seconds."""
    existing: Annotated[Existing | None, ordered(Existing.KEEP, None, Existing.FLATTEN)] = None
    """`flatten` closes what is open; `keep` lets positions stay with their exits and shrink."""

    def __post_init__(self) -> None:
        """Refuse a lock with two ends, or none of its own at all."""
        if self.until is not None and self.for_s is not None:
            raise ValueError("give either `until` or `for_s`, not both")
        if self.until is None and self.for_s is None and self.existing is None:
            raise ValueError("say `until` when, `for_s` how long, or what becomes of `existing`")


def lock_effect(old: LockSettings | None, new: LockSettings | None) -> Effect:
    """Compare how a rule's breach locks.

    What a rule does without the key is its own affair: where it has a lock or none, and one that
    flattens or keeps. Only to flatten in any case is surely tighter than that. Which of the two
    resets comes first depends on the schedules and the hour, so one end for another is unclear.
    """
    if old == new:
        return Effect.SAME
    if old is None or new is None:
        only_flattens = LockSettings(existing=Existing.FLATTEN)
        if new == only_flattens:
            return Effect.TIGHTENS
        return Effect.LOOSENS if old == only_flattens else Effect.UNCLEAR
    directions = directions_of(LockSettings).items()
    return joined(
        direction.judge(getattr(old, name), getattr(new, name))
        for name, direction in directions
        if direction is not None
    )
