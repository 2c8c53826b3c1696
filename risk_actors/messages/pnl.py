"""What the P&L actor sends."""

from decimal import Decimal

from risk_actors.core.marks import MarkFigures
from risk_actors.core.pnl_state import PnlState
from risk_actors.messages.base import Message


class PnlUpdated(Message, frozen=True, kw_only=True):
    """An account's profit and loss changed, or became unknown."""

    pnl: PnlState
    event: Message
    """What moved it: a quote, a fill, a tick that made a price stale."""


class DayOpened(Message, frozen=True, kw_only=True):
    """The balance with which an account's trading day began is known."""

    account_id: int
    day_start_ns: int
    balance_usd: Decimal


class BalanceChecked(Message, frozen=True, kw_only=True):
    """The day's P&L was compared with the change of the balance; told when the result changes."""

    account_id: int
    day_start_ns: int
    expected_usd: Decimal
    """The balance with which the day began, and the day's realised P&L."""
    told_usd: Decimal
    """The balance as the broker says it."""

    @property
    def unexplained_usd(self) -> Decimal:
        """What the day's fills do not explain; 0 when they agree."""
        return self.told_usd - self.expected_usd


class RequestBars(Message, frozen=True, kw_only=True):
    """Ask the gateway how high and low a contract traded in a time that nobody watched."""

    account_id: int
    contract_id: str
    since_ns: int
    until_ns: int


class PricesJudged(Message, frozen=True, kw_only=True):
    """What became of all quotes so far; told when a figure changed, at most once a second."""

    figures: MarkFigures
