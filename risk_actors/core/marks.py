"""The price each contract is marked at: the latest believable one, on the side one exits at."""

from decimal import Decimal

from risk_actors.core.broker import Quote
from risk_actors.core.instruments import Instrument, catalogued_instrument
from risk_actors.core.market_hours import is_market_open


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
