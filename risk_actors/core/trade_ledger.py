"""Entries and trades, counted from fills in the order of their time."""

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from risk_actors.core.broker import Fill, Side
from risk_actors.core.lock import LockSpan
from risk_actors.core.money import ZERO
from risk_actors.core.trade_history import Entry, Trade, TradeHistory


class SeenFill(msgspec.Struct, frozen=True):
    """A fill, and when it happened by our clock, by which locks are timed."""

    fill: Fill
    seen_ns: int
    """When it was pushed; for one read later from the broker, the broker's own time."""
    symbol: str


class _OpenTrade:
    """A trade under way."""

    __slots__ = ("costs_usd", "gross_usd", "opened_ns", "peak_size", "side", "symbol", "under_lock")

    def __init__(self, seen: SeenFill, *, under_lock: bool) -> None:
        self.symbol = seen.symbol
        self.side = seen.fill.side
        self.opened_ns = seen.fill.at_ns
        self.under_lock = under_lock
        self.peak_size = 0
        self.gross_usd: Decimal | None = ZERO
        self.costs_usd = ZERO

    def shown(self, contract_id: str, closed_ns: int | None = None) -> Trade:
        gross_usd = self.gross_usd
        return Trade(
            contract_id=contract_id,
            symbol=self.symbol,
            side=self.side,
            opened_ns=self.opened_ns,
            closed_ns=closed_ns,
            peak_size=self.peak_size,
            net_usd=None if gross_usd is None else gross_usd - self.costs_usd,
            under_lock=self.under_lock,
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
        self._open: dict[str, _OpenTrade] = {}
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
        after = self._sizes[fill.contract_id] = before + fill.signed_size
        is_opening = before * fill.signed_size >= 0
        closing = 0 if is_opening else min(abs(before), fill.size)
        opening = fill.size - closing
        trade = self._open.get(fill.contract_id)
        if closing:
            self._close(seen, closing, before, is_flat=before * after <= 0)
        if opening:
            trade = self._enter(seen, opening, began=before * after <= 0)
            trade.peak_size = max(trade.peak_size, abs(after))
        if trade is None or not trade.under_lock:
            self._fill_times_ns.append(fill.at_ns)

    def _close(self, seen: SeenFill, size: int, before: int, *, is_flat: bool) -> None:
        fill = seen.fill
        trade = self._open.get(fill.contract_id)
        if trade is None:
            # Opened before any fill that is known; its own side is the other one.
            trade = self._open[fill.contract_id] = _OpenTrade(seen, under_lock=False)
            trade.side = Side.SELL if fill.side is Side.BUY else Side.BUY
        trade.peak_size = max(trade.peak_size, abs(before))
        trade.costs_usd += _share(fill, size)
        gross_usd = trade.gross_usd
        trade.gross_usd = (
            None if fill.profit_usd is None or gross_usd is None else gross_usd + fill.profit_usd
        )
        if is_flat:
            del self._open[fill.contract_id]
            self._closed.append(trade.shown(fill.contract_id, fill.at_ns))

    def _enter(self, seen: SeenFill, size: int, *, began: bool) -> _OpenTrade:
        fill = seen.fill
        under_lock = any(span.covers(fill.contract_id, seen.seen_ns) for span in self._locks)
        trade = self._open.get(fill.contract_id)
        if trade is None:
            trade = self._open[fill.contract_id] = _OpenTrade(seen, under_lock=under_lock)
        trade.costs_usd += _share(fill, size)
        entry = self._entries.get(fill.order_id)
        self._entries[fill.order_id] = (
            Entry(
                order_id=fill.order_id,
                contract_id=fill.contract_id,
                symbol=seen.symbol,
                side=fill.side,
                size=size,
                at_ns=fill.at_ns,
                opened_trade=began,
                under_lock=under_lock,
            )
            if entry is None
            else msgspec.structs.replace(entry, size=entry.size + size)
        )
        return trade

    def history(self) -> TradeHistory:
        """Return what was counted."""
        if self._history is None:
            self._history = TradeHistory(
                entries=tuple(self._entries.values()),
                closed=tuple(self._closed),
                open=tuple(trade.shown(cid) for cid, trade in self._open.items()),
                fill_times_ns=tuple(self._fill_times_ns),
            )
        return self._history


def _share(fill: Fill, size: int) -> Decimal:
    """Return the costs of a part of a fill; a reversal's are split over both trades by size."""
    return fill.costs_usd if size == fill.size else fill.costs_usd * size / fill.size
