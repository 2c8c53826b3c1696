"""Quotes read quickly are what the thorough reading gives, for whatever comes."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_actors.core.broker import Quote
from risk_actors.projectx import lean_quotes
from risk_actors.projectx.errors import PayloadError
from risk_actors.projectx.lean_quotes import quote_in
from risk_actors.projectx.quotes import QuoteMerger, market_arguments

MNQ = "CON.F.US.MNQ.U26"
AT, LATER = "2026-05-06T13:36:03.4962794+00:00", "2026-05-06T13:36:04.1Z"
NOW_NS = 1_778_074_563_600_000_000
S = 1_000_000_000
QUOTE: dict[str, Any] = {
    "symbol": "F.US.MNQ", "symbolName": "/MNQ", "lastPrice": 25000.25, "bestBid": 25000,
    "bestAsk": 25000.5, "change": 1.5, "volume": 17, "lastUpdated": AT, "timestamp": AT,
}  # fmt: skip
TRADE: dict[str, Any] = {
    "symbolId": "F.US.MNQ", "price": 25000.25, "timestamp": AT, "type": 0, "volume": 2,
}  # fmt: skip
SAMPLES: dict[str, tuple[str, Any]] = {
    "quote": ("GatewayQuote", QUOTE),
    "trades": ("GatewayTrade", [TRADE, TRADE | {"timestamp": LATER, "price": 25001}]),
}
ODD: list[Any] = [
    None, True, False, 0, 0.0, -0.0, 1, 1.0, -37.63, 25000, 25000.0, "25000.25", " 15 ", "", "x",
    "NaN", 1e300, 1e12, 1e11, 1e-11, 1e-13, 0.1, 49909.123456789012345, 2**53 + 1, 2**63, 2**70,
    -(2**63), [], {}, [1], {"a": 1}, "é" * 257, "\x00",
    AT, LATER, "2026-05-06T13:36:03Z", "2026-05-06T13:36:03.5", "2026-05-06T13:36:03.123456789012Z",
    "2026-05-06T13:36:03.5+00:00Z", "2026-05-06T13:36:03.5+02:00", "2026-05-06 13:36:03,5Z",
    " 2026-05-06T13:36:03.5Z", "2026-05-06T13:36:03.Z", "2026-05-06T13:36:03.٣Z", "2026-05-06",
    "0001-01-01T00:00:00", "9999-12-31T23:59:59.9999999Z", "2026-02-30T00:00:00.1Z",
    "2026-05-06T13:36:03+02:00.5Z",
]  # fmt: skip

type Bench = tuple[QuoteMerger, QuoteMerger]


def outcome(found: Quote | PayloadError) -> object:
    """What was read; of what was refused, the words without the excerpt."""
    if isinstance(found, PayloadError):
        return found.source, found.detail
    prices = found.bid, found.ask, found.last
    # Equal prices could still be written otherwise.
    return found, [str(price) for price in prices]


def quick(target: str, payload: bytes, merger: QuoteMerger, now_ns: int = NOW_NS) -> object:
    try:
        quote = quote_in(target, msgspec.Raw(payload), merger, now_ns)
    except PayloadError as error:
        return outcome(error)
    assert quote is not None
    return outcome(quote)


def thorough(target: str, payload: bytes, merger: QuoteMerger, now_ns: int = NOW_NS) -> object:
    """What line A makes of the same bytes."""
    decoded = orjson.loads(payload)
    arguments = tuple(decoded) if isinstance(decoded, list) else (decoded,)
    contract_id, data = market_arguments(arguments)
    read = merger.update if target == "GatewayQuote" else merger.trade
    try:
        return outcome(read(contract_id, data, now_ns))
    except PayloadError as error:
        return outcome(error)


def agree(target: str, arguments: Any, bench: Bench | None = None, now_ns: int = NOW_NS) -> None:
    payload = json.dumps(arguments, ensure_ascii=False).encode()
    left, right = bench or known_before()
    assert quick(target, payload, left, now_ns) == thorough(target, payload, right, now_ns)
    assert left.latest() == right.latest()


def known_before() -> Bench:
    """Two mergers that know the same of the contract."""
    bench = QuoteMerger(), QuoteMerger()
    for merger in bench:
        merger.update(MNQ, {"bestBid": 1.25, "bestAsk": 1.5, "lastPrice": 1.25}, NOW_NS - S)
    return bench


def shapes(data: Any) -> list[Any]:
    """One event's arguments as they may come."""
    named = {**data, "contractId": MNQ} if isinstance(data, dict) else data
    return [
        [MNQ, data], [[MNQ, data]], [data], [named], [[data]], [[named]], data, named, [],
        [MNQ], [[]], None, MNQ, 5, [MNQ, data, data], [[MNQ, data, data]], [MNQ, data, None],
        ["", data], ["", named], [None, data], [None, named], [5, data], [MNQ, [data]],
        [MNQ, [data, data]], [MNQ, [[data]]], [MNQ, []], [MNQ, None], [MNQ, "text"],
        [data, MNQ], ["é" * 300, data], [MNQ, {}], [[MNQ], data],
    ]  # fmt: skip


@pytest.mark.parametrize("name", SAMPLES)
def test_the_usual_form_is_read_quickly(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(lean_quotes, "_thorough")
    target, data = SAMPLES[name]
    merger = QuoteMerger()
    for partial in ({}, {"bestBid": 25000.75}, {"bestAsk": 0}, {"bestBid": None}):
        row = {"symbol": "F.US.MNQ", "timestamp": AT} | partial
        quick("GatewayQuote", orjson.dumps([MNQ, row]), merger)
    quote = quote_in(target, msgspec.Raw(orjson.dumps([MNQ, data])), merger, NOW_NS)
    assert quote is not None
    assert quote.last == Decimal("25000.25" if name == "quote" else "25001")


@pytest.mark.parametrize("name", SAMPLES)
def test_both_readings_agree_on_every_shape_of_the_arguments(name: str) -> None:
    target, data = SAMPLES[name]
    for each in (data, TRADE, QUOTE):
        for arguments in shapes(each):
            agree(target, arguments)
            agree(target, arguments, (QuoteMerger(), QuoteMerger()))


def test_both_readings_agree_on_every_odd_value_of_every_field_of_a_quote() -> None:
    for name in (*QUOTE, "contractId"):
        for value in ODD:
            for row in ({**QUOTE, name: value}, {"symbol": "F.US.MNQ", name: value}):
                for arguments in ([MNQ, row], [[MNQ, row]], [row], [value, row]):
                    agree("GatewayQuote", arguments)


def test_both_readings_agree_on_every_odd_value_of_every_field_of_trades() -> None:
    for name in (*TRADE, "contractId"):
        for value in ODD:
            odd = {**TRADE, name: value}
            without = {key: each for key, each in TRADE.items() if key != name}
            for row in (odd, without):
                for rows in (row, [row], [row, TRADE], [TRADE, row], [row, row], [TRADE, value]):
                    agree("GatewayTrade", [MNQ, rows])


@pytest.mark.parametrize(
    "times", [(AT, AT), (AT, LATER), (LATER, AT), (AT, LATER, LATER), (None, AT), (None, None)]
)
def test_of_several_trades_the_newest_counts_and_of_equal_times_the_later(
    times: tuple[str | None, ...],
) -> None:
    rows = [{**TRADE, "price": 100 + n, "timestamp": at} for n, at in enumerate(times)]
    agree("GatewayTrade", [MNQ, rows])
    quote = quote_in(
        "GatewayTrade", msgspec.Raw(json.dumps([MNQ, rows]).encode()), QuoteMerger(), 1
    )
    newest = max(range(len(times)), key=lambda n: (times[n] or "", n))
    assert quote is not None
    assert quote.last == 100 + newest


VALUES = st.one_of(
    st.sampled_from(ODD),
    st.integers(-(2**64), 2**66),
    st.floats(allow_nan=False, allow_infinity=False),
    st.decimals(-100_000, 100_000, places=2).map(float),
    st.text(max_size=30).filter(lambda text: text.isprintable()),
)
ROWS = st.dictionaries(
    st.sampled_from(["bestBid", "bestAsk", "lastPrice", "lastUpdated", "timestamp", "price", "x"]),
    VALUES,
)
DATA = st.one_of(ROWS, st.lists(ROWS, max_size=3), VALUES)


@given(
    events=st.lists(
        st.tuples(
            st.sampled_from(["GatewayQuote", "GatewayTrade"]),
            DATA,
            st.integers(0, 31),
            st.integers(0, 90 * S),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_both_readings_agree_on_any_sequence_of_events(
    events: list[tuple[str, Any, int, int]],
) -> None:
    bench, now_ns = (QuoteMerger(), QuoteMerger()), NOW_NS
    for target, data, shape, passed_ns in events:
        now_ns += passed_ns
        agree(target, shapes(data)[shape], bench, now_ns)


def test_partial_quotes_keep_what_they_leave_out_and_lose_what_they_say_is_gone() -> None:
    bench = QuoteMerger(), QuoteMerger()
    rows: list[dict[str, Any]] = [
        {"lastPrice": 10}, {"bestBid": 9.75}, {"bestAsk": 10.25}, {"bestBid": 0}, {"bestAsk": None},
        {"lastPrice": 0}, {"lastPrice": None, "bestBid": 9.5}, {}, {"bestAsk": "10.5"},
        {"bestBid": "nonsense", "bestAsk": 1}, {"lastUpdated": "0001-01-01T00:00:00", "bestBid": 9},
    ]  # fmt: skip
    for row in rows:
        agree("GatewayQuote", [MNQ, row], bench)
        agree("GatewayTrade", [MNQ, [{"price": 11, "timestamp": AT}]], bench)
        agree("GatewayQuote", ["another", row], bench)
    latest = bench[0].latest_of(MNQ)
    assert latest is not None
    assert (latest.bid, latest.ask, latest.last) == (Decimal(9), Decimal("10.5"), Decimal(11))


def test_prices_that_come_again_are_written_as_they_came() -> None:
    merger = QuoteMerger()
    written = []
    for number in (b"25000", b"25000.0", b"25000", b"2.5e4", b"1", b"1.0", b"1"):
        payload = b'["' + MNQ.encode() + b'",{"bestBid":' + number + b"}]"
        quote = quote_in("GatewayQuote", msgspec.Raw(payload), merger, NOW_NS)
        assert quote is not None
        written.append(str(quote.bid))
    assert written == ["25000", "25000.0", "25000", "25000.0", "1", "1.0", "1"]


@pytest.mark.parametrize(
    "arguments", [b"nonsense", b"{", b"1", b"null", b"[1]", b'["x"]', b"[" * 5000, b'["\xff",{}]']
)
@pytest.mark.parametrize("target", ["GatewayQuote", "GatewayTrade"])
def test_junk_is_refused_in_words_and_nothing_is_learned_of_it(
    target: str, arguments: bytes
) -> None:
    merger = QuoteMerger()
    with pytest.raises(PayloadError):
        quote_in(target, msgspec.Raw(arguments), merger, NOW_NS)
    assert merger.latest() == ()


@pytest.mark.parametrize("target", ["GatewayDepth", "GatewayLogout", "GatewayNews", ""])
def test_an_event_that_tells_no_price_is_passed_over(target: str) -> None:
    assert quote_in(target, msgspec.Raw(b"[" * 9), QuoteMerger(), NOW_NS) is None
