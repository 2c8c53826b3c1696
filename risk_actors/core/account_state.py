"""One account as the position book sees it: the fact that rules and enforcement judge."""

from decimal import Decimal

import msgspec

from risk_actors.core.broker import Order, OrderStatus, OrderType
from risk_actors.core.lock import Unlocked
from risk_actors.core.trade_history import TradeHistory


class OpenPosition(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An open position, as reported by the broker and as its fills add up.

    The two may differ for some milliseconds, because the events of one fill come in any order.
    """

    contract_id: str
    symbol: str
    size: int
    """Signed contracts as the broker last reported them."""
    average_price: Decimal
    opened_ns: int
    fills_size: int
    """Signed contracts that the last snapshot and later fills add up to."""
    fills_average_price: Decimal

    @property
    def is_settled(self) -> bool:
        """Whether report and fills agree, so that P&L can be known."""
        return self.size == self.fills_size

    @property
    def counted_size(self) -> int:
        """The larger of both sizes, signed: what rules that count contracts take meanwhile."""
        return self.size if abs(self.size) >= abs(self.fills_size) else self.fills_size


class AccountState(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Positions, working orders and counters of one account at one instant."""

    account_id: int
    name: str
    balance_usd: Decimal | None
    can_trade: bool | None
    is_reconciled: bool
    """Whether a snapshot was applied since start; before it nothing here may be trusted."""
    snapshot_asked_ns: int
    """When the last applied snapshot was asked for (our clock); 0 before the first."""
    day_start_ns: int
    trades: int
    """Round trips begun in the trading day, those under a lock left out."""
    entries: int
    """Orders of the trading day whose fills opened or increased a position; none under a lock."""
    positions: tuple[OpenPosition, ...] = ()
    orders: tuple[Order, ...] = ()
    """Working orders, oldest first."""
    awaited: tuple[str, ...] = ()
    """Contracts in which an order says it was filled and the fills have not come yet."""
    awaited_order_ids: tuple[int, ...] = ()
    """Those orders."""
    has_all_fills: bool = True
    """Whether the last snapshot brought the fills; without them the day's P&L is unknown."""
    distrusted: str | None = None
    """Why only a snapshot can say what is true (a fill was voided), or None."""
    named_symbols: dict[str, str] = {}
    """Exchange symbols that the broker gave, by contract id; the catalogue may lack them."""
    balance_by_fills_usd: Decimal | None = None
    """The balance of the last snapshot and the net of the fills since; None before the first.

    `balance_usd` is what the broker said last, which may lag behind the fills or run ahead.
    """
    clock_ahead_ns: int = 0
    """How far our clock runs ahead of the broker's (negative: behind); 0 while about right."""
    history: TradeHistory = TradeHistory()
    """Entries and trades of the week."""
    locks_noted: bool = False
    """Whether it was noted since start when the account was locked, and unlocked."""
    unlocked: tuple[Unlocked, ...] = ()
    """The locks that the unlock policy ended before their time."""

    @property
    def is_settled(self) -> bool:
        """Whether report, fills and orders agree in every contract."""
        return (
            not self.awaited
            and self.distrusted is None
            and all(position.is_settled for position in self.positions)
        )

    def position_in(self, contract_id: str) -> OpenPosition | None:
        """Return the open position in a contract, or None."""
        for position in self.positions:
            if position.contract_id == contract_id:
                return position
        return None

    def size_in(self, contract_id: str) -> int:
        """Return the signed size reported for a contract, 0 when flat."""
        position = self.position_in(contract_id)
        return 0 if position is None else position.size

    def counted_size_in(self, contract_id: str) -> int:
        """Return the signed size that rules count for a contract, 0 when flat."""
        position = self.position_in(contract_id)
        return 0 if position is None else position.counted_size


def entry_size(order: Order, position_size: int) -> int:
    """Return how many contracts of a working order would open or increase exposure.

    An order on the opposite side of the position is an exit up to the position's size; what is
    beyond is entry (it would reverse the position).
    """
    if order.side.sign * position_size >= 0:
        return order.open_size
    return max(order.open_size - abs(position_size), 0)


def is_reduce_only(order: Order, position_size: int) -> bool:
    """Tell whether an order can only shrink the position: the trader's protection or target."""
    return position_size != 0 and entry_size(order, position_size) == 0


def waits_for_parent(order: Order, orders: tuple[Order, ...]) -> bool:
    """Tell whether an order is a suspended bracket child whose parent still works."""
    return order.status is OrderStatus.SUSPENDED and any(
        parent.id == order.parent_order_id for parent in orders
    )


def is_market(order: Order) -> bool:
    """Tell whether the order trades at once at any price."""
    return order.type is OrderType.MARKET
