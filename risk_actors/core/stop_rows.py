"""What the rows of one stop tell: when somebody changed it, and what a move of ours overwrote.

The broker has no modification with a condition, so a move on its way may overwrite what the trader
did meanwhile. His row then carries a stamp between the row that we knew and the row of our move.
Rows come late, twice and in any order; the broker's stamps put them in theirs. Where they do not
tell, nothing is concluded.
"""

from decimal import Decimal
from typing import NamedTuple

from risk_actors.core.broker import Order
from risk_actors.core.evidence import NS_PER_S

QUIET_FOR_NS = 1 * NS_PER_S
"""Who drags a stop, or places one and puts it right, changes it again within about so long."""
LATE_BY_NS = 5 * NS_PER_S
"""The row of a move comes so long after the move was sent, at the most: an answer may take 3 s.
Later than that somebody else may have chosen the same price."""
REMEMBER_ROWS = 32
"""More than anybody makes of one stop while a move is on its way."""


class Overwritten(NamedTuple):
    """What the trader had set when a move of ours took it back."""

    stop_price: Decimal
    correlation_id: str
    """Of that move."""


class _Sent(NamedTuple):
    stop_price: Decimal
    correlation_id: str
    known_ns: int
    """The stamp of the row that was known then (the broker's clock)."""
    at_ns: int


class StopRows:
    """The rows of one stop, and the moves of it that were sent lately."""

    def __init__(self, order: Order, now_ns: int, clock_ahead_ns: int = 0) -> None:
        """Take the first row: it is news as far as its stamp says so, and for a second at most."""
        self._prices: dict[int, Decimal | None] = {order.updated_ns: order.stop_price}
        """By stamp."""
        self._sent: list[_Sent] = []
        self._changed_ns: int | None = None
        self._rivals: tuple[Decimal, ...] = ()
        """Other prices told with the newest stamp: each may be the one that holds."""
        self._doubted_ns = 0
        """Since when there are some."""
        self.overwritten: Overwritten | None = None
        """What is to be put right; None where nothing is, or it cannot be told."""
        if order.updated_ns:
            self._changed_ns = min(now_ns, order.updated_ns + clock_ahead_ns)

    def is_to_wait(self, now_ns: int) -> bool:
        """Tell whether somebody else has changed the stop just now."""
        # A clock that was set back must not hold a move up.
        return self._changed_ns is not None and 0 <= now_ns - self._changed_ns < QUIET_FOR_NS

    def may_be_better(self, stop_price: Decimal, sign: int) -> bool:
        """Tell whether the stop may have no more risk than a price already, by what was told."""
        return any((stop_price - rival) * sign >= 0 for rival in self._rivals)

    def sent(self, order: Order, stop_price: Decimal, correlation_id: str, now_ns: int) -> None:
        """Note a move that is sent now, by the row of the order as it is known."""
        self._sent.append(_Sent(stop_price, correlation_id, order.updated_ns, now_ns))

    def take(self, order: Order, now_ns: int, snapshot_asked_ns: int = 0) -> None:
        """Take the row that is shown now; one that was shown before tells nothing.

        Which of two prices with one stamp is the newer, only a later snapshot or row can say.
        """
        stamp_ns, price = order.updated_ns, order.stop_price
        is_told = bool(self._rivals) and snapshot_asked_ns > self._doubted_ns
        if is_told:
            self._rivals = ()
        if not stamp_ns or (stamp_ns in self._prices and self._prices[stamp_ns] == price):
            return
        before = self._prices.get(stamp_ns)
        if stamp_ns > max(self._prices):
            self._rivals = ()
        elif before is not None and not is_told:
            self._rivals, self._doubted_ns = (*self._rivals, before), now_ns
        if stamp_ns >= max(self._prices):
            self.overwritten = None
        self._prices[stamp_ns] = price
        if len(self._prices) > REMEMBER_ROWS:
            del self._prices[min(self._prices)]
        self._sent = [sent for sent in self._sent if 0 <= now_ns - sent.at_ns <= LATE_BY_NS]
        if all(self._row_of(sent) != stamp_ns for sent in self._sent):
            self._changed_ns = now_ns
        self._look_for_overwritten(order.side.sign)

    def _row_of(self, sent: _Sent) -> int | None:
        """Return the stamp of the row that a move made: the first one since with its price."""
        made = (
            stamp_ns
            for stamp_ns, price in self._prices.items()
            if stamp_ns > sent.known_ns and price == sent.stop_price
        )
        return min(made, default=None)

    def _look_for_overwritten(self, sign: int) -> None:
        """See whether the last thing that happened is that a move of ours took a price back."""
        *earlier, last_ns = sorted(self._prices)
        for sent in self._sent:
            if self._row_of(sent) != last_ns or not earlier or earlier[-1] < sent.known_ns:
                continue
            before = self._prices[earlier[-1]]
            if before is not None and (before - sent.stop_price) * sign < 0:
                self.overwritten = Overwritten(before, sent.correlation_id)
