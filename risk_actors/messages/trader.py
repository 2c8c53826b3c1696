"""The trader's own requests, and what came of them."""

from risk_actors.core.evidence import Evidence
from risk_actors.messages.base import Message


class PanicRequested(Message, frozen=True, kw_only=True):
    """The trader asks to be flattened and locked until the daily reset. It can only tighten."""

    account_id: int
    evidence: Evidence


class UnlockRequested(Message, frozen=True, kw_only=True):
    """The trader asks that a lock end before its time; the unlock policy decides."""

    account_id: int
    lock_id: int
    reason: str
    is_authorised: bool = False
    """Whether the admin secret was given and is right; the secret itself goes no further."""
    denied: str = ""
    """Why the secret that was given does not authorise; the attempt is recorded all the same."""


class UnlockWithdrawn(Message, frozen=True, kw_only=True):
    """The trader takes back a request that has not taken effect."""

    account_id: int
    lock_id: int


class TraderActed(Message, frozen=True, kw_only=True):
    """The trader did something else that belongs in the record: armed, disarmed, was refused."""

    action: str
    accepted: bool
    detail: str


class SettingsChanged(Message, frozen=True, kw_only=True):
    """Which settings are in force, and which changes wait for the daily reset."""

    day_start_ns: int
    """The trading day that they hold for."""
    in_force: str
    """The settings as JSON, to be compared with by the next start."""
    applied: tuple[str, ...] = ()
    """What is different from before, one sentence each."""
    pending: tuple[str, ...] = ()
    """What waits, one sentence each."""
    fault: str = ""
    """Why edited files could not be read, so that nothing of them holds or waits."""
    armed_by_command: bool | None = None
    """Set by `arm` or `disarm`; None while app.toml decides."""
