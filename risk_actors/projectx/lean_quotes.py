"""The market hub's events, decoded from their bytes straight into full quotes.

As `lean_rows` does for the user hub: the usual form is read quickly, whatever differs goes through
the thorough way of `quotes`, and both give the same for the same bytes.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from risk_actors.core.broker import Quote
from risk_actors.projectx.errors import PayloadError
from risk_actors.projectx.fields import excerpt
from risk_actors.projectx.lean_fields import Number, Unusual, quick_decimal, quick_instant_ns
from risk_actors.projectx.quotes import QuoteMerger, Side, market_arguments

_PRICES_KEPT = 4096
"""Prices come again and again: a market moves by some hundred ticks a day."""

type _Contract = Annotated[str, msgspec.Meta(min_length=1)]


class _QuoteRow(msgspec.Struct, rename="camel"):
    best_bid: Number | UnsetType | None = UNSET
    best_ask: Number | UnsetType | None = UNSET
    last_price: Number | None = None
    last_updated: str | None = None
    timestamp: str | None = None


class _TradeRow(msgspec.Struct, rename="camel"):
    price: Number
    timestamp: str | None = None


_QUOTE = msgspec.json.Decoder(tuple[_Contract, _QuoteRow])
_TRADES = msgspec.json.Decoder(tuple[_Contract, list[_TradeRow]])


def quote_in(
    target: str, arguments: msgspec.Raw, merger: QuoteMerger, received_ns: int
) -> Quote | None:
    """Merge a market hub's event and return the full latest quote; None where it tells no price.

    Args:
        target: the event.
        arguments: what came with it, JSON as it came.
        merger: what is known of every contract, and has to learn of it.
        received_ns: when it came (ns of UTC).

    Raises:
        PayloadError: the event makes no sense.
    """
    quick = _QUICK.get(target)
    if quick is None:
        return None
    try:
        return quick(arguments, merger, received_ns)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, Unusual, OverflowError):
        return _thorough(target, arguments, merger, received_ns)


def _quote(arguments: msgspec.Raw, merger: QuoteMerger, received_ns: int) -> Quote:
    contract_id, row = _QUOTE.decode(arguments)
    # Of two times the second counts only where the first is none.
    stated_ns = quick_instant_ns(row.last_updated) or quick_instant_ns(row.timestamp)
    last = None if row.last_price is None else _price(row.last_price)
    bid, ask = _side(row.best_bid), _side(row.best_ask)
    return merger.merge(contract_id, bid, ask, last, stated_ns, received_ns)


def _trades(arguments: msgspec.Raw, merger: QuoteMerger, received_ns: int) -> Quote:
    contract_id, rows = _TRADES.decode(arguments)
    if not rows:
        raise Unusual
    newest, newest_ns = rows[0], quick_instant_ns(rows[0].timestamp)
    for row in rows[1:]:
        at_ns = quick_instant_ns(row.timestamp)
        if at_ns >= newest_ns:
            newest, newest_ns = row, at_ns
    return merger.merge(contract_id, UNSET, UNSET, _price(newest.price), newest_ns, received_ns)


_QUICK: Mapping[str, Callable[[msgspec.Raw, QuoteMerger, int], Quote]] = {
    "GatewayQuote": _quote,
    "GatewayTrade": _trades,
}


def _thorough(target: str, arguments: msgspec.Raw, merger: QuoteMerger, received_ns: int) -> Quote:
    try:
        decoded = msgspec.json.decode(arguments)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        detail = f"no JSON ({type(error).__name__})"
        raise PayloadError(target, detail, excerpt(bytes(arguments))) from None
    contract_id, payload = market_arguments(
        tuple(decoded) if isinstance(decoded, list) else (decoded,)
    )
    read = merger.update if target == "GatewayQuote" else merger.trade
    return read(contract_id, payload, received_ns)


def _side(number: Number | UnsetType | None) -> Side:
    return _price(number) if isinstance(number, int | float) else number


@lru_cache(maxsize=_PRICES_KEPT, typed=True)
def _price(number: Number) -> Decimal:
    return quick_decimal(number)
