"""What became of actors."""

from enum import StrEnum

from risk_actors.messages.base import Message


class ActorStatus(StrEnum):
    """What happened to an actor."""

    STARTED = "started"
    FAILED = "failed"
    RESTARTED = "restarted"
    GIVEN_UP = "given_up"
    """It failed too often; what it did is not done any more."""
    STUCK = "stuck"
    """It has not taken its heartbeat for too long; what every thread was doing is in the log."""
    FAULT = "fault"
    """It goes on, but something it needed went wrong."""


class ActorChanged(Message, frozen=True, kw_only=True):
    """An actor failed, came back, gave up, or reports a fault; shown and recorded."""

    address: str
    status: ActorStatus
    detail: str
