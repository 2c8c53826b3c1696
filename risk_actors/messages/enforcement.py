"""What the enforcer sends."""

from enum import StrEnum

from risk_actors.core.commands import CancelOrder, CloseContract, MoveStop
from risk_actors.messages.base import Message


class SendClose(Message, frozen=True, kw_only=True):
    """Send this close to the broker now."""

    command: CloseContract


class SendCancel(Message, frozen=True, kw_only=True):
    """Send this cancel to the broker now."""

    command: CancelOrder


class SendMoveStop(Message, frozen=True, kw_only=True):
    """Send this move of a stop to the broker now."""

    command: MoveStop


class EnforcementPhase(StrEnum):
    """Where the enforcement of an account stands."""

    STARTED = "started"
    STUCK = "stuck"
    """It cannot make progress; it goes on trying and says so."""
    BRAKED = "braked"
    """We stopped ourselves: many commands changed nothing at the broker. The lock holds, the
    account is watched, and sending is resumed with growing gaps."""
    RESUMED = "resumed"
    """The broker's state changed, so that sending is free again."""
    FLAT_OBSERVED = "flat_observed"
    """The broker shows what was wanted; it has ended."""


class EnforcementChanged(Message, frozen=True, kw_only=True):
    """The enforcement of an account started, got stuck, was braked or released, or ended."""

    account_id: int
    phase: EnforcementPhase
    cause: str
    """The rule or lock it serves."""
    detail: str
    took_ns: int = 0
    """Since its start; 0 at the start."""
    event: Message | None = None
    """At a start without a breach: what appeared under the lock."""
    next_try_ns: int | None = None
    """While stuck or braked, when the next command that waits is sent."""
    is_under_way: bool = True
    """When resumed: False where moves of stops alone were braked, and no enforcement goes on."""
