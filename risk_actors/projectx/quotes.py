"""Full quotes out of partial ones.

The market hub leaves out what did not change (mostly the last price), so bid, ask and last are
kept per contract and every update yields all three.
"""

from collections.abc import Collection
from decimal import Decimal
from typing import Any

from msgspec import UNSET, UnsetType

from risk_actors.core.broker import Quote
from risk_actors.projectx.errors import PayloadError
from risk_actors.projectx.fields import Row, excerpt

TOLERATED_LAG_NS = 5_000_000_000
"""A quote that came this much later than others was old when it was sent; its own time counts then.
Within it, receipt is the better time."""
FORGET_LAG_AFTER_NS = 60_000_000_000
"""After a clock was set, what was learned before it is forgotten within two of these."""

type Side = Decimal | UnsetType | None


class QuoteMerger:
    """The latest bid, ask and last of every contract; a side that is not there is None."""

    def __init__(self) -> None:
        self._latest: dict[str, Quote] = {}
        self._lag = LeastLag()

    def forget(self, but: Collection[str] = ()) -> None:
        """Drop what is known, as after a gap in the stream: half of an old quote is no quote.

        Args:
            but: the contracts whose stream has no gap.
        """
        self._latest = {each: quote for each, quote in self._latest.items() if each in but}

    def latest(self) -> tuple[Quote, ...]:
        """Return what is known of every contract."""
        return tuple(self._latest.values())

    def latest_of(self, contract_id: str) -> Quote | None:
        """Return what is known of a contract, None where nothing is."""
        return self._latest.get(contract_id)

    def update(self, contract_id: object, payload: object, received_ns: int) -> Quote:
        """Merge one quote event and return the full latest quote.

        A price that is left out keeps its value; a bid or ask of 0 or null is a missing side.

        Raises:
            PayloadError: the event makes no sense.
        """
        row = Row("GatewayQuote", payload)
        return self.merge(
            _contract_of(contract_id, row),
            _side(row, "bestBid"),
            _side(row, "bestAsk"),
            row.optional_decimal("lastPrice"),
            _stated_ns(row, ("lastUpdated", "timestamp")),
            received_ns,
        )

    def trade(self, contract_id: object, payload: object, received_ns: int) -> Quote:
        """Take the last price out of one market trade event (a list, or a single trade).

        Raises:
            PayloadError: the event makes no sense.
        """
        trades = payload if isinstance(payload, list | tuple) else [payload]
        rows = [Row("GatewayTrade", trade) for trade in trades]
        if not rows:
            raise PayloadError("GatewayTrade", "no trades in it", excerpt(payload))
        contract = _contract_of(contract_id, rows[0])
        # The order inside the list is not documented; of equal times the later one stands.
        newest = max(enumerate(rows), key=lambda item: (item[1].instant_ns("timestamp"), item[0]))
        stated_ns = newest[1].instant_ns("timestamp")
        price = newest[1].decimal("price")
        return self.merge(contract, UNSET, UNSET, price, stated_ns, received_ns)

    def merge(
        self,
        contract_id: str,
        bid: Side,
        ask: Side,
        last: Decimal | None,
        stated_ns: int,
        received_ns: int,
    ) -> Quote:
        """Merge what one event tells and return the full latest quote.

        Args:
            contract_id: of which contract.
            bid: the best bid; 0 or None for a missing side, UNSET where nothing is told of it.
            ask: the best ask, likewise.
            last: the last price; 0 or None where nothing is told of it.
            stated_ns: when it was by the broker's word (ns of UTC); 0 where that is not told.
            received_ns: when it came (ns of UTC).
        """
        known = self._latest.get(contract_id)
        if known is not None:
            bid = known.bid if bid is UNSET else bid
            ask = known.ask if ask is UNSET else ask
            last = last or known.last
        quote = Quote(
            contract_id=contract_id,
            bid=bid or None,
            ask=ask or None,
            last=last or None,
            at_ns=self._instant(stated_ns, received_ns),
        )
        self._latest[contract_id] = quote
        return quote

    def _instant(self, stated_ns: int, received_ns: int) -> int:
        if not stated_ns:
            return received_ns
        age_ns = self._lag.beyond_least(received_ns - stated_ns, received_ns)
        return received_ns - age_ns if age_ns > TOLERATED_LAG_NS else received_ns


class LeastLag:
    """How much later than others a quote came, whatever the trader's clock says.

    The difference between receipt and the quote's own time is the way it took plus what the two
    clocks differ by; the least difference of the last minutes is nearly the clocks' alone.
    """

    def __init__(self) -> None:
        self._before_ns: int | None = None
        self._least_ns: int | None = None
        self._since_ns = 0

    def beyond_least(self, lag_ns: int, received_ns: int) -> int:
        """Return how far a lag lies above the least one of the last one to two minutes."""
        if received_ns - self._since_ns > FORGET_LAG_AFTER_NS:
            self._before_ns, self._least_ns, self._since_ns = self._least_ns, None, received_ns
        self._least_ns = lag_ns if self._least_ns is None else min(self._least_ns, lag_ns)
        least_ns = self._least_ns
        if self._before_ns is not None:
            least_ns = min(least_ns, self._before_ns)
        return lag_ns - least_ns


def market_arguments(arguments: tuple[Any, ...]) -> tuple[Any, Any]:
    """Return contract and data: two arguments on the wire, tolerated as one list or bare data."""
    if len(arguments) == 1 and isinstance(arguments[0], list) and arguments[0]:
        first = arguments[0][0]
        if isinstance(first, str):
            arguments = tuple(arguments[0])
    if len(arguments) > 1:
        return arguments[0], arguments[1]
    return None, arguments[0] if arguments else None


def _contract_of(contract_id: object, row: Row) -> str:
    """Return the event's contract: its first argument (`symbol` inside is the product's id)."""
    if isinstance(contract_id, str) and contract_id:
        return contract_id
    return row.text("contractId")


def _side(row: Row, name: str) -> Side:
    return row.optional_decimal(name) if row.has(name) else UNSET


def _stated_ns(row: Row, names: tuple[str, ...]) -> int:
    """Return the first instant that is told; 0 where none is."""
    return next((at_ns for name in names if (at_ns := row.instant_ns(name))), 0)
