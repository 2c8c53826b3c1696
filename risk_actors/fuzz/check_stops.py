"""I1 of stops: no move of ours adds risk, and what one took back of the trader's is put right.

The broker has no modification with a condition. A move that was on its way when the trader moved
the same stop further takes that back, whatever the guard does. So that is excused, and nothing
else: his change had not been told when the command left, and the stop is back within seconds.
"""

from dataclasses import dataclass

from risk_actors import messages as m
from risk_actors.core.commands import MoveStop
from risk_actors.fuzz.broker import S
from risk_actors.fuzz.health import PATIENCE_NS
from risk_actors.fuzz.hostile import LATE_AT_MOST_NS
from risk_actors.fuzz.stage import Stage
from risk_actors.simulator.checker import reduce_only
from risk_actors.simulator.records import JournalEntry, Order, OrderChanged
from risk_actors.simulator.refusals import change_fault

BACK_WITHIN_NS = 5 * S
"""A stop is moved once a second at most, and left alone for a second once somebody else did; with a
broker that is well the rest is milliseconds."""
EXECUTED_WITHIN_NS = 4 * S + LATE_AT_MOST_NS
"""A command takes effect so long after it was sent, at the most."""
LOOSENED = "a stop was moved toward more risk"
"""In the words of the simulator's checker."""
_STAMP_NS = 100
"""The broker's stamps have seven digits."""


@dataclass
class _Overwritten:
    """What the stop was, and what became of it."""

    before: Order
    what: str
    by_ns: int


class StopCheck:
    """Follows each stop that a move of ours took back."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._told_ns: dict[tuple[int, int, object], int] = {}
        """When a state of an order was first told, by its id, stamp and stop price."""
        self._open: dict[int, _Overwritten] = {}

    def told(self, message: m.Message) -> None:
        """Take note of what the guard is told of orders."""
        match message:
            case m.OrderReported(order=order):
                orders = (order,)
            case m.AccountSnapshot(orders=orders):
                pass
            case _:
                return
        now_ns = self._stage.clock.now_ns()
        for order in orders:
            key = (order.id, order.updated_ns // _STAMP_NS, order.stop_price)
            self._told_ns.setdefault(key, now_ns)

    def take(self, entry: JournalEntry) -> list[tuple[str, str]]:
        """Take what happened at the exchange; return what of it must not be."""
        if isinstance(entry, OrderChanged) and entry.by != "client":
            # He has seen where it is, and has it where he wants it.
            self._open.pop(entry.order.id, None)
        found = []
        for violation in reduce_only([entry], []):
            what = f"{violation.reason}: {violation.evidence}"
            if (
                violation.reason == LOOSENED
                and isinstance(entry, OrderChanged)
                and entry.before is not None
                and self._could_not_know(entry.before, entry.order, entry.at_ns)
            ):
                by_ns = self._stage.clock.now_ns() + BACK_WITHIN_NS
                self._open[entry.order.id] = _Overwritten(entry.before, what, by_ns)
            else:
                found.append(("I1", what))
        return found

    def _could_not_know(self, before: Order, after: Order, at_ns: int) -> bool:
        """Tell whether the state that was overwritten had not been told when the command left."""
        stamp = before.updated_ns // _STAMP_NS
        told_ns = self._told_ns.get((before.id, stamp, before.stop_price))
        return any(
            told_ns is None or told_ns >= sent_ns
            for sent_ns, command in self._stage.broker.commands
            if isinstance(command, MoveStop)
            and command.order_id == before.id
            and command.stop_price == after.stop_price
            and at_ns - sent_ns <= EXECUTED_WITHIN_NS
        )

    def look(self, now_ns: int, well: list[int]) -> list[tuple[str, str]]:
        """Return what was not put right in accounts that are well."""
        found = []
        for order_id, each in list(self._open.items()):
            if self._is_over(each.before):
                del self._open[order_id]
            elif self._is_refused(each.before):
                # What is refused is tried again after a pause that grows.
                each.by_ns = now_ns + PATIENCE_NS
            elif now_ns > each.by_ns:
                del self._open[order_id]
                if each.before.account_id in well:
                    found.append(("I1", f"{each.what}; and it was not put right"))
        return found

    def _is_over(self, before: Order) -> bool:
        """Tell whether the stop is back, or there is nothing any more to put right."""
        exchange = self._stage.broker.exchange
        order = exchange.orders[before.id]
        if order.status.is_final or order.stop_price is None or before.stop_price is None:
            return True
        if (order.stop_price - before.stop_price) * order.side.sign <= 0:
            return True
        # What could open more than it closes is no protection, and is not touched.
        size = exchange.signed_size(order.account_id, order.contract_id)
        return size * order.side.sign >= 0 or order.remaining > abs(size)

    def _is_refused(self, before: Order) -> bool:
        """Tell whether the market has passed the price, so that no stop can be moved to it."""
        exchange = self._stage.broker.exchange
        contract = exchange.contracts[before.contract_id]
        quote = exchange.quotes[before.contract_id]
        return change_fault(before, contract, quote, None, (None, before.stop_price)) is not None
