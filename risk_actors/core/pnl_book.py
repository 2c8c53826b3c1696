"""Day and week P&L of one account, from its fills, its positions and the marks.

Realised P&L moves by fills only, each counted once by id: gross profit less fees and commissions,
opening half-turns included. Unrealised P&L marks what the fills add up to at the price one would
exit at. While fills and the reported position differ, P&L is unknown rather than half counted.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple

import msgspec

from risk_actors.core.account_state import AccountState, OpenPosition
from risk_actors.core.balance_course import BalanceCourse
from risk_actors.core.broker import Fill
from risk_actors.core.instruments import Instrument
from risk_actors.core.marks import Marks
from risk_actors.core.money import ZERO
from risk_actors.core.pnl_state import PnlState, PositionPnl
from risk_actors.core.position_math import profit_usd
from risk_actors.core.same_parts import same_or_new
from risk_actors.core.trade_history import TradeHistory
from risk_actors.core.trading_calendar import TradingCalendar, Window


class PnlBook:
    """The P&L of one account."""

    def __init__(self, account_id: int, calendar: TradingCalendar, now_ns: int) -> None:
        self._account_id = account_id
        self._calendar = calendar
        self._day = calendar.day(now_ns)
        self._week = calendar.week(now_ns)
        self.ends_ns = min(self._day.end_ns, self._week.end_ns)
        """When another day or week begins."""
        self._fills: dict[int, Fill] = {}
        self._state: AccountState | None = None
        self._realized_usd = self._costs_usd = self._week_realized_usd = ZERO
        self._last_fill_ns = 0
        self._has_all_fills = False
        self._was_read_whole = False
        self._weeks_course = BalanceCourse(calendar)
        self._is_unpriced = False
        self._contracts: frozenset[str] = frozenset()
        self._priced: tuple[TradeHistory, Window] | None = None
        # What was valued last, and at which prices: most prices are those of before.
        self._marked: dict[str, _Marked] = {}
        self._last: PnlState | None = None
        self._all_fills: tuple[Fill, ...] | None = None

    @property
    def fills(self) -> tuple[Fill, ...]:
        """The fills of the day and the week, voided ones included."""
        if self._all_fills is None:
            self._all_fills = tuple(self._fills.values())
        return self._all_fills

    @property
    def contracts(self) -> frozenset[str]:
        """The contracts whose price moves this account."""
        return self._contracts

    def on_account(
        self, state: AccountState, fills: Iterable[Fill], *, after_snapshot: bool = True
    ) -> None:
        """Take the account's positions and the fills that are new or changed.

        Only after a snapshot are they all of them; a book that was made anew in the middle of a
        day knows nothing of it before.
        """
        if self._state is None or state.positions is not self._state.positions:
            self._contracts = frozenset([each.contract_id for each in state.positions])
        self._state = state
        self._last = None
        # While report and fills differ, a fill may look like a close that it is not.
        if state.is_settled:
            self._look_for_prices(state.history)
        self._has_all_fills = self._has_all_fills or after_snapshot
        self._was_read_whole = self._was_read_whole or (after_snapshot and state.has_all_fills)
        is_amended = False
        for fill in fills:
            before = self._fills.get(fill.id)
            if before == fill:
                continue
            if before is not None:
                self._add(before, -1)
                is_amended = True
            self._fills[fill.id] = fill
            self._all_fills = None
            self._last_fill_ns = max(self._last_fill_ns, fill.at_ns)
            self._add(fill, +1)
            if before is not None or not self._weeks_course.add(fill):
                self._weeks_course = BalanceCourse.of(self._fills.values(), self._calendar)
        if is_amended:
            self._last_fill_ns = self._newest_ns()

    def _look_for_prices(self, history: TradeHistory) -> None:
        """Find out whether the broker has told what every trade of the day made."""
        priced = self._priced
        if priced is None or priced[0] is not history or priced[1] is not self._day:
            self._is_unpriced = history.is_unpriced_since(self._day.start_ns)
            self._priced = (history, self._day)

    def missed_since_ns(self, fills: Iterable[Fill]) -> int | None:
        """Return when the oldest fill came that a snapshot brings and nobody told, or None.

        What the first whole snapshot brings was not missed: nothing was counted without it.
        """
        if not self._was_read_whole:
            return None
        since_ns = self._since_ns()
        missed = (f.at_ns for f in fills if f.id not in self._fills and f.at_ns >= since_ns)
        return min(missed, default=None)

    def keep_only(self, fills: Iterable[Fill]) -> None:
        """Take out every fill but these: the broker lists the others no longer."""
        listed = {fill.id for fill in fills}
        gone = [fill for fill in self._fills.values() if fill.id not in listed]
        self._last = self._all_fills = None
        for fill in gone:
            self._add(fill, -1)
            del self._fills[fill.id]
        if gone:
            self._last_fill_ns = self._newest_ns()
            self._weeks_course = BalanceCourse.of(self._fills.values(), self._calendar)

    def on_clock(self, now_ns: int) -> bool:
        """Move on to the day and week of an instant; tell whether either began anew.

        Never back: a reset that is told late finds a later day and leaves it.
        """
        if now_ns < self.ends_ns:
            return False
        self._day, self._week = self._calendar.day(now_ns), self._calendar.week(now_ns)
        self.ends_ns = min(self._day.end_ns, self._week.end_ns)
        self._last = self._all_fills = None
        since_ns = self._since_ns()
        self._fills = {i: fill for i, fill in self._fills.items() if fill.at_ns >= since_ns}
        self._realized_usd = self._costs_usd = self._week_realized_usd = ZERO
        for fill in self._fills.values():
            self._add(fill, +1)
        self._weeks_course = BalanceCourse.of(self._fills.values(), self._calendar)
        return True

    def _since_ns(self) -> int:
        return min(self._day.start_ns, self._week.start_ns)

    def _newest_ns(self) -> int:
        return max((fill.at_ns for fill in self._fills.values()), default=0)

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
            and not self._is_unpriced
        )

    def _why_unknown(self) -> str:
        if self._is_unpriced:
            return "the broker has not told the profit of a close"
        return "the day's fills have not been read yet"

    @property
    def day(self) -> Window:
        """The trading day that the figures belong to."""
        return self._day

    def pnl(self, marks: Marks, now_ns: int) -> PnlState:
        """Return the P&L at the marks."""
        state, last = self._state, self._last
        positions = self._valued(marks, now_ns)
        if last is not None and positions is last.positions:
            return last
        known = self._is_known()
        unknown = None
        for position in positions:
            if position.unknown_reason:
                unknown = position.unknown_reason
                break
        if state is not None:
            unknown = _unsettled(state) or unknown
        if self._last_fill_ns >= self._day.end_ns:
            unknown = "fills of the next trading day have come already"
        total: Decimal | None = None
        if known and unknown is None:
            total = sum([p.unrealized_usd or ZERO for p in positions], ZERO)
        if last is not None:
            # Only prices moved.
            self._last = msgspec.structs.replace(
                last,
                positions=positions,
                unrealized_usd=total,
                unknown_reason=unknown if known else self._why_unknown(),
            )
            return self._last
        balance_usd = state.balance_by_fills_usd if state is not None and known else None
        # A day's counters come with the account; before it crossed the reset they are yesterday's.
        is_today = state is not None and state.day_start_ns == self._day.start_ns
        self._last = PnlState(
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
            unknown_reason=unknown if known else self._why_unknown(),
            account=state,
            balance_usd=balance_usd,
            balance_high_usd=self._weeks_course.high_usd(balance_usd),
            closings=self._weeks_course.closings(balance_usd, before_ns=self._day.start_ns),
        )
        return self._last

    def _valued(self, marks: Marks, now_ns: int) -> tuple[PositionPnl, ...]:
        """Return the positions at the marks; the very ones of before where no price moved."""
        if self._state is None:
            return ()
        positions = self._state.positions
        valued = tuple([self._mark(position, marks, now_ns) for position in positions])
        return valued if self._last is None else same_or_new(self._last.positions, valued)

    def _mark(self, position: OpenPosition, marks: Marks, now_ns: int) -> PositionPnl:
        if not position.is_settled:
            return _unknown(position, f"{position.symbol}: fills and reported position differ")
        contract_id = position.contract_id
        instrument = marks.instrument(contract_id)
        if instrument is None:
            return _unknown(position, f"{position.symbol}: tick size and value are not known")
        price = marks.exit_price(contract_id, position.fills_size, now_ns)
        before = self._marked.get(contract_id)
        if (
            before is not None
            and before.position is position
            and before.instrument is instrument
            and before.price == price
        ):
            return before.pnl
        pnl = _marked_at(price, position, instrument)
        self._marked[contract_id] = _Marked(position, instrument, price, pnl)
        return pnl


class _Marked(NamedTuple):
    """A position that was valued, and at what."""

    position: OpenPosition
    instrument: Instrument
    price: Decimal | str
    pnl: PositionPnl


def _unsettled(state: AccountState) -> str | None:
    if state.awaited:
        return f"fills in {', '.join(state.awaited)} have not come yet"
    return state.distrusted


def _marked_at(price: Decimal | str, position: OpenPosition, instrument: Instrument) -> PositionPnl:
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
