"""An alert: one thing worth telling a trader who does not look at the screen."""

from enum import StrEnum
from typing import NamedTuple, Protocol


class Severity(StrEnum):
    """How much it matters; each is more than the one before."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Return its place, for comparison."""
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


class AlertKind(StrEnum):
    """What it is about."""

    BREACH = "breach"
    """A rule is broken, or the trader pressed panic."""
    LOCK = "lock"
    UNLOCK = "unlock"
    """A lock ended, or somebody asked that it should."""
    WARNING = "warning"
    """A rule warns."""
    UNKNOWN = "unknown"
    """Rules cannot be checked, for longer than a moment."""
    ENFORCEMENT = "enforcement"
    """Closing and cancelling began, is stuck, was braked, or ended."""
    REFUSED = "refused"
    """The broker refused one of our commands."""
    CONNECTION = "connection"
    """A way to the broker is down, or something else works only in part."""
    BLIND = "blind"
    """Nothing can be seen at the broker, and nothing closed."""
    NO_DATA = "no_data"
    """A position is open and nobody knows what it is worth."""
    SETTINGS = "settings"
    ACTOR = "actor"
    """A part of this program failed, came back, or was given up."""
    DAEMON = "daemon"
    """This program started or stopped."""
    DISARM = "disarm"
    """The trader armed or disarmed, or tried to."""


class Alert(NamedTuple):
    """What is told."""

    at_ns: int
    kind: AlertKind
    severity: Severity
    text: str
    """Plain words without the account."""
    account_id: int | None = None
    account: str = ""
    """The account's name; empty where it is about none."""
    correlation_id: str = ""
    is_of_what_lasts: bool = False
    """Said by `alert_watch`, which tells each thing once and in turn: never a mere repeat."""

    @property
    def is_urgent(self) -> bool:
        """Whether nothing may hold it back."""
        return self.severity is Severity.CRITICAL or self.kind is AlertKind.LOCK


class AlertSink(Protocol):
    """Where alerts go. It must never block and never raise."""

    @property
    def no_data_after_ns(self) -> int:
        """For how long a position is open without data before that is an alarm."""

    def post(self, alert: Alert) -> None:
        """Take an alert, to be told to whom it concerns."""


class NoAlerts:
    """Nobody is to be told."""

    no_data_after_ns = 10_000_000_000

    def post(self, alert: Alert) -> None:
        """Do nothing."""
