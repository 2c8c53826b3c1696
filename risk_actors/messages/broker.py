"""What the gateway's inbound side sends: what the broker says, and what it cannot."""

from risk_actors.core.broker import Account, Bar, Fill, Order, Position, Quote
from risk_actors.core.commands import Outcome
from risk_actors.core.instruments import Instrument
from risk_actors.core.lock import LockSpan, Unlocked
from risk_actors.messages.base import Message


class AccountReported(Message, frozen=True, kw_only=True):
    """The broker pushed an account row."""

    account: Account

    @property
    def account_id(self) -> int:
        """The account this is about."""
        return self.account.id


class PositionReported(Message, frozen=True, kw_only=True):
    """The broker pushed a position row; size 0 means closed."""

    position: Position

    @property
    def account_id(self) -> int:
        """The account this is about."""
        return self.position.account_id


class OrderReported(Message, frozen=True, kw_only=True):
    """The broker pushed an order row."""

    order: Order

    @property
    def account_id(self) -> int:
        """The account this is about."""
        return self.order.account_id


class FillReported(Message, frozen=True, kw_only=True):
    """The broker pushed a trade row; the same id may come again."""

    fill: Fill

    @property
    def account_id(self) -> int:
        """The account this is about."""
        return self.fill.account_id


class QuoteReported(Message, frozen=True, kw_only=True):
    """The broker pushed a quote. Only these conflate in a mailbox: the newest per contract wins.

    The gateway has merged the partial updates, so the newest alone is enough.
    """

    quote: Quote

    @property
    def conflation_key(self) -> str:
        """Messages of one key replace each other while they wait."""
        return self.quote.contract_id


class InstrumentResolved(Message, frozen=True, kw_only=True):
    """The broker confirmed a contract's tick size and value."""

    instrument: Instrument


class AccountSnapshot(Message, frozen=True, kw_only=True):
    """Everything about one account, read over REST, with no fill between first and last read."""

    account: Account
    positions: tuple[Position, ...]
    orders: tuple[Order, ...]
    covers_suspended: bool
    """Whether `orders` would list suspended bracket children; else known ones are kept."""
    fills: tuple[Fill, ...] | None
    """All fills since `fills_since_ns`; None when they could not be read.

    Positions and orders alone are enough to enforce; only P&L has to be unknown without fills.
    """
    fills_since_ns: int
    asked_ns: int
    """When the first of its requests was sent."""
    reason: str
    account_read: bool = True
    """Whether `account` belongs to this moment; else its balance and permission are older."""

    @property
    def account_id(self) -> int:
        """The account this is about."""
        return self.account.id


class SnapshotFailed(Message, frozen=True, kw_only=True):
    """A snapshot could not be read; whoever needs it asks again."""

    account_id: int
    detail: str


class CommandAnswered(Message, frozen=True, kw_only=True):
    """The broker answered one of our commands, or did not."""

    outcome: Outcome
    sent_ns: int
    """When the request was handed to the connection."""

    @property
    def account_id(self) -> int:
        """The account this is about."""
        return self.outcome.account_id


class ConnectionChanged(Message, frozen=True, kw_only=True):
    """The state of the three ways to the broker."""

    user_hub: bool
    market_hub: bool
    rest: bool
    fallback: str | None = None
    detail: str | None = None
    second_line: bool | None = None
    """Whether both lines of the user hub are up; None where there is to be one only."""


class BarsReported(Message, frozen=True, kw_only=True):
    """The bars that were asked for, oldest first; None when they could not be read."""

    account_id: int
    contract_id: str
    since_ns: int
    until_ns: int
    bars: tuple[Bar, ...] | None


class PayloadRejected(Message, frozen=True, kw_only=True):
    """Something the broker sent could not be understood: counted, kept and shown (I7)."""

    source: str
    detail: str
    payload: str
    """The start of the raw payload, without credentials."""


class LocksNoted(Message, frozen=True, kw_only=True):
    """When an account was and is locked, as the gateway noted it.

    The broker cannot lock an account and would say so in the account's row if it could; so the
    gateway keeps that note and tells it like any other fact of the account.
    """

    account_id: int
    spans: tuple[LockSpan, ...]
    unlocked: tuple[Unlocked, ...] = ()


type BrokerEvent = AccountReported | PositionReported | OrderReported | FillReported | QuoteReported
