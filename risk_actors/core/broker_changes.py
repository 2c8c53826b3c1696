"""What counts as a change of the broker's state, for the brake on ourselves.

A loop of ours also changes what the broker shows: an order is cancelled and works again in the
next snapshot, a position that fills have closed comes back with each stale one, every close leaves
a rejected order behind. So neither a difference nor a new row is a change by itself; it is one of

- something of the trader's: an order or a fill with an id never seen, unless it may come from a
  close of ours. A close makes one market order of the closing side, so for each close sent one such
  order is taken for its doing;
- a step towards the goal that was not taken before: an order is gone for the first time after we
  cancelled it; a position is smaller than it ever was since the trader last did something in that
  contract; a stop is nearer than it ever was.

The second kind is bounded by what there is: orders and contracts that the trader has made. So while
the trader does nothing, our own commands can bring about a bounded number of changes only, however
the broker flickers, and the count of the brake does run full.
"""

from collections import Counter
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

from risk_actors.core.account_state import AccountState, is_market
from risk_actors.core.broker import Fill, Order, Side
from risk_actors.core.commands import CancelOrder, CloseContract, Command

REMEMBER_IDS = 50_000
"""More than the fills of a week, which every snapshot tells again."""

MOST_UNSEEN = 5
"""Of so many closes at most the orders are still on their way; a refused one never makes any."""


class Changes(NamedTuple):
    """What a look at the account showed to have changed."""

    of_account: bool = False
    """For closes and cancels."""
    of_stops: bool = False
    """For moves of stops."""


class _Ids[T]:
    """A memory of ids that forgets the oldest."""

    def __init__(self) -> None:
        self._known: dict[int, T] = {}

    def get(self, id_: int) -> T | None:
        return self._known.get(id_)

    def put(self, id_: int, value: T) -> None:
        self._known[id_] = value
        if len(self._known) > REMEMBER_IDS:
            del self._known[next(iter(self._known))]


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
        self._smallest: dict[str, int] = {}
        self._sizes: dict[str, int] = {}
        self._nearest: _Ids[Decimal] = _Ids()
        """By order id, the stop price with the least risk, signed by side."""

    def note(self, command: Command) -> None:
        """Take a command that is sent now."""
        match command:
            case CloseContract(contract_id=contract_id):
                size = self._sizes.get(contract_id, 0)
                key = (contract_id, Side.SELL if size > 0 else Side.BUY)
                self._unseen[key] = min(self._unseen[key] + 1, MOST_UNSEEN)
            case CancelOrder(order_id=order_id):
                if not self._was_cancelled.get(order_id) and not self._is_ours.get(order_id):
                    self._cancelling.add(order_id)
            case _:
                pass

    def observe(self, state: AccountState, fills: Iterable[Fill]) -> Changes:
        """Take what the broker shows, and the fills that it told; say what changed."""
        touched = self._by_the_trader(state, fills)
        smaller = self._is_smaller(state, touched)
        gone = self._is_gone(state)
        nearer = self._is_nearer(state)
        return Changes(bool(touched) or smaller or gone, bool(touched) or nearer)

    def _by_the_trader(self, state: AccountState, fills: Iterable[Fill]) -> set[str]:
        """Return the contracts in which something new is the trader's."""
        touched: set[str] = set()
        for order in state.orders:
            if self._is_ours.get(order.id) is None:
                is_ours = is_market(order) and self._take_for_ours(order.contract_id, order.side)
                self._is_ours.put(order.id, is_ours)
                if not is_ours:
                    touched.add(order.contract_id)
        for fill in fills:
            if self._fills.get(fill.id):
                continue
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

    def _is_smaller(self, state: AccountState, touched: set[str]) -> bool:
        """Tell whether a position is smaller than it ever was since the trader touched it."""
        self._sizes = {p.contract_id: p.counted_size for p in state.positions}
        is_smaller = False
        for contract_id in {*self._smallest, *self._sizes}:
            size = abs(self._sizes.get(contract_id, 0))
            smallest = self._smallest.get(contract_id)
            if contract_id in touched:
                self._smallest[contract_id] = size
            elif smallest is None or size < smallest:
                self._smallest[contract_id] = size
                is_smaller = True
        return is_smaller

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
