"""What the trader can ask of the running guard, and what is answered."""

from enum import StrEnum
from typing import NamedTuple, Protocol


class AnswerKind(StrEnum):
    """What came of a request."""

    ACCEPTED = "accepted"
    """It is done, or will be at the time that the sentence says."""
    REFUSED = "refused"
    """By the unlock policy."""
    UNKNOWN = "unknown"
    """What it is about is not there."""
    CONFLICT = "conflict"
    """It cannot be done in the present state."""


class TraderAnswer(NamedTuple):
    """What came of a request, with a sentence for the trader."""

    kind: AnswerKind
    sentence: str

    @property
    def accepted(self) -> bool:
        """Whether it was granted."""
        return self.kind is AnswerKind.ACCEPTED


class TraderRequests(Protocol):
    """Takes the trader's requests; each is recorded, refused ones too.

    The methods may be called by any thread. Those that take a secret may need a tenth of a second.
    """

    def panic(self, account_id: int | None) -> TraderAnswer:
        """Flatten and lock one account, or all, until the daily reset."""

    def unlock(
        self, lock_id: int, account_id: int | None, reason: str, secret: str | None
    ) -> TraderAnswer:
        """End a lock before its time, if the unlock policy lets it."""

    def withdraw(self, lock_id: int) -> TraderAnswer:
        """Take back a request to end a lock."""

    def disarm(self, reason: str, secret: str | None) -> TraderAnswer:
        """Send nothing to the broker from now on; with a lock in force the policy decides."""

    def arm(self) -> TraderAnswer:
        """Enforce breaches from now on."""


class SecretCheck(Protocol):
    """Knows the admin secret."""

    def refusal(self, secret: str | None, since_ns: int) -> str:
        """Return why a secret does not authorise for what began at an instant; empty if it does."""
