"""The commands that may be sent to the broker. All of them only ever reduce risk (I1)."""

from decimal import Decimal
from enum import StrEnum

import msgspec


class CloseContract(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Close a position at the market, whole or in part.

    `size` is unsigned contracts for a partial close; None closes whatever is open.
    """

    id: int
    account_id: int
    contract_id: str
    correlation_id: str
    size: int | None = None


class CancelOrder(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Cancel one working order."""

    id: int
    account_id: int
    contract_id: str
    order_id: int
    correlation_id: str


class MoveStop(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Move one working stop to another price, toward less risk."""

    id: int
    account_id: int
    contract_id: str
    order_id: int
    stop_price: Decimal
    correlation_id: str


type Command = CloseContract | CancelOrder | MoveStop


class Answer(StrEnum):
    """How a command was answered."""

    ACCEPTED = "accepted"
    """The broker took it; whether it happened is still to be observed (I3)."""
    GONE = "gone"
    """There was nothing to close, cancel or move any more; for a close that is success."""
    REFUSED = "refused"
    """The broker will not do it now."""
    UNCERTAIN = "uncertain"
    """Timeout, 5xx, 401, 429 or a broken connection: it may or may not have happened."""


class Refusal(StrEnum):
    """Why the broker will not do something now, as far as it decides when to ask again."""

    ACCOUNT = "account"
    """The account as a whole is refused: live, a copy follower, blocked, or unknown."""
    CONTRACT = "contract"
    """The contract is not active any more, or unknown."""
    HALTED = "halted"
    """The market is closed or halted, or has no price."""
    RESERVED = "reserved"
    """The exchange holds the market in its reserved state (CME code 7027)."""
    PAUSED = "paused"
    """The exchange's velocity logic pauses the contract, for 2 to 10 s as a rule."""
    PENDING = "pending"
    """A close or change of the same thing is still being worked on."""
    BUSY = "busy"
    """Too many requests (HTTP 429)."""
    SESSION = "session"
    """The token was not accepted (HTTP 401); a new one is being fetched."""
    UNREACHABLE = "unreachable"
    """It never left: there is no connection to the broker."""
    DISARMED = "disarmed"
    """We did not send it: the trader has disarmed."""
    OTHER = "other"


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one command, with the broker's code and text where there were any."""

    command_id: int
    account_id: int
    answer: Answer
    error_code: int | None = None
    detail: str | None = None
    reason: Refusal | None = None
    """Of a refusal, and of an uncertain answer that has a reason."""
    is_undone: bool = False
    """Of an uncertain answer: the broker turned it away before looking at it (401, 429), or there
    was no connection to send it over, so that it has certainly not happened; the account may be
    looked at before it is repeated, but is not waited for."""
