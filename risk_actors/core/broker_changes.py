"""What counts as a change of the broker's state, for the brake on ourselves.

A loop of ours also changes what the broker shows: an order is cancelled and works again in the
next snapshot, a position that fills have closed comes back with each stale one, every close leaves
a rejected order behind. So neither a difference nor a new row is a change by itself; it is one of

- something of the trader's: an order or a fill with an id never seen, unless it may come from a
  close of ours. A close makes one market order of the closing side, so for each close sent, and not
  refused, one such order is taken for its doing;
- a position that is larger, on either side, than it ever was since the trader last did something in
  that contract: no close makes it so, even where his orders and fills are not told or are taken for
  ours;
- a step towards the goal that was not taken before: an order is gone for the first time after we
  cancelled it; a position is smaller than it ever was since the trader last did something in that
  contract; a stop is nearer than it ever was.

All but the first kind are bounded by what there is: orders, contracts and sizes that the trader has
made. So while the trader does nothing, our own commands can bring about a bounded number of changes
only, however the broker flickers, and the count of the brake does run full.
"""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from itertools import islice
from typing import NamedTuple

from risk_actors.core.account_state import AccountState, OpenPosition, is_market
from risk_actors.core.broker import Fill, Order, Side
from risk_actors.core.commands import Answer, CancelOrder, CloseContract, Command, Outcome

REMEMBER_IDS = 50_000
"""More than the fills of a week, as a rule; where a snapshot tells more, so many as it tells."""

MOST_UNANSWERED = 100
"""So many closes at most are remembered until they are answered."""
MOST_UNSEEN = 5
"""Of so many closes at most the orders are still on their way; a refused one never makes any."""


class Changes(NamedTuple):
    """What a look at the account showed to have changed."""

    of_account: bool = False
    """For closes and cancels."""
    of_stops: bool = False
    """For moves of stops."""


class _Ids[T]:
    """A memory of ids that forgets the oldest.

    It forgets half of them at a time: a dict that loses its first entry again and again looks for
    the next one among all that went.
    """

    def __init__(self) -> None:
        self._known: dict[int, T] = {}
        self._most = REMEMBER_IDS

    def __contains__(self, id_: int) -> bool:
        return id_ in self._known

    def get(self, id_: int) -> T | None:
        return self._known.get(id_)

    def put(self, id_: int, value: T) -> None:
        self._known[id_] = value
        if len(self._known) > 2 * self._most:
            self._known = dict(islice(self._known.items(), self._most, None))

    def make_room(self, ids: int) -> None:
        """Take that so many ids are told at once."""
        self._most = max(self._most, ids)


class BrokerChanges:
    """What was seen of one account, and which of our commands may have caused it."""

    def __init__(self) -> None:
        self._is_ours: _Ids[bool] = _Ids()
        """By order id, whether it may come from a close of ours."""
        self._fills: _Ids[bool] = _Ids()
        self._was_cancelled: _Ids[bool] = _Ids()
        """By order id, whether it was seen to be gone after a cancel of ours."""
        self._cancelling: set[int] = set()
        self._unseen: Counter[tuple[str, Side]] = Counter()
        """Closes by contract and side of whose orders nothing was seen."""
        self._unanswered: dict[int, tuple[str, Side]] = {}
        """The latest closes by id."""
        self._smallest: dict[str, int] = {}
        self._ranges: dict[str, tuple[int, int]] = {}
        """By contract the shortest and longest size since the trader touched it; 0 is within."""
        self._sizes: dict[str, int] = {}
        self._nearest: _Ids[Decimal] = _Ids()
        """By order id, the stop price with the least risk, signed by side."""
        self._orders: tuple[Order, ...] | None = None
        self._positions: tuple[OpenPosition, ...] | None = None
        """What the account showed last; the very same again is no change."""

    def note(self, command: Command) -> None:
        """Take a command that is sent now."""
        match command:
            case CloseContract(id=id_, contract_id=contract_id):
                size = self._sizes.get(contract_id, 0)
                key = (contract_id, Side.SELL if size > 0 else Side.BUY)
                self._unseen[key] = min(self._unseen[key] + 1, MOST_UNSEEN)
                self._unanswered[id_] = key
                if len(self._unanswered) > MOST_UNANSWERED:
                    del self._unanswered[next(iter(self._unanswered))]
            case CancelOrder(order_id=order_id):
                if not self._was_cancelled.get(order_id) and not self._is_ours.get(order_id):
                    self._cancelling.add(order_id)
            case _:
                pass

    def take(self, outcome: Outcome) -> None:
        """Take the answer to a command; a close that was refused makes no order."""
        key = self._unanswered.pop(outcome.command_id, None)
        if key is not None and outcome.answer is Answer.REFUSED:
            self._unseen[key] = max(self._unseen[key] - 1, 0)

    def observe(self, state: AccountState, fills: Iterable[Fill]) -> Changes:
        """Take what the broker shows, and the fills that it told; say what changed."""
        told = tuple(fills)
        self._fills.make_room(len(told))
        new_fills = [fill for fill in told if fill.id not in self._fills]
        has_same_orders = state.orders is self._orders
        has_same_positions = state.positions is self._positions
        self._orders, self._positions = state.orders, state.positions
        touched: set[str] = set()
        if new_fills or not has_same_orders:
            touched = self._by_the_trader(state, new_fills)
        smaller = (bool(touched) or not has_same_positions) and self._is_new_size(state, touched)
        gone = self._is_gone(state)
        nearer = not has_same_orders and self._is_nearer(state)
        return Changes(bool(touched) or smaller or gone, bool(touched) or nearer)

    def _by_the_trader(self, state: AccountState, new_fills: Iterable[Fill]) -> set[str]:
        """Return the contracts in which something new is the trader's."""
        touched: set[str] = set()
        for order in state.orders:
            if self._is_ours.get(order.id) is None:
                is_ours = is_market(order) and self._take_for_ours(order.contract_id, order.side)
                self._is_ours.put(order.id, is_ours)
                if not is_ours:
                    touched.add(order.contract_id)
        for fill in new_fills:
            self._fills.put(fill.id, True)
            if self._is_ours.get(fill.order_id) is None:
                is_ours = self._take_for_ours(fill.contract_id, fill.side)
                self._is_ours.put(fill.order_id, is_ours)
            if not self._is_ours.get(fill.order_id):
                touched.add(fill.contract_id)
        return touched

    def _take_for_ours(self, contract_id: str, side: Side) -> bool:
        if self._unseen[contract_id, side] <= 0:
            return False
        self._unseen[contract_id, side] -= 1
        return True

    def _is_new_size(self, state: AccountState, touched: set[str]) -> bool:
        """Tell whether a size is smaller, or larger, than any since the trader touched it."""
        self._sizes = {p.contract_id: p.counted_size for p in state.positions}
        is_new = False
        for contract_id in {*self._smallest, *self._sizes}:
            size = self._sizes.get(contract_id, 0)
            is_touched = contract_id in touched or contract_id not in self._smallest
            shortest, longest = (0, 0) if is_touched else self._ranges[contract_id]
            # A range only widens, so sizes that come and go are not new each time.
            self._ranges[contract_id] = (min(size, shortest), max(size, longest))
            is_larger = not shortest <= size <= longest
            if is_touched or is_larger or abs(size) < self._smallest[contract_id]:
                self._smallest[contract_id] = abs(size)
                is_new |= contract_id not in touched
        return is_new

    def _is_gone(self, state: AccountState) -> bool:
        """Tell whether an order went that we cancelled, and that had not gone before."""
        if not self._cancelling:
            return False
        gone = self._cancelling.difference(order.id for order in state.orders)
        for order_id in gone:
            self._cancelling.discard(order_id)
            self._was_cancelled.put(order_id, True)
        return bool(gone)

    def _is_nearer(self, state: AccountState) -> bool:
        """Tell whether a stop is at a price with less risk than it ever was."""
        is_nearer = False
        for order in state.orders:
            price = _signed_stop(order)
            if price is None:
                continue
            nearest = self._nearest.get(order.id)
            if nearest is None or price < nearest:
                is_nearer |= nearest is not None
                self._nearest.put(order.id, price)
        return is_nearer


def _signed_stop(order: Order) -> Decimal | None:
    """Return a stop price so that smaller is less risk; None where there is none."""
    if order.stop_price is None or not order.stop_price.is_finite():
        return None
    return order.stop_price * order.side.sign
