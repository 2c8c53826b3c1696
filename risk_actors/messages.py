"""All that crosses a mailbox: frozen, tagged structs; past tense for events, else imperative.

Every message carries a `correlation_id`. It is made once, where something enters the system (a
broker event, a tick, the trader's own request), and handed on by whatever follows from it, so that
a command leads back to its cause (I9). `at_ns` is our clock when the message was made.
"""

from enum import StrEnum

import msgspec

from risk_actors.core.account_state import AccountState
from risk_actors.core.broker import Account, Fill, Order, Position, Quote
from risk_actors.core.commands import CancelOrder, CloseContract, MoveStop, Outcome
from risk_actors.core.evidence import Evidence
from risk_actors.core.instruments import Instrument
from risk_actors.core.lock import Lock, LockSpan
from risk_actors.core.marks import MarkFigures
from risk_actors.core.pnl_state import PnlState
from risk_actors.core.position_book import Difference
from risk_actors.core.rules.measure import Measure
from risk_actors.core.rules.memory import RuleMemory
from risk_actors.core.verdict import Breached, StopMove, Verdict, Warned


class Message(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What every message carries."""

    correlation_id: str
    at_ns: int


# --- from the broker, by the gateway's inbound side -------------------------------------------


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


# --- from the position actor ------------------------------------------------------------------


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


# --- from the P&L actor -----------------------------------------------------------------------


class PnlUpdated(Message, frozen=True, kw_only=True):
    """An account's profit and loss changed, or became unknown."""

    pnl: PnlState
    event: Message
    """What moved it: a quote, a fill, a tick that made a price stale."""


class PricesJudged(Message, frozen=True, kw_only=True):
    """What became of all quotes so far; told when a figure changed, at most once a second."""

    figures: MarkFigures


# --- from the timer ---------------------------------------------------------------------------


class Tick(Message, frozen=True, kw_only=True):
    """The clock, every 100 ms; whoever owns a deadline compares it."""


class DailyReset(Message, frozen=True, kw_only=True):
    """A trading day ended and the next began."""

    day_start_ns: int
    day_end_ns: int


class WeeklyReset(Message, frozen=True, kw_only=True):
    """A trading week ended and the next began."""

    week_start_ns: int
    week_end_ns: int


# --- from the rules ---------------------------------------------------------------------------


class VerdictChanged(Message, frozen=True, kw_only=True):
    """A rule's verdict on an account, sent when it changes; for show and record only."""

    rule_id: str
    rule_type: str
    mode: str
    account_id: int
    verdict: Verdict
    measure: Measure


class WarningRaised(Message, frozen=True, kw_only=True):
    """A rule warns: once a day for each fraction of its limit."""

    rule_id: str
    account_id: int
    warned: Warned
    event: Message


class ShadowBreachFound(Message, frozen=True, kw_only=True):
    """A rule in shadow is broken, once per cause: what would have been done, and is not."""

    rule_id: str
    account_id: int
    breach: Breached
    event: Message


class StopMovesWanted(Message, frozen=True, kw_only=True):
    """A rule wants stops moved toward less risk; told again when it wants others."""

    rule_id: str
    account_id: int
    moves: tuple[StopMove, ...]
    event: Message


class ShadowStopMoves(Message, frozen=True, kw_only=True):
    """A rule in shadow would have had these stops moved; nothing is sent."""

    rule_id: str
    account_id: int
    moves: tuple[StopMove, ...]
    event: Message


class RuleStateChanged(Message, frozen=True, kw_only=True):
    """What a rule remembers of an account changed and is to outlive the process (I5)."""

    rule_id: str
    rule_type: str
    account_id: int
    memory: RuleMemory

    @property
    def conflation_key(self) -> str:
        """Only the newest is worth writing."""
        return f"state {self.rule_id} {self.account_id}"


class BreachFound(Message, frozen=True, kw_only=True):
    """An enforced rule is broken, once per cause."""

    rule_id: str
    account_id: int
    breach: Breached
    event: Message
    """What the rule was shown: the broker event at the head of the chain (I9)."""


class BreachEnded(Message, frozen=True, kw_only=True):
    """A rule that asked for a reduction is kept again; what is left of it is not wanted."""

    rule_id: str
    account_id: int


class ConditionEnded(Message, frozen=True, kw_only=True):
    """What a rule's locks on an account were waiting for has come."""

    rule_id: str
    account_id: int


# --- from the lockout actor -------------------------------------------------------------------


class LocksChanged(Message, frozen=True, kw_only=True):
    """All locks now in force on an account, after one was engaged or ended."""

    account_id: int
    locks: tuple[Lock, ...]
    engaged: Lock | None = None
    ended: Lock | None = None
    unsaved: int = 0
    """Changes of locks, of any account, that could not be written to the store yet."""


class NoteLocks(Message, frozen=True, kw_only=True):
    """Note when an account was and is locked, so that what it trades is counted accordingly."""

    account_id: int
    spans: tuple[LockSpan, ...]


# --- from the enforcer ------------------------------------------------------------------------


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
    FLAT_OBSERVED = "flat_observed"
    """The broker shows what was wanted; it has ended."""


class EnforcementChanged(Message, frozen=True, kw_only=True):
    """The enforcement of an account started, got stuck or ended."""

    account_id: int
    phase: EnforcementPhase
    cause: str
    """The rule or lock it serves."""
    detail: str
    took_ns: int = 0
    """Since its start; 0 at the start."""
    event: Message | None = None
    """At a start without a breach: what appeared under the lock."""


# --- from the supervisor ----------------------------------------------------------------------


class ActorStatus(StrEnum):
    """What happened to an actor."""

    STARTED = "started"
    FAILED = "failed"
    RESTARTED = "restarted"
    GIVEN_UP = "given_up"
    """It failed too often; what it did is not done any more."""
    FAULT = "fault"
    """It goes on, but something it needed went wrong."""


class ActorChanged(Message, frozen=True, kw_only=True):
    """An actor failed, came back, gave up, or reports a fault; shown and recorded."""

    address: str
    status: ActorStatus
    detail: str


# --- from the trader --------------------------------------------------------------------------


class PanicRequested(Message, frozen=True, kw_only=True):
    """The trader asks to be flattened and locked until the daily reset. It can only tighten."""

    account_id: int
    evidence: Evidence


type BrokerEvent = AccountReported | PositionReported | OrderReported | FillReported | QuoteReported
