"""The price each contract is marked at: the latest believable one, on the side one exits at."""

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from risk_actors.core.broker import Quote
from risk_actors.core.instruments import Instrument, catalogued_instrument, symbol_of
from risk_actors.core.mark_filter import CONFIRM_NS, DropReason, MarkCounts, MarkFilter, Outcome
from risk_actors.core.market_calendar import MarketCalendar
from risk_actors.core.market_proof import MarketProof
from risk_actors.core.price_bounds import PriceBounds, TickBounds, bounds_of

_IMPOSSIBLE = (
    DropReason.NOT_FINITE,
    DropReason.NOT_POSITIVE,
    DropReason.OFF_GRID,
    DropReason.CROSSED,
)


class MarkTerms(msgspec.Struct, frozen=True, kw_only=True):
    """When a surprising price is believed; the defaults are those of the settings."""

    confirm_ns: int = CONFIRM_NS
    """How long one waits for a second witness; then it counts."""
    own_bounds: Mapping[str, TickBounds] = {}
    """The trader's own bounds by exchange symbol in capitals."""


SHIPPED_TERMS = MarkTerms()
"""What holds unless the settings say otherwise."""


class MarkFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What became of all quotes so far, and which contracts wait now."""

    dropped: dict[str, int]
    """By reason, in words; each reason is there from the start."""
    surprising: int
    """Prices that had to wait for a second witness."""
    confirmed: int
    """Of these, those that got one."""
    unanswered: int
    """Of these, those that counted because nobody contradicted them in time."""
    waiting: tuple[str, ...]
    """Contracts whose latest price waits; the mark is the one before."""


class Marks:
    """The believed price of each contract, and the instruments' ticks.

    Without terms no possible price is surprising, and each is believed at once.
    """

    def __init__(
        self,
        stale_after_ns: int,
        terms: MarkTerms | None = None,
        market: MarketCalendar | None = None,
    ) -> None:
        """Take how old a price may grow while its market is open; CME's hours unless told."""
        self._stale_after_ns = stale_after_ns
        self._terms = terms
        self._market = market or MarketCalendar()
        self._proof = MarketProof(self._market)
        self._counts = MarkCounts()
        self._filters: dict[str, MarkFilter] = {}
        self._waiting: set[str] = set()
        self._instruments: dict[str, Instrument] = {}
        self._symbols: dict[str, str] = {}

    @property
    def impossible(self) -> int:
        """Quotes dropped because no market can show them."""
        return sum(self._counts.dropped[reason] for reason in _IMPOSSIBLE)

    def counts(self) -> MarkFigures:
        """Return what became of all quotes so far."""
        counts = self._counts
        return MarkFigures(
            dropped={reason.value: count for reason, count in counts.dropped.items()},
            surprising=counts.surprising,
            confirmed=counts.confirmed,
            unanswered=counts.unanswered,
            waiting=tuple(sorted(self._waiting)),
        )

    def on_quote(self, quote: Quote, now_ns: int | None = None) -> bool:
        """Take a quote; tell whether the mark may have changed.

        Args:
            quote: the update, merged with what it left out.
            now_ns: when it is heard, from which a surprising price waits; the quote's own time
                where it is left out.
        """
        contract_id = quote.contract_id
        known = self._filters.get(contract_id) or self._filter(contract_id)
        outcome = known.take(quote, quote.at_ns if now_ns is None else now_ns)
        if quote.last is not None and outcome not in _IMPOSSIBLE:
            self._proof.stated(contract_id, self._symbol(contract_id), quote.last, quote.at_ns)
        if known.is_waiting:
            self._waiting.add(contract_id)
        elif self._waiting:
            self._waiting.discard(contract_id)
        return outcome is Outcome.BELIEVED

    def on_tick(self, now_ns: int) -> tuple[str, ...]:
        """Let surprising prices count whose time has ended; return the contracts that changed."""
        if not self._waiting:
            return ()
        changed = tuple(c for c in sorted(self._waiting) if self._filters[c].expire(now_ns))
        self._waiting.difference_update(changed)
        return changed

    def on_entry_price(self, contract_id: str, price: Decimal) -> None:
        """Take what an open position was entered at: a very first price is held against it."""
        if price > 0:
            self._filter(contract_id).entry_price = price

    def on_instrument(self, instrument: Instrument) -> None:
        """Take a contract's ticks as the broker states them."""
        self._instruments[instrument.contract_id] = instrument
        self._symbols[instrument.contract_id] = instrument.symbol
        known = self._filters.get(instrument.contract_id)
        if known is not None:
            known.set_instrument(instrument.tick_size, self._bounds_of(instrument.symbol))

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
        side. In a closed market the last known price stands, and at the next opening it is as old
        as the session: nobody could have quoted meanwhile. One that trades although the calendar
        has it closed is open.
        """
        known = self._filters.get(contract_id)
        if known is None or not known.is_heard:
            return "no price yet"
        level = known.level
        if level is None and known.is_waiting:
            return "the first price is not confirmed yet"
        side = None if level is None else level.bid if size > 0 else level.ask
        price = known.last if side is None else side
        if price is None:
            return "no price on the side to exit at"
        if now_ns - known.at_ns > self._stale_after_ns and self._is_silent(contract_id, now_ns):
            return "the last price is stale"
        return price

    def _is_silent(self, contract_id: str, now_ns: int) -> bool:
        """Tell whether the market is open and has been for long enough to have quoted."""
        opened_ns = self._market.opened_ns(self._symbol(contract_id), now_ns)
        if opened_ns is None:
            opened_ns = self._proof.open_since_ns(contract_id, now_ns)
        return opened_ns is not None and now_ns - opened_ns > self._stale_after_ns

    def _symbol(self, contract_id: str) -> str:
        symbol = self._symbols.get(contract_id)
        if symbol is None:
            instrument = self.instrument(contract_id)
            symbol = symbol_of(contract_id) if instrument is None else instrument.symbol
            self._symbols[contract_id] = symbol
        return symbol

    def _filter(self, contract_id: str) -> MarkFilter:
        known = self._filters.get(contract_id)
        if known is None:
            instrument = self.instrument(contract_id)
            known = self._filters[contract_id] = MarkFilter(
                self._counts,
                tick_size=None if instrument is None else instrument.tick_size,
                bounds=self._bounds_of(self._symbol(contract_id)),
                confirm_ns=CONFIRM_NS if self._terms is None else self._terms.confirm_ns,
            )
        return known

    def _bounds_of(self, symbol: str) -> PriceBounds | None:
        return None if self._terms is None else bounds_of(symbol, self._terms.own_bounds)
