"""Day and week P&L of one account, from its fills, its positions and the marks.

Realised P&L moves by fills only, each counted once by id: gross profit less fees and commissions,
opening half-turns included. Unrealised P&L marks what the fills add up to at the price one would
exit at. While fills and the reported position differ, P&L is unknown rather than half counted.
"""

from collections.abc import Iterable
from decimal import Decimal

from risk_actors.core.account_state import AccountState, OpenPosition
from risk_actors.core.broker import Fill, Quote
from risk_actors.core.instruments import Instrument, catalogued_instrument
from risk_actors.core.market_hours import is_market_open
from risk_actors.core.money import ZERO
from risk_actors.core.pnl_state import PnlState, PositionPnl
from risk_actors.core.position_math import profit_usd
from risk_actors.core.trading_calendar import TradingCalendar, Window


class Marks:
    """The latest price of each contract, and the instruments' ticks."""

    def __init__(self, stale_after_ns: int) -> None:
        self._stale_after_ns = stale_after_ns
        self._quotes: dict[str, Quote] = {}
        self._instruments: dict[str, Instrument] = {}
        self.impossible = 0
        """Quotes dropped because no market can show them."""

    def on_quote(self, quote: Quote) -> bool:
        """Take a quote; tell whether it is possible at all.

        A price that is not finite or not positive or a crossed book is dropped and counted.
        """
        prices = (quote.bid, quote.ask, quote.last)
        if any(price is not None and not (price.is_finite() and price > 0) for price in prices) or (
            quote.bid is not None and quote.ask is not None and quote.bid > quote.ask
        ):
            self.impossible += 1
            return False
        self._quotes[quote.contract_id] = quote
        return True

    def on_instrument(self, instrument: Instrument) -> None:
        """Take a contract's ticks as the broker states them."""
        self._instruments[instrument.contract_id] = instrument

    def instrument(self, contract_id: str) -> Instrument | None:
        """Return a contract's ticks: the broker's word, else the catalogue's."""
        known = self._instruments.get(contract_id)
        if known is None:
            known = catalogued_instrument(contract_id)
            if known is not None:
                self._instruments[contract_id] = known
        return known

    def exit_price(self, contract_id: str, size: int, now_ns: int) -> Decimal | str:
        """Return the price a signed size would exit at, or in words why it is unknown.

        A long exits at the bid and a short at the ask; the last price stands in for a missing
        side. In a closed market the last known price stands.
        """
        quote = self._quotes.get(contract_id)
        if quote is None:
            return "no price yet"
        side = quote.bid if size > 0 else quote.ask
        price = quote.last if side is None else side
        if price is None:
            return "no price on the side to exit at"
        if now_ns - quote.at_ns > self._stale_after_ns and is_market_open(now_ns):
            return "the last price is stale"
        return price


class PnlBook:
    """The P&L of one account."""

    def __init__(self, account_id: int, calendar: TradingCalendar, now_ns: int) -> None:
        self._account_id = account_id
        self._calendar = calendar
        self._day = calendar.day(now_ns)
        self._week = calendar.week(now_ns)
        self._fills: dict[int, Fill] = {}
        self._state: AccountState | None = None
        self._realized_usd = self._costs_usd = self._week_realized_usd = ZERO
        self._last_fill_ns = 0
        self._has_all_fills = False

    @property
    def contracts(self) -> frozenset[str]:
        """The contracts whose price moves this account."""
        if self._state is None:
            return frozenset()
        return frozenset(position.contract_id for position in self._state.positions)

    def on_account(
        self, state: AccountState, fills: Iterable[Fill], *, after_snapshot: bool = True
    ) -> None:
        """Take the account's positions and the fills that are new or changed.

        Only after a snapshot are they all of them; a book that was made anew in the middle of a
        day knows nothing of it before.
        """
        self._state = state
        self._has_all_fills = self._has_all_fills or after_snapshot
        for fill in fills:
            before = self._fills.get(fill.id)
            if before is not None:
                self._add(before, -1)
            self._fills[fill.id] = fill
            self._last_fill_ns = max(self._last_fill_ns, fill.at_ns)
            self._add(fill, +1)

    def on_clock(self, now_ns: int) -> bool:
        """Move on to the day and week of an instant; tell whether either began anew."""
        day, week = self._calendar.day(now_ns), self._calendar.week(now_ns)
        if (day, week) == (self._day, self._week):
            return False
        self._day, self._week = day, week
        since_ns = min(day.start_ns, week.start_ns)
        self._fills = {i: fill for i, fill in self._fills.items() if fill.at_ns >= since_ns}
        self._realized_usd = self._costs_usd = self._week_realized_usd = ZERO
        for fill in self._fills.values():
            self._add(fill, +1)
        return True

    def _add(self, fill: Fill, times: int) -> None:
        if fill.voided:
            return
        if self._day.contains(fill.at_ns):
            self._realized_usd += times * fill.net_usd
            self._costs_usd += times * fill.costs_usd
        if self._week.contains(fill.at_ns):
            self._week_realized_usd += times * fill.net_usd

    def _is_known(self) -> bool:
        state = self._state
        return (
            state is not None
            and state.is_reconciled
            and state.has_all_fills
            and self._has_all_fills
        )

    @property
    def day(self) -> Window:
        """The trading day that the figures belong to."""
        return self._day

    def pnl(self, marks: Marks, now_ns: int) -> PnlState:
        """Return the P&L at the marks."""
        state = self._state
        known = self._is_known()
        open_positions = () if state is None else state.positions
        positions = tuple(_mark(position, marks, now_ns) for position in open_positions)
        unknown = next((p.unknown_reason for p in positions if p.unknown_reason), None)
        if state is not None:
            unknown = _unsettled(state) or unknown
        if self._last_fill_ns >= self._day.end_ns:
            unknown = "fills of the next trading day have come already"
        total: Decimal | None = None
        if known and unknown is None:
            total = sum((p.unrealized_usd or ZERO for p in positions), ZERO)
        # A day's counters come with the account; before it crossed the reset they are yesterday's.
        is_today = state is not None and state.day_start_ns == self._day.start_ns
        return PnlState(
            account_id=self._account_id,
            day_start_ns=self._day.start_ns,
            week_start_ns=self._week.start_ns,
            realized_usd=self._realized_usd if known else None,
            costs_usd=self._costs_usd,
            week_realized_usd=self._week_realized_usd if known else None,
            unrealized_usd=total,
            trades=state.trades if state is not None and is_today else 0,
            entries=state.entries if state is not None and is_today else 0,
            positions=positions,
            unknown_reason=unknown if known else "the day's fills have not been read yet",
        )


def _unsettled(state: AccountState) -> str | None:
    if state.awaited:
        return f"fills in {', '.join(state.awaited)} have not come yet"
    return state.distrusted


def _mark(position: OpenPosition, marks: Marks, now_ns: int) -> PositionPnl:
    if not position.is_settled:
        return _unknown(position, f"{position.symbol}: fills and reported position differ")
    instrument = marks.instrument(position.contract_id)
    if instrument is None:
        return _unknown(position, f"{position.symbol}: tick size and value are not known")
    price = marks.exit_price(position.contract_id, position.fills_size, now_ns)
    if isinstance(price, str):
        return _unknown(position, f"{position.symbol}: {price}")
    return PositionPnl(
        contract_id=position.contract_id,
        mark_price=price,
        unrealized_usd=profit_usd(
            size=position.fills_size,
            entry_price=position.fills_average_price,
            exit_price=price,
            instrument=instrument,
        ),
    )


def _unknown(position: OpenPosition, reason: str) -> PositionPnl:
    return PositionPnl(
        contract_id=position.contract_id,
        unrealized_usd=None,
        mark_price=None,
        unknown_reason=reason,
    )
