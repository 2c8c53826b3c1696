"""What to read next in the user hub's place, and whether a light read shows a change: pure.

One Account/search tells of all accounts at once: every fill moves a balance, for its costs. What
moves none (an order placed; a fill without costs) is seen by light reads, account after account.
Whatever differs has the account read whole: what reaches the actors is always consistent.

After a gap in what the stream tells (the hub was away) the same light reads show, account after
account, whether anything was missed.
"""

from collections.abc import Hashable, Iterable, Sequence
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


_LIGHT = (What.POSITIONS, What.ORDERS)


class PollPlan:
    """What is known of each account, and whose turn is next. Instants are ns of UTC."""

    def __init__(self, account_ids: Sequence[int]) -> None:
        self._ids = tuple(account_ids)
        self._known: dict[int, _Known] = {}
        self._told: dict[int, dict[int | str, tuple[int, Position | Order]]] = {}
        """By account, the rows that the stream told since it was read, and when."""
        self._accounts: dict[int, Account] = {}
        self._noted: dict[int, Hashable] = {}
        self._listed: dict[tuple[int, What], Hashable] = {}
        """The light listings seen last; one that is seen again is no news."""
        self._rounds = {account_id: cycle(_ROUND) for account_id in account_ids}
        self._waiting = {True: list(account_ids), False: list(account_ids)}
        """Whose turn it is, in order: among those with something open, and among all."""
        self._is_turn_of_open = False
        self._locked: set[int] = set()
        self._gap_ns = 0
        self._unread: set[tuple[int, What]] = set()
        """What was not read since the last gap in what is told."""
        self._is_list_unread = False
        self._awaited: set[int] = set()
        """Accounts that are read whole, because a gap has changed them."""

    def on_snapshot(self, snapshot: AccountSnapshot) -> None:
        """Take an account read whole."""
        account_id = snapshot.account_id
        is_light = snapshot.fills is None and not snapshot.account_read
        known = self._known[account_id] = _Known(snapshot, self._known.get(account_id))
        # What the stream told while it was read is newer.
        told = self._told.get(account_id, {})
        newer = {key: each for key, each in told.items() if each[0] >= snapshot.asked_ns}
        self._told[account_id] = newer
        for _, row in newer.values():
            known.take(row)
        if is_light:
            self._noted[account_id] = _figures(snapshot.account)
        else:
            self._noted.pop(account_id, None)
        if snapshot.account_read:
            self._accounts[account_id] = snapshot.account
        light = {(account_id, what) for what in _LIGHT}
        for each in light:
            # What was listed before this may be so again: that would be news.
            self._listed.pop(each, None)
        if snapshot.asked_ns >= self._gap_ns:
            self._unread -= light
            if not is_light:
                self._awaited.discard(account_id)
                self._unread.discard((account_id, What.WHOLE))
        elif not is_light and (account_id, What.WHOLE) in self._unread:
            # It was asked before the gap ended: from here on, looks show what it missed.
            self._unread.discard((account_id, What.WHOLE))
            self._unread |= light

    def on_account(self, account: Account) -> None:
        """Take a row that the stream told."""
        self._accounts[account.id] = account

    def on_told(self, row: Position | Order, at_ns: int) -> None:
        """Take a position or an order that the stream told at an instant."""
        what = What.POSITIONS if isinstance(row, Position) else What.ORDERS
        key = row.contract_id if isinstance(row, Position) else row.id
        self._told.setdefault(row.account_id, {})[key] = (at_ns, row)
        self._listed.pop((row.account_id, what), None)
        if row.account_id in self._known:
            self._known[row.account_id].take(row)

    def on_locks(self, account_id: int, *, is_locked: bool) -> None:
        """Take whether an account is locked: such ones are looked at first."""
        if is_locked:
            self._locked.add(account_id)
        else:
            self._locked.discard(account_id)

    # --- after a gap in what is told ----------------------------------------------------------

    def on_gap(self, now_ns: int) -> None:
        """Take that something may have been missed until now: all accounts are to be looked at."""
        self._gap_ns = now_ns
        self._is_list_unread = True
        self._unread = {
            (account_id, what)
            for account_id in self._ids
            for what in (_LIGHT if account_id in self._known else (What.WHOLE,))
        }
        self._listed.clear()

    @property
    def is_behind(self) -> bool:
        """Whether something that a gap may have changed was not read since."""
        return bool(self._is_list_unread or self._unread or self._awaited)

    @property
    def is_list_unread(self) -> bool:
        """Whether the list of accounts was not read since the last gap."""
        return self._is_list_unread

    def on_list(self, asked_ns: int) -> None:
        """Take that the list of accounts was read, asked at an instant."""
        if asked_ns >= self._gap_ns:
            self._is_list_unread = False

    def unread(self) -> tuple[tuple[int, What], ...]:
        """Return what is to be looked at after a gap; what is open or locked first."""
        light = [each for each in self._unread if each[1] in _LIGHT]
        return tuple(sorted(light, key=self._rank))

    def read_since(self, account_id: int, since_ns: int) -> bool:
        """Tell whether an account's positions and orders were read since an instant."""
        known = self._known.get(account_id)
        return known is not None and known.asked_ns >= since_ns

    def is_idle(self, account_id: int) -> bool:
        """Tell whether an account has nothing open and no lock: its balance tells of a fill."""
        return not self._has_something_open(account_id) and account_id not in self._locked

    def looked(self, account_id: int, what: What, asked_ns: int, *, is_news: bool) -> None:
        """Take that an account was looked at, asked at an instant."""
        if asked_ns < self._gap_ns or (account_id, what) not in self._unread:
            return
        self._unread.discard((account_id, what))
        if is_news:
            self._awaited.add(account_id)

    def agrees(self, account_id: int) -> bool:
        """Tell whether an account was found as it was known before the last gap."""
        is_unread = any((account_id, what) in self._unread for what in What)
        return not is_unread and account_id not in self._awaited

    def _rank(self, each: tuple[int, What]) -> tuple[bool, bool, int, int]:
        account_id, what = each
        return (
            self.is_idle(account_id),
            what is What.ORDERS,
            self._waiting[False].index(account_id),
            what.value,
        )

    # --- whose row or listing has changed -------------------------------------------------------

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
        listed = frozenset(_position_key(row) for row in rows)
        return self._is_news(account_id, What.POSITIONS, listed)

    def has_news_of_orders(self, account_id: int, rows: Iterable[Order]) -> bool:
        """Tell whether the orders that are listed as open differ from those known."""
        listed = frozenset(_order_key(row) for row in rows)
        return self._is_news(account_id, What.ORDERS, listed)

    def next_turn(self) -> tuple[int, What]:
        """Return what to read next: every other turn goes to an account with something open."""
        self._is_turn_of_open = not self._is_turn_of_open
        queue = self._waiting[self._is_turn_of_open]
        open_ones = [each for each in queue if self._has_something_open(each)]
        account_id = open_ones[0] if self._is_turn_of_open and open_ones else queue[0]
        queue.remove(account_id)
        queue.append(account_id)
        return account_id, next(self._rounds[account_id])

    def next_whole(self) -> int:
        """Return whom to read whole next although nothing seems amiss: the one read longest ago."""
        return min(self._ids, key=self._whole_ns)

    def _whole_ns(self, account_id: int) -> int:
        known = self._known.get(account_id)
        return 0 if known is None else known.asked_ns

    def _has_something_open(self, account_id: int) -> bool:
        known = self._known.get(account_id)
        return known is None or known.has_something_open

    def _is_news(self, account_id: int, what: What, listed: Hashable) -> bool:
        before = self._listed.get((account_id, what))
        self._listed[account_id, what] = listed
        known = self._known.get(account_id)
        if known is None:  # it is being read
            return False
        return listed not in (before, known.listing(what))


class _Known:
    """What is known of one account: as read last, and told since."""

    def __init__(self, whole: AccountSnapshot, before: "_Known | None") -> None:
        self.asked_ns = whole.asked_ns
        self._hidden = any(order.status is not OrderStatus.OPEN for order in whole.orders)
        if before is not None and not whole.covers_suspended:
            self._hidden = self._hidden or before.has_hidden
        self._positions = {each.contract_id: _position_key(each) for each in whole.positions}
        self._orders = {
            order.id: _order_key(order)
            for order in whole.orders
            if order.status is OrderStatus.OPEN
        }

    @property
    def has_hidden(self) -> bool:
        return self._hidden

    @property
    def has_something_open(self) -> bool:
        return bool(self._positions or self._orders or self._hidden)

    def take(self, row: Position | Order) -> None:
        if isinstance(row, Position):
            if row.size:
                self._positions[row.contract_id] = _position_key(row)
            else:
                self._positions.pop(row.contract_id, None)
        elif row.status is OrderStatus.OPEN:
            self._orders[row.id] = _order_key(row)
        else:
            self._orders.pop(row.id, None)

    def listing(self, what: What) -> Hashable:
        rows = self._positions if what is What.POSITIONS else self._orders
        return frozenset(rows.values())


def _figures(account: Account | None) -> Hashable:
    return _NOT_LISTED if account is None else (account.balance_usd, account.can_trade)


def _position_key(position: Position) -> Hashable:
    return position.contract_id, position.size, position.average_price


def _order_key(order: Order) -> Hashable:
    return order.id, order.size, order.filled_size, order.limit_price, order.stop_price
