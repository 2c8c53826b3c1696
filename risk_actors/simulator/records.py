"""What the exchange keeps: accounts, orders, trades, positions, quotes, and its journal.

Numbers of the enums are the Gateway's. Orders, positions and accounts change in place inside the
exchange; whatever leaves it is a copy.
"""

import enum
from decimal import Decimal

import msgspec

ZERO = Decimal(0)


class Side(enum.IntEnum):
    """Order and trade side: 0 is bid (buy), 1 is ask (sell)."""

    BUY = 0
    SELL = 1

    @property
    def sign(self) -> int:
        """Return +1 for a buy, -1 for a sell."""
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> "Side":
        """Return the other side."""
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderType(enum.IntEnum):
    """Order types by the Gateway's numbers."""

    LIMIT = 1
    MARKET = 2
    STOP_LIMIT = 3
    STOP = 4
    TRAILING_STOP = 5
    JOIN_BID = 6
    JOIN_ASK = 7


class OrderStatus(enum.IntEnum):
    """Order statuses by the Gateway's numbers; 8 is a bracket leg whose entry is not filled."""

    OPEN = 1
    FILLED = 2
    CANCELLED = 3
    EXPIRED = 4
    REJECTED = 5
    PENDING = 6
    PENDING_CANCELLATION = 7
    SUSPENDED = 8

    @property
    def is_final(self) -> bool:
        """Tell whether the order can no longer trade."""
        return self in _FINAL


_FINAL = frozenset(
    {OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.EXPIRED, OrderStatus.REJECTED}
)


class Bracket(msgspec.Struct, frozen=True, kw_only=True):
    """A bracket leg as asked for: signed tick distance from the entry, and its order type."""

    ticks: int
    type: OrderType


class Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """An order as somebody asks for it.

    `trail_price` is an absolute price level in a request, a distance when read back (the
    Gateway's own asymmetry). `source` names who asked, for the checker.
    """

    account_id: int
    contract_id: str
    side: Side
    size: int
    type: OrderType = OrderType.MARKET
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_price: Decimal | None = None
    custom_tag: str | None = None
    stop_loss: Bracket | None = None
    take_profit: Bracket | None = None
    source: str = "trader"


class Account(msgspec.Struct, kw_only=True):
    """A trading account. `balance_usd` moves with every fill by realised P&L less costs."""

    id: int
    name: str
    balance_usd: Decimal
    can_trade: bool = True
    is_visible: bool = True
    simulated: bool = True
    blocked: bool = False
    """The platform's "liquidate and block": orders, closes and cancels are all refused."""


class Order(msgspec.Struct, kw_only=True):
    """An order and what became of it."""

    id: int
    account_id: int
    contract_id: str
    type: OrderType
    side: Side
    size: int
    status: OrderStatus
    created_ns: int
    updated_ns: int
    source: str
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_distance: Decimal | None = None
    """How far a trailing stop follows the last price, in price units."""
    trail_ticks: int | None = None
    fill_volume: int = 0
    filled_price: Decimal | None = None
    custom_tag: str | None = None
    parent_id: int | None = None
    linked_id: int | None = None
    """The other leg of the OCO pair."""
    is_close: bool = False
    """Whether it was made by a request to close, and so never opens by itself."""
    bracket: Bracket | None = None
    """What a suspended leg becomes once its entry fills."""

    @property
    def remaining(self) -> int:
        """Return the contracts still to be filled."""
        return self.size - self.fill_volume


class Trade(msgspec.Struct, frozen=True, kw_only=True):
    """A half-turn. `pnl_usd` is gross, and None on a half-turn that opens."""

    id: int
    account_id: int
    contract_id: str
    created_ns: int
    price: Decimal
    size: int
    side: Side
    order_id: int
    pnl_usd: Decimal | None
    fees_usd: Decimal
    commissions_usd: Decimal
    voided: bool = False


class Position(msgspec.Struct, kw_only=True):
    """The open contracts of one account in one contract; a short has a negative size."""

    id: int
    account_id: int
    contract_id: str
    created_ns: int
    signed_size: int = 0
    cost: Decimal = ZERO
    """Sum of entry price times size over the open contracts."""
    openings: list[Trade] = []
    """Opening half-turns of this position, oldest first."""

    @property
    def average_price(self) -> Decimal:
        """Return the average entry price; 0 when flat."""
        return self.cost / abs(self.signed_size) if self.signed_size else ZERO


class Quote(msgspec.Struct, frozen=True):
    """Best bid, best ask and last traded price."""

    bid: Decimal
    ask: Decimal
    last: Decimal


class PositionView(msgspec.Struct, frozen=True, kw_only=True):
    """A position as it is shown. Flat has size 0 and still the entry average (as live)."""

    id: int
    account_id: int
    contract_id: str
    created_ns: int
    signed_size: int
    average_price: Decimal


class OrderChanged(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Journal: an order appeared, was modified, or changed status without a fill."""

    at_ns: int
    order: Order
    before: Order | None
    """The order as it was, None when it is new."""
    by: str
    """Who caused it: `client`, `trader`, or `exchange`."""


class Filled(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Journal: one half-turn and everything it changed."""

    at_ns: int
    order: Order
    trade: Trade
    position: PositionView
    size_before: int
    account: Account
    reopened: tuple[Trade, ...]
    """Opening half-turns that this one closes: the Gateway sends them again."""


class AccountChanged(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Journal: an account changed without a fill (its permission to trade, say)."""

    at_ns: int
    account: Account


type JournalEntry = OrderChanged | Filled | AccountChanged
