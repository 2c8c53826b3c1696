"""What the lockout actor sends."""

from risk_actors.core.lock import Lock, LockSpan, Unlocked
from risk_actors.core.unlock_requests import UnlockRequest, UnlockStatus
from risk_actors.messages.base import Message


class LocksChanged(Message, frozen=True, kw_only=True):
    """All locks now in force on an account, after one was engaged or ended."""

    account_id: int
    locks: tuple[Lock, ...]
    engaged: Lock | None = None
    ended: Lock | None = None
    unsaved: int = 0
    """Changes of locks, of any account, that could not be written to the store yet."""
    unlocks: tuple[UnlockRequest, ...] = ()
    """Requests to end one of them that wait."""


class UnlockChanged(Message, frozen=True, kw_only=True):
    """A request to end a lock was made, and what became of it. Every attempt is told."""

    account_id: int
    lock_id: int
    rule_id: str
    status: UnlockStatus
    reason: str
    """The trader's own words."""
    detail: str
    """Why it was refused, or when it takes effect, in plain words."""
    due_ns: int | None = None


class NoteLocks(Message, frozen=True, kw_only=True):
    """Note when an account was and is locked, so that what it trades is counted accordingly."""

    account_id: int
    spans: tuple[LockSpan, ...]
    unlocked: tuple[Unlocked, ...] = ()
