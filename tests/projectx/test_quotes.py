"""Partial quotes become full ones."""

from decimal import Decimal
from typing import Any

import pytest

from risk_actors.projectx.errors import PayloadError
from risk_actors.projectx.quotes import TOLERATED_LAG_NS, LeastLag, QuoteMerger

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


S = 1_000_000_000


@pytest.mark.parametrize("clock_error_s", [0, 12, -60, 86_400])
@pytest.mark.parametrize(("late_s", "is_receipt"), [(0, True), (4, True), (6, False)])
def test_a_quote_that_came_later_than_others_is_old_whatever_the_clock_says(
    late_s: int, is_receipt: bool, clock_error_s: int
) -> None:
    merger = QuoteMerger()
    payload = {"bestBid": 5000, "lastUpdated": "2026-05-06T13:36:03Z"}
    in_time_ns = NOW_NS + clock_error_s * S
    merger.update(ES, payload, in_time_ns)

    quote = merger.update(ES, payload, in_time_ns + late_s * S)

    assert quote.at_ns == in_time_ns + (late_s * S if is_receipt else 0)
    assert TOLERATED_LAG_NS == 5 * S


def test_what_was_learned_before_a_clock_was_set_is_forgotten() -> None:
    lag = LeastLag()
    lag.beyond_least(0, NOW_NS)
    lag.beyond_least(0, NOW_NS + 61 * S)

    at_once = lag.beyond_least(12 * S, NOW_NS + 70 * S)
    lag.beyond_least(12 * S, NOW_NS + 130 * S)
    later = lag.beyond_least(12 * S, NOW_NS + 195 * S)

    assert (at_once, later) == (12 * S, 0)


def test_a_quote_without_a_contract_is_refused() -> None:
    with pytest.raises(PayloadError):
        QuoteMerger().update(None, {"symbol": "F.US.EP", "bestBid": 1}, NOW_NS)
    with pytest.raises(PayloadError):
        QuoteMerger().trade(ES, [], NOW_NS)
