"""The P&L actor: marks, and the profit and loss of every account."""

import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from risk_actors import messages as m
from risk_actors.core.balance_check import BalanceCheck, DayOpening
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.gap_watch import GapWatch
from risk_actors.core.instruments import Instrument
from risk_actors.core.market_calendar import MarketCalendar
from risk_actors.core.marks import SHIPPED_TERMS, Marks, MarkTerms
from risk_actors.core.pnl_book import PnlBook
from risk_actors.core.pnl_state import PnlState
from risk_actors.core.trading_calendar import TradingCalendar, Window
from risk_actors.runtime.actor import Actor, ActorContext
from risk_actors.runtime.control import Control, Resync

LOOK_FOR_STALE_EVERY_NS = 1 * NS_PER_S
LOOKED_AT_A_TICK = 50
"""Accounts; the rest come with the next ticks, for what is urgent waits until a tick is worked off.
Of more than `LOOKED_AT_IN_TICKS` times as many it takes more with each, to be through by then."""
LOOKED_AT_IN_TICKS = 10


class PnlActor(Actor):
    """Values every account at the marks; tells when a figure changed or became unknown."""

    kind = "pnl"
    receives = frozenset(
        {
            m.AccountUpdated,
            m.QuoteReported,
            m.InstrumentResolved,
            m.BarsReported,
            m.DailyReset,
            m.WeeklyReset,
            m.Tick,
        }
    )
    sends = frozenset({m.PnlUpdated, m.PricesJudged, m.DayOpened, m.BalanceChecked, m.RequestBars})

    def __init__(
        self,
        context: ActorContext,
        *,
        account_ids: Iterable[int],
        calendar: TradingCalendar,
        quote_stale_after_ns: int,
        mark_terms: MarkTerms = SHIPPED_TERMS,
        market: MarketCalendar | None = None,
        openings: Mapping[int, DayOpening] = MappingProxyType({}),
        watched_until_ns: Mapping[int, int] = MappingProxyType({}),
        instruments: dict[str, Instrument] | None = None,
    ) -> None:
        """Take the accounts, and what an earlier run knew: openings, and until when it watched.

        `instruments` is where the broker's are kept that outlive this actor; they are told once.
        """
        super().__init__(context)
        now_ns = self.clock.now_ns()
        self._marks = Marks(quote_stale_after_ns, mark_terms, market)
        self._instruments = {} if instruments is None else instruments
        for instrument in self._instruments.values():
            self._marks.on_instrument(instrument)
        self._books: Mapping[int, PnlBook] = {
            account_id: PnlBook(account_id, calendar, now_ns) for account_id in account_ids
        }
        self._places = {account_id: place for place, account_id in enumerate(self._books)}
        self._holders: dict[str, tuple[int, ...]] = {}
        """By contract, the accounts that have a position in it, in the order of all accounts."""
        self._told: dict[int, PnlState] = {}
        self._checks = {
            account_id: BalanceCheck(openings.get(account_id)) for account_id in self._books
        }
        self._watches = {
            account_id: GapWatch(
                watched_until_ns.get(account_id), quote_stale_after_ns, mark_terms.own_bounds
            )
            for account_id in self._books
        }
        self._looked_ns = 0
        self._to_look: list[int] = []
        """Accounts of this round that were not looked at yet, the next one last."""
        self._a_tick = max(LOOKED_AT_A_TICK, math.ceil(len(self._books) / LOOKED_AT_IN_TICKS))
        self._judged = self._marks.counts()

    def handle(self, message: Any) -> None:
        """Move the books and the marks."""
        now_ns = self.clock.now_ns()
        match message:
            case m.QuoteReported():
                if self._marks.on_quote(message.quote, now_ns):
                    self._tell_holders(message.quote.contract_id, message, now_ns)
            case m.AccountUpdated():
                self._on_account(message, now_ns)
            case m.Tick():
                self._on_tick(message, now_ns)
            case m.InstrumentResolved():
                self._instruments[message.instrument.contract_id] = message.instrument
                self._marks.on_instrument(message.instrument)
                self._tell_holders(message.instrument.contract_id, message, now_ns)
            case m.BarsReported():
                self._on_bars(message, now_ns)
            case m.DailyReset():
                self._begin(message.day_start_ns, message, now_ns)
            case m.WeeklyReset():
                self._begin(message.week_start_ns, message, now_ns)

    def handle_control(self, message: Control) -> None:
        """Tell every figure anew with the next look, whoever missed the last one."""
        if isinstance(message, Resync):
            self._told.clear()

    def _on_account(self, message: m.AccountUpdated, now_ns: int) -> None:
        state = message.state
        for position in state.positions:
            self._marks.on_entry_price(position.contract_id, position.average_price)
        book, watch = self._books[state.account_id], self._watches[state.account_id]
        if message.after_snapshot:
            missed_ns = book.missed_since_ns(message.fills)
            if missed_ns is not None:
                watch.missed(missed_ns + state.clock_ahead_ns, now_ns)
        if message.after_snapshot and state.has_all_fills:
            book.keep_only(message.fills)
        held = book.contracts
        book.on_account(state, message.fills, after_snapshot=message.after_snapshot)
        if book.contracts is not held:
            self._note_holder(state.account_id, held, book.contracts)
        self._tell(state.account_id, message.event, now_ns)
        if isinstance(message.event, m.AccountSnapshot) and message.event.account_read:
            self._check_balance(message.event, now_ns)

    def _check_balance(self, snapshot: m.AccountSnapshot, now_ns: int) -> None:
        """Compare the day's P&L with the change of the balance; tell where the result is news."""
        account_id = snapshot.account_id
        pnl = self._books[account_id].pnl(self._marks, now_ns)
        checked = self._checks[account_id].reconcile(pnl, snapshot.asked_ns)
        if checked is not None:
            self.outbox.send(
                m.BalanceChecked(
                    correlation_id=snapshot.correlation_id,
                    at_ns=now_ns,
                    account_id=account_id,
                    day_start_ns=checked.day_start_ns,
                    expected_usd=checked.expected_usd,
                    told_usd=checked.told_usd,
                )
            )

    def _on_bars(self, message: m.BarsReported, now_ns: int) -> None:
        asked = Window(message.since_ns, message.until_ns)
        self._watches[message.account_id].on_bars(message.contract_id, asked, message.bars)
        self._tell(message.account_id, message, now_ns, settles_gap=True)

    def _on_tick(self, tick: m.Tick, now_ns: int) -> None:
        for contract_id in self._marks.on_tick(now_ns):
            self._tell_holders(contract_id, tick, now_ns)
        if not self._to_look and now_ns - self._looked_ns >= LOOK_FOR_STALE_EVERY_NS:
            self._looked_ns = now_ns
            self._to_look = list(reversed(list(self._books)))
        if self._to_look:
            for _ in range(min(self._a_tick, len(self._to_look))):
                self._tell(self._to_look.pop(), tick, now_ns, settles_gap=True)
            if not self._to_look:
                self._tell_judged(tick, now_ns)

    def _tell_judged(self, tick: m.Tick, now_ns: int) -> None:
        figures = self._marks.counts()
        if figures != self._judged:
            self._judged = figures
            self.outbox.send(
                m.PricesJudged(correlation_id=tick.correlation_id, at_ns=now_ns, figures=figures)
            )

    def _begin(self, at_ns: int, event: m.Message, now_ns: int) -> None:
        for account_id in self._books:
            self._advance(account_id, at_ns)
        self._tell_all(event, now_ns)

    def _advance(self, account_id: int, at_ns: int) -> None:
        """Move a book on to the day and week of an instant."""
        book = self._books[account_id]
        before = book.day
        if book.on_clock(at_ns) and book.day != before:
            self._checks[account_id].begin(book.day.start_ns)

    def _tell_holders(self, contract_id: str, event: m.Message, now_ns: int) -> None:
        for account_id in self._holders.get(contract_id, ()):
            self._tell(account_id, event, now_ns)

    def _note_holder(self, account_id: int, before: frozenset[str], now: frozenset[str]) -> None:
        """Note whose figures the price of a contract moves."""
        for contract_id in before ^ now:
            holders = set(self._holders.get(contract_id, ()))
            if contract_id in now:
                holders.add(account_id)
            else:
                holders.discard(account_id)
            self._holders[contract_id] = tuple(sorted(holders, key=self._places.__getitem__))

    def _tell_all(self, event: m.Message, now_ns: int) -> None:
        for account_id in self._books:
            self._tell(account_id, event, now_ns)

    def _tell(
        self, account_id: int, event: m.Message, now_ns: int, *, settles_gap: bool = False
    ) -> None:
        book = self._books[account_id]
        if now_ns >= book.ends_ns:
            # A quote may come between the reset and the tick that tells of it: a loss of yesterday
            # that is judged today would lock today.
            self._advance(account_id, now_ns)
        pnl = book.pnl(self._marks, now_ns)
        self._open_day(account_id, pnl, event, now_ns)
        watch = self._watches[account_id]
        if watch.observe(pnl, now_ns) or settles_gap:
            self._settle_gap(account_id, pnl, event, now_ns)
        pnl = watch.show(pnl)
        told = self._told.get(account_id)
        if pnl is told or pnl == told:
            return
        self._told[account_id] = pnl
        self.outbox.send(
            m.PnlUpdated(correlation_id=event.correlation_id, at_ns=now_ns, pnl=pnl, event=event)
        )

    def _open_day(self, account_id: int, pnl: PnlState, event: m.Message, now_ns: int) -> None:
        opening = self._checks[account_id].open(pnl, now_ns)
        if opening is not None:
            self.outbox.send(
                m.DayOpened(
                    correlation_id=event.correlation_id,
                    at_ns=now_ns,
                    account_id=account_id,
                    day_start_ns=opening.day_start_ns,
                    balance_usd=opening.balance_usd,
                )
            )

    def _settle_gap(self, account_id: int, pnl: PnlState, event: m.Message, now_ns: int) -> None:
        """Take the peak of a time that nobody watched, or ask for the bars that it takes."""
        fills = self._books[account_id].fills
        wanted = self._watches[account_id].settle(pnl, fills, self._marks.instrument, now_ns)
        for contract_id, window in wanted:
            self.outbox.send(
                m.RequestBars(
                    correlation_id=event.correlation_id,
                    at_ns=now_ns,
                    account_id=account_id,
                    contract_id=contract_id,
                    since_ns=window.start_ns,
                    until_ns=window.end_ns,
                )
            )
