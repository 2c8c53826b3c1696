"""What the position actor sends."""

from risk_actors.core.account_state import AccountState
from risk_actors.core.broker import Fill
from risk_actors.core.reconciliation import Difference
from risk_actors.messages.base import Message


class AccountUpdated(Message, frozen=True, kw_only=True):
    """The account's positions, orders or counters changed."""

    state: AccountState
    event: Message
    """What moved it: a broker event, a snapshot, a reset."""
    fills: tuple[Fill, ...] = ()
    """Fills new or changed since the last of these; all known ones after a snapshot."""
    after_snapshot: bool = False

    @property
    def account_id(self) -> int:
        """The account this is about."""
        return self.state.account_id


class RequestSnapshot(Message, frozen=True, kw_only=True):
    """Ask the gateway to read an account over REST."""

    account_id: int
    reason: str


class ReconciliationDiffered(Message, frozen=True, kw_only=True):
    """A snapshot corrected local state (I8)."""

    account_id: int
    differences: tuple[Difference, ...]
