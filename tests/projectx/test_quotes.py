"""Partial quotes become full ones."""

from decimal import Decimal
from typing import Any

import pytest

from risk_actors.projectx.errors import PayloadError
from risk_actors.projectx.quotes import TOLERATED_LAG_NS, QuoteMerger

ES = "CON.F.US.EP.U25"
NOW_NS = 1_778_074_563_000_000_000


def shown(merger: QuoteMerger, payload: dict[str, Any]) -> tuple[Any, ...]:
    quote = merger.update(ES, payload, NOW_NS)
    return quote.bid, quote.ask, quote.last


def test_what_is_left_out_keeps_its_value() -> None:
    merger = QuoteMerger()
    full = (Decimal("5000.25"), Decimal("5000.5"), Decimal(5000))
    assert shown(merger, {"bestBid": 5000.25, "bestAsk": 5000.5, "lastPrice": 5000}) == full
    assert shown(merger, {"bestBid": 5001}) == (Decimal(5001), *full[1:])
    assert shown(merger, {"lastPrice": 5002})[2] == Decimal(5002)


def test_zero_and_null_are_a_missing_side() -> None:
    merger = QuoteMerger()
    shown(merger, {"bestBid": 5000.25, "bestAsk": 5000.5, "lastPrice": 5000})
    assert shown(merger, {"bestBid": 0, "bestAsk": None}) == (None, None, Decimal(5000))


def test_contracts_are_kept_apart_and_forgotten_together() -> None:
    merger = QuoteMerger()
    shown(merger, {"bestBid": 5000.25})
    assert merger.update("CON.F.US.ENQ.U25", {"bestAsk": 1}, NOW_NS).bid is None
    merger.forget()
    assert shown(merger, {"bestAsk": 5000.5}) == (None, Decimal("5000.5"), None)


def test_the_newest_trade_in_the_list_is_the_last_price() -> None:
    merger = QuoteMerger()
    shown(merger, {"bestBid": 5000.25, "bestAsk": 5000.5})
    trades = [
        {"symbolId": "F.US.EP", "price": 5003, "timestamp": "2026-05-06T13:36:02Z", "volume": 1},
        {"symbolId": "F.US.EP", "price": 5001, "timestamp": "2026-05-06T13:36:01Z", "volume": 1},
    ]
    quote = merger.trade(ES, trades, NOW_NS)
    assert (quote.bid, quote.last) == (Decimal("5000.25"), Decimal(5003))
    assert merger.trade(ES, trades[1], NOW_NS).last == Decimal(5001)


@pytest.mark.parametrize(("lag_s", "is_receipt"), [(0, True), (4, True), (6, False), (-60, True)])
def test_only_a_quote_older_than_any_clock_error_keeps_its_own_time(
    lag_s: int, is_receipt: bool
) -> None:
    received_ns = NOW_NS + lag_s * 1_000_000_000
    payload = {"bestBid": 5000, "lastUpdated": "2026-05-06T13:36:03Z"}
    quote = QuoteMerger().update(ES, payload, received_ns)
    assert quote.at_ns == (received_ns if is_receipt else NOW_NS)
    assert TOLERATED_LAG_NS == 5_000_000_000


def test_a_quote_without_a_contract_is_refused() -> None:
    with pytest.raises(PayloadError):
        QuoteMerger().update(None, {"symbol": "F.US.EP", "bestBid": 1}, NOW_NS)
    with pytest.raises(PayloadError):
        QuoteMerger().trade(ES, [], NOW_NS)
