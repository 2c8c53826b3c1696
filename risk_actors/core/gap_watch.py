"""Whether somebody watched what an account was worth, and what is known of the time nobody did.

Rules that keep a high (a trailing floor, a profit that may be given back in part) see only what
was watched. Where the program did not run, or prices or fills were missing, for longer than a few
seconds, there is a gap: bars of prices are asked for, and the peak that they prove counts as if it
had been seen (I5). Until they are here the peak is not known, and is said not to be.

Some of it may never be known: what a position was entered at that was opened before the week's
first fill and has been closed since, or what a tick is worth of a contract that nobody knows. That
is said until the daily reset, and no longer: a gap that lies before the day ends with what is
certain. So does one that lies before the week, whose fills are not known any more.
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple

import msgspec

from risk_actors.core.bar_filter import SeenPrice, believed_bars
from risk_actors.core.broker import Bar, Fill
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.gap_peaks import Stretch, held_in, peak_usd, stretches, unknown_in
from risk_actors.core.instruments import Instrument, symbol_of
from risk_actors.core.pnl_state import Gap, PnlState
from risk_actors.core.position_math import Holding
from risk_actors.core.price_bounds import TickBounds, bounds_of
from risk_actors.core.trading_calendar import Window

SHORTEST_GAP_NS = 5 * NS_PER_S
"""P&L that is unknown for less than this is no gap: between two fills' rows it always is."""
ASK_AGAIN_AFTER_NS = 30 * NS_PER_S
"""Bars that did not come, or could not be read, are asked for again after this long."""
SHOWN_FOR_NS = 60 * NS_PER_S
"""A peak is shown for this long. By then the rules remember it; one that is made later begins anew,
for instance because the firm has reset the account, and has no part in it."""


_UNTIL_RESET = "and the daily reset ends the wait for it"

type InstrumentOf = Callable[[str], Instrument | None]


class WantedBars(NamedTuple):
    """Bars to ask for, in the broker's time."""

    contract_id: str
    window: Window


class _Asked(NamedTuple):
    window: Window
    at_ns: int
    bars: tuple[Bar, ...] | None = None
    failed: bool = False


class _Prices(NamedTuple):
    """What it takes to value the contracts held in a gap."""

    instruments: Mapping[str, Instrument]
    believed: Mapping[str, Mapping[Bar, Bar]]

    def peak_usd(self, course: tuple[Stretch, ...], window: Window) -> Decimal | None:
        bars = {contract_id: tuple(of) for contract_id, of in self.believed.items()}
        return peak_usd(course, window, bars, self.instruments, self.believed)


class GapWatch:
    """The watch over one account."""

    def __init__(
        self,
        watched_until_ns: int | None,
        stale_after_ns: int = 0,
        own_bounds: Mapping[str, TickBounds] = MappingProxyType({}),
    ) -> None:
        """Take until when an earlier run watched.

        Args:
            watched_until_ns: None where there was none: then nobody watched since the day began.
            stale_after_ns: for how long a price that nobody renews still counts.
            own_bounds: how far a price may go at once, by exchange symbol, where it is not as
                shipped.
        """
        self._own_bounds = own_bounds
        self._known_ns = watched_until_ns
        self._stale_after_ns = stale_after_ns
        self._gap: Gap | None = None
        self._is_new = True
        self._asked: dict[str, _Asked] = {}
        self._high_usd: Decimal | None = None
        self._day_high: tuple[int, Decimal] | None = None
        self._settled_ns = 0

    def observe(self, pnl: PnlState, now_ns: int) -> bool:
        """Take what is known of an account, at least once a second; tell whether a gap ended."""
        if now_ns - self._settled_ns >= SHOWN_FOR_NS:
            self._high_usd = self._day_high = None
        is_open = self._gap is not None and self._gap.until_ns is None
        if self._is_new:
            self._is_new = False
            self._open(pnl.day_start_ns if self._known_ns is None else self._known_ns)
        elif not is_open and now_ns - (self._known_ns or now_ns) >= SHORTEST_GAP_NS:
            self._open((self._known_ns or now_ns) - self._stale_after_ns)
        if pnl.balance_usd is None or pnl.unrealized_usd is None:
            return False
        self._known_ns = now_ns
        return self._gap is not None and self._close(now_ns)

    def missed(self, since_ns: int, now_ns: int) -> None:
        """Take that a fill was missed: from then on something else was watched than was held."""
        if not self._is_new and now_ns - since_ns >= SHORTEST_GAP_NS:
            self._open(since_ns)

    def settle(
        self, pnl: PnlState, fills: Iterable[Fill], instruments: InstrumentOf, now_ns: int
    ) -> tuple[WantedBars, ...]:
        """Settle a gap that ended, where all that it takes is here; return the bars to ask for."""
        gap = self._gap
        if gap is None or gap.until_ns is None or pnl.account_equity_usd is None:
            return ()
        course = _course(pnl, fills)
        if course is None:
            return ()
        window = _broker_window(gap, pnl)
        known = {c: i for c in held_in(course, window) if (i := instruments(c)) is not None}
        never = _unknown_today(course, _today(window, pnl), known)
        if never is not None:
            self._wait_for(never)
            return ()
        held = {c: span for c, span in held_in(course, window).items() if c in known}
        wanted = tuple(
            WantedBars(contract_id, span)
            for contract_id, span in held.items()
            if self._is_due(contract_id, now_ns)
        )
        for contract_id, span in wanted:
            before = self._asked.get(contract_id)
            self._asked[contract_id] = _Asked(span, now_ns, failed=bool(before and before.failed))
        missing = [contract_id for contract_id in held if self._asked[contract_id].bars is None]
        if missing:
            self._wait_for(self._words_of(missing))
        else:
            bars = {
                contract_id: self._believed(instrument, pnl, course, now_ns)
                for contract_id, instrument in known.items()
            }
            self._take_peak(pnl, course, window, _Prices(known, bars))
            self._settled_ns = now_ns
        return wanted

    def on_bars(self, contract_id: str, window: Window, bars: tuple[Bar, ...] | None) -> None:
        """Take an answer; one to a question of before is let go."""
        asked = self._asked.get(contract_id)
        if asked is not None and asked.window == window:
            self._asked[contract_id] = asked._replace(bars=bars, failed=bars is None)

    def show(self, pnl: PnlState) -> PnlState:
        """Return the P&L with what is known of the time that nobody watched."""
        day_high = self._day_high
        is_today = day_high is not None and day_high[0] == pnl.day_start_ns
        if self._gap is None and self._high_usd is None and not is_today:
            return pnl
        return msgspec.structs.replace(
            pnl,
            gap=self._gap,
            gap_high_usd=self._high_usd,
            gap_day_high_usd=day_high[1] if day_high is not None and is_today else None,
        )

    def _open(self, since_ns: int) -> None:
        """Begin a gap, or go on with the one that is not settled yet: as one, and asked anew."""
        gap = self._gap
        if gap is not None:
            since_ns = min(since_ns, gap.since_ns)
        if gap is None or (gap.since_ns, gap.until_ns) != (since_ns, None):
            self._gap = Gap(since_ns=since_ns, until_ns=None, why="nobody watches now")
            self._asked.clear()

    def _close(self, now_ns: int) -> bool:
        gap = self._gap
        if gap is None or gap.until_ns is not None:
            return False
        self._gap = msgspec.structs.replace(
            gap, until_ns=max(now_ns, gap.since_ns), why="the prices of then have yet to be read"
        )
        return True

    def _wait_for(self, why: str) -> None:
        if self._gap is not None and self._gap.why != why:
            self._gap = msgspec.structs.replace(self._gap, why=why)

    def _is_due(self, contract_id: str, now_ns: int) -> bool:
        asked = self._asked.get(contract_id)
        if asked is None:
            return True
        return asked.bars is None and abs(now_ns - asked.at_ns) >= ASK_AGAIN_AFTER_NS

    def _words_of(self, missing: list[str]) -> str:
        failed = [contract_id for contract_id in missing if self._asked[contract_id].failed]
        if failed:
            return f"the bars of {_symbols(failed)} cannot be read"
        return f"the bars of {_symbols(missing)} are being read"

    def _believed(
        self, instrument: Instrument, pnl: PnlState, course: Iterable[Stretch], now_ns: int
    ) -> dict[Bar, Bar]:
        """Return what is believed of a contract's bars, by its fills and the price of now."""
        contract_id = instrument.contract_id
        seen = {
            SeenPrice(fill.at_ns, fill.price)
            for stretch in course
            for fill in stretch.fills
            if fill.contract_id == contract_id
        }
        now_ns -= _clock_ahead_ns(pnl)
        seen.update(
            SeenPrice(now_ns, position.mark_price)
            for position in pnl.positions
            if position.contract_id == contract_id and position.mark_price is not None
        )
        bounds = bounds_of(instrument.symbol, self._own_bounds)
        asked = self._asked[contract_id]
        return believed_bars(asked.bars or (), seen, instrument.tick_size, bounds)

    def _take_peak(
        self,
        pnl: PnlState,
        course: tuple[Stretch, ...],
        window: Window,
        prices: _Prices,
    ) -> None:
        """Take the peak that is certain; what is not certain is not known to have been."""
        self._high_usd = _higher(self._high_usd, prices.peak_usd(course, window))
        start_usd = pnl.day_start_balance_usd
        today = _today(window, pnl)
        if start_usd is not None and today is not None:
            day_usd = prices.peak_usd(course, today)
            before = self._day_high
            known_usd = before[1] if before and before[0] == pnl.day_start_ns else None
            of_day_usd = _higher(known_usd, None if day_usd is None else day_usd - start_usd)
            if of_day_usd is not None:
                self._day_high = (pnl.day_start_ns, of_day_usd)
        self._gap = None
        self._asked.clear()


def _course(pnl: PnlState, fills: Iterable[Fill]) -> tuple[Stretch, ...] | None:
    if pnl.account is None or pnl.balance_usd is None:
        return None
    held = {
        position.contract_id: Holding(position.fills_size, position.fills_average_price)
        for position in pnl.account.positions
        if position.fills_size
    }
    return stretches(fills, held, pnl.balance_usd)


def _broker_window(gap: Gap, pnl: PnlState) -> Window:
    """Return the gap by the broker's clock, by which fills and bars are timed.

    Not before the first fill that may be known: what was held before that, and with what balance,
    cannot be told.
    """
    ahead_ns = _clock_ahead_ns(pnl)
    first_ns = min(pnl.day_start_ns, pnl.week_start_ns)
    until_ns = max((gap.until_ns or gap.since_ns) - ahead_ns, first_ns)
    return Window(max(gap.since_ns - ahead_ns, first_ns), until_ns)


def _clock_ahead_ns(pnl: PnlState) -> int:
    return 0 if pnl.account is None else pnl.account.clock_ahead_ns


def _today(window: Window, pnl: PnlState) -> Window | None:
    """Return the part of a window that lies in the trading day, or None."""
    start_ns = max(window.start_ns, pnl.day_start_ns)
    return Window(start_ns, window.end_ns) if start_ns <= window.end_ns else None


def _unknown_today(
    course: tuple[Stretch, ...], today: Window | None, instruments: Mapping[str, Instrument]
) -> str | None:
    """Return in words what is not known of the day and may never be, or None."""
    if today is None:
        return None
    lacking = [
        contract_id for contract_id in held_in(course, today) if contract_id not in instruments
    ]
    if lacking:
        return f"tick size and value of {_symbols(lacking)} are not known, {_UNTIL_RESET}"
    unknown = unknown_in(course, today)
    if unknown:
        return (
            f"{_symbols(unknown)} was opened before the week's first fill, at a price that is not"
            f" known, {_UNTIL_RESET}"
        )
    return None


def _symbols(contract_ids: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(symbol_of(contract_id) for contract_id in contract_ids))


def _higher(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)
