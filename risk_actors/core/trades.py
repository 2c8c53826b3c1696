"""Entries and trades of the trading day, counted from fills.

An entry is an order whose fills opened or increased a position, however many partial fills it
took. A trade is a round trip in one contract, from flat to flat; a reversal ends one and begins
the next; scaling in stays in the trade.
"""

from collections.abc import Iterable

from risk_actors.core.broker import Fill


class DayCounts:
    """Counts the entries and the trades begun in one trading day of one account."""

    def __init__(self) -> None:
        self.trades = 0
        self._entry_order_ids: set[int] = set()
        self._sizes: dict[str, int] = {}

    @property
    def entries(self) -> int:
        """Orders whose fills opened or increased a position."""
        return len(self._entry_order_ids)

    def start_from(self, sizes: dict[str, int]) -> None:
        """Take the signed size per contract that the day began with."""
        self._sizes = dict(sizes)

    def add(self, fill: Fill) -> None:
        """Count one fill; fills come in the order of their time."""
        before = self._sizes.get(fill.contract_id, 0)
        after = before + fill.signed_size
        self._sizes[fill.contract_id] = after
        if abs(after) > abs(before) or before * after < 0:
            self._entry_order_ids.add(fill.order_id)
        if after != 0 and (before == 0 or before * after < 0):
            self.trades += 1


def count_day(fills: Iterable[Fill], size_at_start: dict[str, int]) -> DayCounts:
    """Count a day from its fills in any order and the sizes it began with."""
    counts = DayCounts()
    counts.start_from(size_at_start)
    for fill in sorted(fills, key=lambda f: (f.at_ns, f.id)):
        counts.add(fill)
    return counts
