"""I2 seen from the broker's side: whether a close is outstanding when the next one is sent.

It knows what the broker told, not what the guard believes, and so is no part of the guard's own
reckoning.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from risk_actors.core.broker import Fill
from risk_actors.core.commands import CloseContract
from risk_actors.core.evidence import NS_PER_S
from risk_actors.simulator.records import Order

OVERTAKES_AFTER_NS = 3 * NS_PER_S
"""A flatten that overtakes a reduction waits for it so long, at the most."""

type _Key = tuple[int, str]


@dataclass
class CloseWatch:
    """A close that was sent, and whether it may still take effect."""

    sent_ns: int
    partial: bool
    settled: bool = False
    order_id: int | None = None
    """The order that the broker made of it."""
    size: int = 0
    """Signed position when it was sent."""
    wanted: int = 0
    closed: dict[int, int] = field(default_factory=dict)
    """Sizes by fill id that orders made since then filled on the closing side."""


class CloseWatches:
    """The last close of each account and contract."""

    def __init__(self, orders: Mapping[int, Order]) -> None:
        """Take the broker's orders by id."""
        self._orders = orders
        self._closes: dict[_Key, CloseWatch] = {}
        self.violations: list[str] = []

    def sent(self, command: CloseContract, size: int, now_ns: int) -> None:
        """Note a close of a signed position; it violates I2 where one is outstanding."""
        key = (command.account_id, command.contract_id)
        before = self._closes.get(key)
        if before is not None and not before.settled:
            overtakes = before.partial and command.size is None
            if not (overtakes and now_ns - before.sent_ns >= OVERTAKES_AFTER_NS):
                self.violations.append(
                    f"I2: close {command.id} of {key} while one sent "
                    f"{(now_ns - before.sent_ns) / 1e9:.3f} s ago was outstanding"
                )
        self._closes[key] = CloseWatch(
            now_ns, command.size is not None, size=size, wanted=command.size or abs(size)
        )

    def ordered(self, command: CloseContract, order_id: int) -> None:
        """Note the order that the broker made of the last close."""
        self._closes[command.account_id, command.contract_id].order_id = order_id

    def settle(self, account_id: int, contract_id: str, since_ns: int | None = None) -> None:
        """Note that a close's effect, refusal or a later snapshot was told to the daemon."""
        watch = self._closes.get((account_id, contract_id))
        if watch is not None and (since_ns is None or watch.sent_ns <= since_ns):
            watch.settled = True

    def settle_by_fill(self, fill: Fill) -> None:
        """A fill told is an effect seen, whoever's order it was, if the order came afterwards."""
        watch = self._closes.get((fill.account_id, fill.contract_id))
        if watch is None or fill.side.sign * watch.size >= 0:
            return
        if self._orders[fill.order_id].created_ns > watch.sent_ns:
            watch.closed[fill.id] = fill.size
            watch.settled = watch.settled or sum(watch.closed.values()) >= watch.wanted

    def settle_order(self, order_id: int) -> None:
        """Note that the end of an order was told."""
        for watch in self._closes.values():
            if watch.order_id == order_id:
                watch.settled = True

    def is_done(self, account_id: int, contract_id: str) -> bool:
        """Tell whether the broker is through with the close that a position row may show."""
        watch = self._closes.get((account_id, contract_id))
        if watch is None or watch.order_id is None:
            return False
        return self._orders[watch.order_id].status.is_final
