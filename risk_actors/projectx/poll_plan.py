"""What to read next in the user hub's place, and whether a light read shows a change: pure.

One Account/search tells of all accounts at once: every fill moves a balance, for its costs. What
moves none (an order placed; a fill without costs) is seen by light reads, account after account.
Whatever differs has the account read whole: what reaches the actors is always consistent.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from enum import Enum
from itertools import cycle

from risk_actors.core.broker import Account, Order, OrderStatus, Position
from risk_actors.messages import AccountSnapshot


class What(Enum):
    """A read of one account, and what it costs in requests."""

    POSITIONS = 1
    ORDERS = 2
    WHOLE = 3


_NOT_LISTED = "not listed"
_ROUND = (What.POSITIONS, What.ORDERS, What.POSITIONS, What.ORDERS, What.WHOLE)
"""The light reads show what mostly happens; the whole one shows the rest, such as suspended
bracket children."""


class PollPlan:
    """What was read last of each account, and whose turn is next."""

    def __init__(self, account_ids: Sequence[int]) -> None:
        self._whole: dict[int, AccountSnapshot] = {}
        self._accounts: dict[int, Account] = {}
        self._noted: dict[int, Hashable] = {}
        self._listed: dict[tuple[int, What], Hashable] = {}
        """The light listings seen last; one that is seen again is no news."""
        self._rounds = {account_id: cycle(_ROUND) for account_id in account_ids}
        self._waiting = {True: list(account_ids), False: list(account_ids)}
        """Whose turn it is, in order: among those with something open, and among all."""
        self._is_turn_of_open = False

    def on_snapshot(self, snapshot: AccountSnapshot) -> None:
        """Take an account read whole."""
        self._whole[snapshot.account_id] = snapshot
        self._noted.pop(snapshot.account_id, None)
        if snapshot.account_read:
            self._accounts[snapshot.account_id] = snapshot.account

    def on_account(self, account: Account) -> None:
        """Take a row that the stream told."""
        self._accounts[account.id] = account

    def changed(self, rows: Iterable[Account]) -> tuple[int, ...]:
        """Return the accounts whose row differs from what is known, or is missing.

        A difference counts until somebody takes it in: a whole reading, the stream, or whoever
        says with `noted` that the account is being read.
        """
        told = {row.id: row for row in rows}
        return tuple(
            account_id
            for account_id, known in self._accounts.items()
            if _figures(told.get(account_id)) not in (_figures(known), self._noted.get(account_id))
        )

    def noted(self, account_id: int, rows: Iterable[Account]) -> None:
        """Take that an account is being read because its row differs."""
        row = next((row for row in rows if row.id == account_id), None)
        self._noted[account_id] = _figures(row)

    def has_news_of_positions(self, account_id: int, rows: Iterable[Position]) -> bool:
        """Tell whether listed positions differ from those known."""
        return self._is_news(account_id, What.POSITIONS, rows, _position_key, _positions_of)

    def has_news_of_orders(self, account_id: int, rows: Iterable[Order]) -> bool:
        """Tell whether the orders that are listed as open differ from those known."""
        return self._is_news(account_id, What.ORDERS, rows, _order_key, _open_orders_of)

    def next_turn(self) -> tuple[int, What]:
        """Return what to read next: every other turn goes to an account with something open."""
        self._is_turn_of_open = not self._is_turn_of_open
        queue = self._waiting[self._is_turn_of_open]
        open_ones = [each for each in queue if self._has_something_open(each)]
        account_id = open_ones[0] if self._is_turn_of_open and open_ones else queue[0]
        queue.remove(account_id)
        queue.append(account_id)
        return account_id, next(self._rounds[account_id])

    def _has_something_open(self, account_id: int) -> bool:
        whole = self._whole.get(account_id)
        return whole is None or bool(whole.positions or whole.orders)

    def _is_news[Row](
        self,
        account_id: int,
        what: What,
        rows: Iterable[Row],
        key: Callable[[Row], Hashable],
        of_whole: Callable[[AccountSnapshot], Iterable[Row]],
    ) -> bool:
        listed = frozenset(key(row) for row in rows)
        before = self._listed.get((account_id, what))
        self._listed[account_id, what] = listed
        whole = self._whole.get(account_id)
        if whole is None:  # it is being read
            return False
        return listed not in (before, frozenset(key(row) for row in of_whole(whole)))


def _figures(account: Account | None) -> Hashable:
    return _NOT_LISTED if account is None else (account.balance_usd, account.can_trade)


def _position_key(position: Position) -> Hashable:
    return position.contract_id, position.size, position.average_price


def _order_key(order: Order) -> Hashable:
    return order.id, order.size, order.filled_size, order.limit_price, order.stop_price


def _positions_of(whole: AccountSnapshot) -> Iterable[Position]:
    return whole.positions


def _open_orders_of(whole: AccountSnapshot) -> Iterable[Order]:
    return (order for order in whole.orders if order.status is OrderStatus.OPEN)
