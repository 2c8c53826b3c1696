"""What goes wrong with orders inside the exchange: rejected late, pending, sliced, not cancelled.

It keeps what is to happen later; the exchange lets it happen when time passes.
"""

import heapq
import itertools
from collections.abc import Callable
from typing import Any

from risk_actors.simulator.contracts import Contract
from risk_actors.simulator.fault_base import Counted, is_named
from risk_actors.simulator.faults import Faults, LateCancel, PendOrders, RejectOrder, SliceFills
from risk_actors.simulator.records import Order, OrderType

_NS_PER_S = 1_000_000_000

type Later = Callable[[int], None]
"""What happens at an instant (ns UTC), which it is given."""


class Mishaps:
    """The faults of the exchange that are due, and what became of those that struck."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults
        """Where they are asked for; another book may be put in its place."""
        self._later: list[tuple[int, int, Later]] = []
        self._numbers = itertools.count()
        self._sliced: set[int] = set()

    @property
    def next_ns(self) -> int | None:
        """Return when the next thing is to happen (ns UTC); None when nothing waits."""
        return self._later[0][0] if self._later else None

    def run(self, now_ns: int) -> None:
        """Let happen what is due."""
        self.faults.tick()
        while self._later and self._later[0][0] <= now_ns:
            heapq.heappop(self._later)[2](now_ns)

    def after(self, delay_s: float, now_ns: int, later: Later) -> None:
        """Let something happen `delay_s` from now."""
        at_ns = now_ns + round(delay_s * _NS_PER_S)
        heapq.heappush(self._later, (at_ns, next(self._numbers), later))

    def of_arriving(
        self, order: Order, contract: Contract
    ) -> RejectOrder | PendOrders | SliceFills | None:
        """Return what happens to an order that arrives: only market orders have mishaps."""
        if order.type is not OrderType.MARKET:
            return None
        return (
            self._taken(RejectOrder, order, contract)
            or self._taken(PendOrders, order, contract)
            or self._taken(SliceFills, order, contract)
        )

    def of_cancel(self, order: Order, by: str) -> LateCancel | None:
        """Return what happens to a cancel."""
        return self.faults.take_one(
            LateCancel,
            lambda fault: fault.account_id in (None, order.account_id) and is_named(fault.by, by),
        )

    def is_sliced(self, order: Order) -> bool:
        """Tell whether an order trades slice by slice, and not on quotes."""
        return order.id in self._sliced

    def begin_slices(self, order: Order, slices: int) -> list[int]:
        """Return the sizes of an order's slices, as even as they can be."""
        count = min(slices, order.remaining)
        if count > 1:
            self._sliced.add(order.id)
        share, rest = divmod(order.remaining, count)
        return [share + (n < rest) for n in range(count)]

    def end_slices(self, order: Order) -> None:
        """Let the rest of an order trade on quotes again."""
        self._sliced.discard(order.id)

    def _taken[F: Counted](self, kind: type[F], order: Order, contract: Contract) -> F | None:
        def strikes(fault: Any) -> bool:
            return (
                is_named(fault.symbol, contract.symbol)
                and fault.account_id in (None, order.account_id)
                and is_named(fault.by, order.source)
            )

        return self.faults.take_one(kind, strikes)
