"""Entries and trades, counted from fills in the order of their time."""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

import msgspec

from risk_actors.core.broker import Fill, Side
from risk_actors.core.lock import LockSpan
from risk_actors.core.money import ZERO
from risk_actors.core.trade_history import Entry, Trade, TradeHistory


class SeenBefore(NamedTuple):
    """When an earlier run saw a fill come. A broker may give an id again, but not with its time."""

    at_ns: int
    """The fill's own time."""
    seen_ns: int


class SeenFill(msgspec.Struct, frozen=True):
    """A fill, and when it happened by our clock, by which locks are timed."""

    fill: Fill
    seen_ns: int
    """When it was pushed; for one read later from the broker, the broker's own time."""
    symbol: str


class _OpenTrade:
    """A trade under way."""

    __slots__ = ("changes", "costs_usd", "first", "gross_usd", "peak_size", "side", "size_before")

    def __init__(self, seen: SeenFill, side: Side, size_before: int) -> None:
        self.first = seen
        self.side = side
        self.size_before = self.peak_size = size_before
        self.gross_usd: Decimal | None = ZERO
        self.costs_usd = ZERO
        self.changes: list[tuple[int, int]] = []

    def shown(self, *, under_lock: bool, closing: Fill | None = None) -> Trade:
        gross_usd, first = self.gross_usd, self.first.fill
        return Trade(
            contract_id=first.contract_id,
            symbol=self.first.symbol,
            side=self.side,
            opened_ns=first.at_ns,
            closed_ns=None if closing is None else closing.at_ns,
            peak_size=self.peak_size,
            net_usd=None if gross_usd is None else gross_usd - self.costs_usd,
            under_lock=under_lock,
            size_before=self.size_before,
            first_fill_id=first.id,
            last_fill_id=0 if closing is None else closing.id,
            changes=tuple(self.changes) if closing is None else (),
        )


class TradeLedger:
    """The history of one account; `add` takes fills in the order of their time."""

    def __init__(
        self, sizes_before: dict[str, int] | None = None, locks: Iterable[LockSpan] = ()
    ) -> None:
        """Take the signed size per contract before the first fill, and when locks were in force."""
        self._sizes = dict(sizes_before or {})
        self._locks = tuple(locks)
        self._entries: dict[int, Entry] = {}
        self._closed: list[Trade] = []
        self._shown_closed: tuple[Trade, ...] = ()
        self._open: dict[str, _OpenTrade] = {}
        self._under_lock: set[str] = set()
        self._fill_times_ns: list[int] = []
        self._history: TradeHistory | None = None

    @classmethod
    def counted(
        cls,
        fills: Iterable[SeenFill],
        sizes_before: dict[str, int] | None = None,
        locks: Iterable[LockSpan] = (),
    ) -> "TradeLedger":
        """Count fills that come in any order."""
        ledger = cls(sizes_before, locks)
        for seen in sorted(fills, key=lambda s: (s.fill.at_ns, s.fill.id)):
            ledger.add(seen)
        return ledger

    def add(self, seen: SeenFill) -> None:
        """Count one fill."""
        fill = seen.fill
        self._history = None
        before = self._sizes.get(fill.contract_id, 0)
        self._sizes[fill.contract_id] = before + fill.signed_size
        closing = 0 if before * fill.signed_size >= 0 else min(abs(before), fill.size)
        opening = fill.size - closing
        # What a reversal cost is split over both trades by size; nothing of it is lost.
        closing_usd = fill.costs_usd * closing / fill.size if opening else fill.costs_usd
        counts = False
        if closing:
            counts = self._close(seen, closing, before, closing_usd)
            before = 0 if opening else before
        if opening:
            opening_usd = fill.costs_usd - closing_usd if closing else fill.costs_usd
            counts |= self._enter(seen, opening, before, opening_usd)
        if counts:
            self._fill_times_ns.append(fill.at_ns)

    def _close(self, seen: SeenFill, size: int, before: int, costs_usd: Decimal) -> bool:
        """Take a part or all off a trade; tell whether the fill counts for that."""
        fill = seen.fill
        trade = self._trade(seen, before)
        trade.changes.append((fill.order_id, -size))
        trade.costs_usd += costs_usd
        gross_usd = trade.gross_usd
        trade.gross_usd = (
            None if fill.profit_usd is None or gross_usd is None else gross_usd + fill.profit_usd
        )
        under_lock = fill.contract_id in self._under_lock
        if size == abs(before):
            del self._open[fill.contract_id]
            self._under_lock.discard(fill.contract_id)
            self._closed.append(trade.shown(under_lock=under_lock, closing=fill))
        return not under_lock

    def _enter(self, seen: SeenFill, size: int, before: int, costs_usd: Decimal) -> bool:
        """Open or add to a trade; tell whether the fill counts for that."""
        fill = seen.fill
        under_lock = any(span.covers(fill.contract_id, seen.seen_ns) for span in self._locks)
        if before == 0 and under_lock:
            self._under_lock.add(fill.contract_id)
        trade = self._trade(seen, before)
        trade.changes.append((fill.order_id, size))
        trade.costs_usd += costs_usd
        trade.peak_size = max(trade.peak_size, abs(before) + size)
        entry = self._entries.get(fill.order_id)
        self._entries[fill.order_id] = (
            Entry(
                order_id=fill.order_id,
                contract_id=fill.contract_id,
                symbol=seen.symbol,
                side=fill.side,
                size=size,
                at_ns=fill.at_ns,
                opened_trade=before == 0,
                under_lock=under_lock,
                first_fill_id=fill.id,
                fill_number=None if under_lock else len(self._fill_times_ns),
            )
            if entry is None
            else msgspec.structs.replace(entry, size=entry.size + size)
        )
        return not under_lock

    def _trade(self, seen: SeenFill, before: int) -> _OpenTrade:
        """Return the trade under way, begun by this fill or (`before`) by none that is known."""
        fill = seen.fill
        trade = self._open.get(fill.contract_id)
        if trade is None:
            side = fill.side if before == 0 else Side.BUY if before > 0 else Side.SELL
            trade = self._open[fill.contract_id] = _OpenTrade(seen, side, abs(before))
        return trade

    def history(self) -> TradeHistory:
        """Return what was counted."""
        if self._history is None:
            # A part that has not changed is shown as the same object, by which rules know it again.
            if len(self._shown_closed) != len(self._closed):
                self._shown_closed = tuple(self._closed)
            self._history = TradeHistory(
                entries=tuple(self._entries.values()),
                closed=self._shown_closed,
                open=tuple(
                    trade.shown(under_lock=contract_id in self._under_lock)
                    for contract_id, trade in self._open.items()
                ),
                fill_times_ns=tuple(self._fill_times_ns),
            )
        return self._history
