"""What the broker held, and what it told, instant by instant: what the checks go by.

Both are kept apart from everything that the guard believes. What is told is the plainest reading
there is: the last word on a position or an order counts, and a snapshot replaces all.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import NamedTuple

from risk_actors import messages as m
from risk_actors.simulator.records import (
    AccountChanged,
    Filled,
    JournalEntry,
    Order,
    OrderStatus,
    OrderType,
)


class Holding(NamedTuple):
    """What an account holds in one contract from an instant on."""

    since_ns: int
    size: int
    order_ids: frozenset[int]
    """Orders that work; a market order in the instant before it fills does not."""


type _Key = tuple[int, str]


class Timeline:
    """Holdings by account and contract, in their order."""

    def __init__(self) -> None:
        self._held: dict[_Key, list[Holding]] = {}

    def now(self, account_id: int, contract_id: str) -> Holding:
        """Return the latest."""
        return self._held.get((account_id, contract_id), [_NOTHING])[-1]

    def keys(self, account_id: int) -> list[_Key]:
        """Return the contracts in which an account ever held anything."""
        return [key for key in self._held if key[0] == account_id]

    def put(
        self,
        account_id: int,
        contract_id: str,
        at_ns: int,
        *,
        size: int | None = None,
        order_ids: frozenset[int] | None = None,
    ) -> None:
        """Note a change."""
        held = self._held.setdefault((account_id, contract_id), [_NOTHING])
        last = held[-1]
        new = Holding(
            at_ns,
            last.size if size is None else size,
            last.order_ids if order_ids is None else order_ids,
        )
        if (new.size, new.order_ids) != (last.size, last.order_ids):
            held.append(new)

    def between(
        self, account_id: int, contract_id: str, since_ns: int, until_ns: int
    ) -> Iterator[Holding]:
        """Yield what was held at some instant of a span, the newest first."""
        for holding in reversed(self._held.get((account_id, contract_id), [_NOTHING])):
            if holding.since_ns <= until_ns:
                yield holding
            if holding.since_ns <= since_ns:
                return

    def was_ever(
        self,
        account_id: int,
        contract_id: str,
        span: tuple[int, int],
        is_fine: Callable[[Holding], bool],
    ) -> bool:
        """Tell whether a holding of a span was fine."""
        return any(map(is_fine, self.between(account_id, contract_id, *span)))


_NOTHING = Holding(0, 0, frozenset())


class Truth(Timeline):
    """What the broker holds, from the exchange's own journal."""

    def __init__(self) -> None:
        super().__init__()
        self.changed_ns: dict[int, int] = {}
        """When anything last happened in an account."""
        self.touched_ns: dict[_Key, int] = {}
        """The same by account and contract."""
        self.opened_ns: dict[_Key, int] = {}
        """When a position last grew, or changed sides."""
        self.begun_ns: dict[_Key, int] = {}
        """When the trade began that is open, or was last."""
        self.appeared_ns: dict[int, int] = {}
        """When an order first worked."""
        self._positions: dict[_Key, list[tuple[int, int, Decimal]]] = {}

    def take(self, entry: JournalEntry) -> None:
        """Take the exchange's next entry."""
        if isinstance(entry, AccountChanged):
            self.changed_ns[entry.account.id] = entry.at_ns
            return
        order = entry.order
        key = (order.account_id, order.contract_id)
        self.changed_ns[key[0]] = self.touched_ns[key] = entry.at_ns
        ids = self.now(*key).order_ids
        if _works(order):
            self.appeared_ns.setdefault(order.id, entry.at_ns)
            ids |= {order.id}
        else:
            ids -= {order.id}
        if not isinstance(entry, Filled):
            self.put(*key, entry.at_ns, order_ids=ids)
            return
        size = entry.position.signed_size
        view = (entry.at_ns, size, entry.position.average_price)
        self._positions.setdefault(key, []).append(view)
        if abs(size) > abs(entry.size_before) or size * entry.size_before < 0:
            self.opened_ns[key] = entry.at_ns
        if size and size * entry.size_before <= 0:
            self.begun_ns[key] = entry.at_ns
        self.put(*key, entry.at_ns, size=size, order_ids=ids)

    def held_since(self, key: _Key, since_ns: int) -> list[tuple[int, Decimal]]:
        """Return size and average entry of every position that was held since an instant."""
        held = []
        for at_ns, size, average in reversed(self._positions.get(key, [])):
            if size:
                held.append((size, average))
            if at_ns <= since_ns:
                break
        return held


def _works(order: Order) -> bool:
    if order.status is OrderStatus.PENDING and order.type is OrderType.MARKET:
        return False
    return not order.status.is_final


class Told(Timeline):
    """What was told to the guard."""

    def __init__(self) -> None:
        super().__init__()
        self.quoted_ns: dict[str, int] = {}
        """When a true price of a contract was last told."""
        self._ended: set[int] = set()

    def take(self, message: m.Message, now_ns: int) -> None:
        """Take what is told next."""
        match message:
            case m.PositionReported():
                row = message.position
                self.put(row.account_id, row.contract_id, now_ns, size=row.size)
            case m.OrderReported():
                order = message.order
                if order.is_working and order.id in self._ended:
                    return  # it comes late
                if not order.is_working:
                    self._ended.add(order.id)
                ids = self.now(order.account_id, order.contract_id).order_ids
                ids = ids | {order.id} if order.is_working else ids - {order.id}
                self.put(order.account_id, order.contract_id, now_ns, order_ids=ids)
            case m.AccountSnapshot():
                self._replace(message, now_ns)

    def _replace(self, snapshot: m.AccountSnapshot, now_ns: int) -> None:
        sizes = {position.contract_id: position.size for position in snapshot.positions}
        ids: dict[str, frozenset[int]] = {}
        for order in snapshot.orders:
            ids[order.contract_id] = ids.get(order.contract_id, frozenset()) | {order.id}
        known = [contract_id for _, contract_id in self.keys(snapshot.account_id)]
        for contract_id in {*known, *sizes, *ids}:
            self.put(
                snapshot.account_id,
                contract_id,
                now_ns,
                size=sizes.get(contract_id, 0),
                order_ids=ids.get(contract_id, frozenset()),
            )
