"""Trades and entries counted anew from the whole list of fills, contract by contract, lot by lot.

It shares no code with the ledger: fractions instead of decimals, lots instead of fills, and the
whole list instead of a running count.
"""

from collections.abc import Iterable, Mapping
from fractions import Fraction

from risk_actors.core.broker import Fill
from risk_actors.core.lock import LockSpan

type Moment = tuple[int, int]
"""Broker time of a fill, and its id where two are of one instant."""


class NaiveTrade:
    """A round trip."""

    def __init__(self, fill: Fill, *, under_lock: bool) -> None:
        self.contract = fill.contract_id
        self.begun: Moment = (fill.at_ns, fill.id)
        self.ended: Moment | None = None
        self.under_lock = under_lock
        self.lots: list[int] = []
        """The order that each open lot is of."""
        self.peak = 0
        self.costs = Fraction(0)
        self.profits: dict[int, Fraction | None] = {}
        self.moves: list[tuple[int, bool]] = []
        """Each lot traded: its order, and whether it entered."""

    @property
    def net(self) -> Fraction | None:
        known = [profit for profit in self.profits.values() if profit is not None]
        return sum(known, -self.costs) if len(known) == len(self.profits) else None

    def left_without(self, orders: set[int]) -> int:
        """Return what may stay if these orders should not have been; exits take them first."""
        lots: list[bool] = []
        for order, enters in self.moves:
            if enters:
                lots.append(order in orders)
            else:
                lots.remove(True in lots)
        return lots.count(False)


class NaiveEntry:
    """An order that opened or added."""

    def __init__(self, fill: Fill, *, under_lock: bool) -> None:
        self.order = fill.order_id
        self.contract = fill.contract_id
        self.made: Moment = (fill.at_ns, fill.id)
        self.size = 0
        self.under_lock = under_lock


class NaiveHistory:
    """Everything that was traded, from the fills that are known."""

    def __init__(
        self, fills: Iterable[Fill], seen_ns: Mapping[int, int], locks: Iterable[LockSpan]
    ) -> None:
        self.trades: list[NaiveTrade] = []
        self.entries: dict[int, NaiveEntry] = {}
        self.counting_fills: list[tuple[Moment, int]] = []
        """When, and of which order."""
        spans = list(locks)
        in_time = sorted((f for f in fills if not f.voided), key=lambda f: (f.at_ns, f.id))
        for contract in sorted({fill.contract_id for fill in in_time}):
            position, trade = 0, None
            for fill in (f for f in in_time if f.contract_id == contract):
                locked = any(_covers(span, contract, seen_ns[fill.id]) for span in spans)
                counts = False
                for _ in range(fill.size):
                    side = 1 if fill.signed_size > 0 else -1
                    enters = position * side >= 0
                    if enters:
                        counts = counts or not locked
                        if trade is None:
                            trade = NaiveTrade(fill, under_lock=locked)
                            self.trades.append(trade)
                        entry = self.entries.setdefault(
                            fill.order_id, NaiveEntry(fill, under_lock=locked)
                        )
                        entry.size += 1
                    assert trade is not None
                    trade.moves.append((fill.order_id, enters))
                    trade.costs += Fraction(fill.costs_usd) / fill.size
                    position += side
                    trade.peak = max(trade.peak, abs(position))
                    if not enters:
                        counts = counts or not trade.under_lock
                        profit = fill.profit_usd
                        trade.profits[fill.id] = None if profit is None else Fraction(profit)
                    if position == 0:
                        trade.ended = (fill.at_ns, fill.id)
                        trade = None
                if counts:
                    self.counting_fills.append(((fill.at_ns, fill.id), fill.order_id))
        self.counting_fills.sort()

    @property
    def counted_trades(self) -> list[NaiveTrade]:
        """The trades that were not opened under a lock, in the order of their beginning."""
        return sorted((t for t in self.trades if not t.under_lock), key=lambda t: t.begun)

    @property
    def counted_entries(self) -> list[NaiveEntry]:
        return sorted((e for e in self.entries.values() if not e.under_lock), key=lambda e: e.made)

    @property
    def ended_trades(self) -> list[NaiveTrade]:
        """The closed trades that count, in the order of their end."""
        return sorted(
            (t for t in self.counted_trades if t.ended is not None), key=lambda t: t.ended or (0, 0)
        )


def _covers(span: LockSpan, contract: str, at_ns: int) -> bool:
    if span.contract_id not in (None, contract) or at_ns < span.since_ns:
        return False
    return span.until_ns is None or at_ns < span.until_ns


def cents(amount: Fraction) -> int:
    """Return an amount in cents, half a cent away from zero."""
    size = int(abs(amount) * 100 + Fraction(1, 2))
    return size if amount >= 0 else -size
