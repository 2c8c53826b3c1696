"""What the broker states: accounts, positions, orders, fills and quotes, decoded and exact.

These are the Gateway's facts in our words: sizes are signed (short is negative), prices and money
are `Decimal`, instants are whole nanoseconds of UTC (`_ns`). Codes are the Gateway's own.
"""

from decimal import Decimal
from enum import IntEnum

import msgspec


class Side(IntEnum):
    """The side of an order or fill (the Gateway's OrderSide)."""

    BUY = 0
    SELL = 1

    @property
    def sign(self) -> int:
        """+1 for a buy, -1 for a sell: what one contract adds to the signed position."""
        return 1 if self is Side.BUY else -1


class OrderType(IntEnum):
    """The Gateway's OrderType."""

    UNKNOWN = 0
    LIMIT = 1
    MARKET = 2
    STOP_LIMIT = 3
    STOP = 4
    TRAILING_STOP = 5
    JOIN_BID = 6
    JOIN_ASK = 7


class OrderStatus(IntEnum):
    """The Gateway's OrderStatus; 7 and 8 appear only in its machine-readable description."""

    NONE = 0
    OPEN = 1
    FILLED = 2
    CANCELLED = 3
    EXPIRED = 4
    REJECTED = 5
    PENDING = 6
    PENDING_CANCELLATION = 7
    SUSPENDED = 8


TERMINAL_STATUSES = frozenset(
    {OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.EXPIRED, OrderStatus.REJECTED}
)
"""An order in one of these can no longer trade."""

PROTECTIVE_STOP_TYPES = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP})


class Account(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An account as the broker lists it; `balance_usd` excludes unrealised P&L."""

    id: int
    name: str
    balance_usd: Decimal
    can_trade: bool
    is_visible: bool = True
    simulated: bool = False


class Position(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The one aggregated row per contract; `size` 0 means closed."""

    account_id: int
    contract_id: str
    size: int
    """Signed contracts: long positive, short negative."""
    average_price: Decimal
    opened_ns: int


class Order(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One order in its latest state."""

    id: int
    account_id: int
    contract_id: str
    status: OrderStatus
    type: OrderType
    side: Side
    size: int
    filled_size: int = 0
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    created_ns: int = 0
    updated_ns: int = 0
    parent_order_id: int | None = None
    linked_order_id: int | None = None
    custom_tag: str | None = None

    @property
    def is_working(self) -> bool:
        """Whether the order may still trade."""
        return self.status not in TERMINAL_STATUSES and self.status is not OrderStatus.NONE

    @property
    def open_size(self) -> int:
        """Contracts not filled yet."""
        return max(self.size - self.filled_size, 0)


class Fill(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One broker trade row (a half-turn), counted once by `id`.

    `profit_usd` is the gross P&L of a closing half-turn and None for an opening one;
    `costs_usd` is fees plus commissions, charged on every half-turn.
    """

    id: int
    account_id: int
    contract_id: str
    order_id: int
    side: Side
    size: int
    price: Decimal
    at_ns: int
    profit_usd: Decimal | None = None
    costs_usd: Decimal = Decimal(0)
    voided: bool = False

    @property
    def signed_size(self) -> int:
        """What the fill adds to the signed position."""
        return self.side.sign * self.size

    @property
    def net_usd(self) -> Decimal:
        """Gross P&L less costs; an opening half-turn is its costs alone."""
        gross = self.profit_usd
        return -self.costs_usd if gross is None else gross - self.costs_usd


class Quote(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A partial market update: a side the broker left out is None."""

    contract_id: str
    bid: Decimal | None = None
    ask: Decimal | None = None
    last: Decimal | None = None
    at_ns: int = 0


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """How far a contract traded in a span of time; the end is not included."""

    start_ns: int
    end_ns: int
    high: Decimal
    low: Decimal
