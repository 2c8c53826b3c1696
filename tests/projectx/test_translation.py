"""The broker's payloads: the raw samples, the odd forms, and junk of every kind."""

from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_actors.core.broker import Account, Fill, Order, OrderStatus, OrderType, Position, Side
from risk_actors.projectx import translation
from risk_actors.projectx.errors import PayloadError
from risk_actors.projectx.fields import parse_instant_ns
from risk_actors.projectx.quotes import QuoteMerger

OPENED_NS = 1_778_074_563_496_279_400  # 2026-05-06T13:36:03.4962794Z
MYM = "CON.F.US.MYM.M26"

ORDER = {
    "id": 9001,
    "accountId": 123456,
    "contractId": MYM,
    "symbolId": "F.US.MYM",
    "creationTimestamp": "2026-05-06T13:36:03.4962794+00:00",
    "updateTimestamp": "2026-05-06T13:36:03.4962794Z",
    "status": 6,
    "type": 2,
    "side": 0,
    "size": 15,
    "fillVolume": 0,
}
TRADE = {
    "id": 7001,
    "accountId": 123456,
    "contractId": MYM,
    "creationTimestamp": "2026-05-06T13:36:03.4962794+00:00",
    "price": 49909,
    "fees": 5.55,
    "commissions": 3.75,
    "side": 0,
    "size": 15,
    "voided": False,
    "orderId": 9002,
}
POSITION = {
    "id": 501,
    "accountId": 123456,
    "contractId": MYM,
    "contractDisplayName": "MYMM26",
    "creationTimestamp": "2026-05-06T13:36:03.4962794+00:00",
    "type": 1,
    "size": 15,
    "averagePrice": 49909,
}
ACCOUNT = {
    "id": 123456,
    "name": "150KTC-V2-1",
    "balance": 150175.38,
    "canTrade": True,
    "isVisible": True,
    "simulated": True,
}
CONTRACT = {
    "id": "CON.F.US.EP.U25",
    "name": "ESU5",
    "description": "E-Mini S&P 500",
    "tickSize": 0.25,
    "tickValue": 12.5,
    "activeContract": True,
    "symbolId": "F.US.EP",
}

DECODERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "order": (translation.order_from, ORDER),
    "trade": (translation.fill_from, TRADE),
    "position": (translation.position_from, POSITION),
    "account": (translation.account_from, ACCOUNT),
    "contract": (translation.instrument_from, CONTRACT),
}

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["2026-05-06T13:36:03Z", "0001-01-01T00:00:00", "1e999", "12", "-0"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


def altered(sample: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {**sample, **changes}


def without(sample: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in sample.items() if name not in names}


def test_live_samples_are_read_exactly() -> None:
    assert translation.order_from(ORDER) == Order(
        id=9001,
        account_id=123456,
        contract_id=MYM,
        status=OrderStatus.PENDING,
        type=OrderType.MARKET,
        side=Side.BUY,
        size=15,
        created_ns=OPENED_NS,
        updated_ns=OPENED_NS,
    )
    fill = translation.fill_from(TRADE)
    assert fill == Fill(
        id=7001,
        account_id=123456,
        contract_id=MYM,
        order_id=9002,
        side=Side.BUY,
        size=15,
        price=Decimal(49909),
        at_ns=OPENED_NS,
        profit_usd=None,
        costs_usd=Decimal("9.30"),
    )
    assert translation.position_from(POSITION) == Position(
        account_id=123456,
        contract_id=MYM,
        size=15,
        average_price=Decimal(49909),
        opened_ns=OPENED_NS,
    )
    assert translation.account_from(ACCOUNT) == Account(
        id=123456,
        name="150KTC-V2-1",
        balance_usd=Decimal("150175.38"),
        can_trade=True,
        is_visible=True,
        simulated=True,
    )
    instrument = translation.instrument_from(CONTRACT)
    assert (instrument.symbol, instrument.tick_size, instrument.tick_value_usd) == (
        "ES",
        Decimal("0.25"),
        Decimal("12.5"),
    )


@pytest.mark.parametrize(
    ("changes", "size"),
    [
        ({}, 15),
        ({"type": 2}, -15),
        ({"type": "2", "size": "15"}, -15),
        ({"type": 0, "size": 0}, 0),
        ({"type": 1, "size": 0}, 0),
        ({"type": 0, "size": 3}, 0),
        ({"type": None, "size": 0, "averagePrice": None}, 0),
    ],
)
def test_position_sizes_are_signed(changes: dict[str, Any], size: int) -> None:
    assert translation.position_from(altered(POSITION, **changes)).size == size


@pytest.mark.parametrize(
    ("fees", "commissions", "costs"),
    [
        (1.4, 0.5, "1.9"),
        (1.4, None, "1.4"),
        (None, 0.5, "0.5"),
        (None, None, "0"),
        ("0.37", "0.25", "0.62"),
    ],
)
def test_costs_are_fees_plus_commissions(fees: Any, commissions: Any, costs: str) -> None:
    fill = translation.fill_from(altered(TRADE, fees=fees, commissions=commissions))
    assert fill.costs_usd == Decimal(costs)


def test_profit_is_none_where_null_and_exact_where_given() -> None:
    assert translation.fill_from(altered(TRADE, profitAndLoss=None)).profit_usd is None
    assert translation.fill_from(altered(TRADE, profitAndLoss=0)).profit_usd == 0
    given_profit = translation.fill_from(altered(TRADE, profitAndLoss=-468.75)).profit_usd
    assert given_profit == Decimal("-468.75")


def test_ids_may_be_text_and_unknown_codes_become_unknown() -> None:
    order = translation.order_from(
        altered(ORDER, id="9001", accountId="123456", type=99, status=42, parentOrderId="7")
    )
    assert (order.id, order.account_id, order.parent_order_id) == (9001, 123456, 7)
    assert (order.type, order.status) == (OrderType.UNKNOWN, OrderStatus.NONE)


def test_absent_fields_have_sensible_defaults() -> None:
    sparse = without(ORDER, "fillVolume", "symbolId", "creationTimestamp", "updateTimestamp")
    order = translation.order_from(sparse)
    assert (order.filled_size, order.limit_price, order.created_ns) == (0, None, 0)
    account = translation.account_from(without(ACCOUNT, "isVisible", "simulated", "name"))
    assert (account.is_visible, account.simulated, account.name) == (True, False, "123456")


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("position", {"size": -1}),
        ("position", {"type": 3}),
        ("position", {"type": None}),
        ("position", {"size": 1e12}),
        ("position", {"averagePrice": float("nan")}),
        ("position", {"averagePrice": None}),
        ("position", {"averagePrice": 1e300}),
        ("position", {"averagePrice": True}),
        ("position", {"accountId": None}),
        ("position", {"contractId": ""}),
        ("trade", {"price": float("inf")}),
        ("trade", {"price": None}),
        ("trade", {"price": "1e-400"}),
        ("trade", {"profitAndLoss": "NaN"}),
        ("trade", {"creationTimestamp": None}),
        ("trade", {"creationTimestamp": "yesterday"}),
        ("trade", {"side": 2}),
        ("trade", {"voided": "perhaps"}),
        ("trade", {"id": 1.5}),
        ("trade", {"id": True}),
        ("order", {"status": None}),
        ("order", {"limitPrice": "abc"}),
        ("account", {"balance": None}),
        ("account", {"canTrade": None}),
        ("contract", {"tickSize": 0}),
        ("contract", {"tickValue": -1}),
    ],
)
def test_nonsense_is_refused_by_name(kind: str, changes: dict[str, Any]) -> None:
    decode, sample = DECODERS[kind]
    with pytest.raises(PayloadError) as raised:
        decode(altered(sample, **changes))
    assert raised.value.source == kind
    assert next(iter(changes)) in raised.value.detail
    assert raised.value.payload_excerpt.startswith("{")


@pytest.mark.parametrize(
    ("text", "instant_ns"),
    [
        ("2026-05-06T13:36:03.4962794+00:00", OPENED_NS),
        ("2026-05-06T13:36:03.4962794Z", OPENED_NS),
        ("2026-05-06T13:36:03.4962794", OPENED_NS),
        ("2026-05-06 08:36:03.4962794-05:00", OPENED_NS),
        ("2026-05-06T13:36:03Z", 1_778_074_563_000_000_000),
        ("2026-05-06T13:36:03.1234567891Z", 1_778_074_563_123_456_789),
        ("0001-01-01T00:00:00", -62_135_596_800_000_000_000),
        ("2026-13-06T13:36:03Z", None),
        ("13:36", None),
        ("", None),
    ],
)
def test_instants_are_read_to_the_nanosecond(text: str, instant_ns: int | None) -> None:
    assert parse_instant_ns(text) == instant_ns


def test_an_unset_server_time_counts_as_absent() -> None:
    order = translation.order_from(altered(ORDER, updateTimestamp="0001-01-01T00:00:00"))
    assert order.updated_ns == 0


NO_TIMES = (
    "0001-01-01T00:00:00",
    "1970-01-01T00:00:01Z",
    "1999-12-31T23:59:59.999Z",
    "2200-01-01T00:00:00Z",
    "2300-01-01T00:00:00Z",
    "9999-12-31T23:59:59.9999999+00:00",
)
"""No time of our days: unset, "never", or nonsense that no calendar and no column can hold."""


@pytest.mark.parametrize("text", NO_TIMES)
def test_a_fill_of_no_time_is_refused_and_elsewhere_such_a_time_counts_as_absent(text: str) -> None:
    with pytest.raises(PayloadError, match="creationTimestamp"):
        translation.fill_from(altered(TRADE, creationTimestamp=text))
    order = translation.order_from(altered(ORDER, creationTimestamp=text, updateTimestamp=text))
    assert (order.created_ns, order.updated_ns) == (0, 0)
    assert translation.position_from(altered(POSITION, creationTimestamp=text)).opened_ns == 0


@pytest.mark.parametrize("text", ["2000-01-01T00:00:00Z", "2199-12-31T23:59:59Z"])
def test_any_time_that_can_be_meant_is_one(text: str) -> None:
    fill = translation.fill_from(altered(TRADE, creationTimestamp=text))
    assert fill.at_ns == parse_instant_ns(text)


@pytest.mark.parametrize(
    ("payload", "count"),
    [
        (ORDER, 1),
        ({"action": 1, "data": ORDER}, 1),
        ({"data": ORDER}, 1),
        ([ORDER, {"action": 0, "data": ORDER}], 2),
        ({"action": 1, "data": [ORDER, ORDER]}, 2),
        ([], 0),
    ],
)
def test_events_are_unwrapped(payload: object, count: int) -> None:
    rows = translation.event_rows("GatewayUserOrder", payload)
    assert rows == [ORDER] * count


def test_a_hole_in_a_list_spoils_it() -> None:
    with pytest.raises(PayloadError):
        translation.rows_from({"orders": [ORDER, {}]}, "orders", translation.order_from, "x")
    with pytest.raises(PayloadError):
        translation.rows_from({"orders": None}, "orders", translation.order_from, "x")


@given(JSON)
def test_junk_raises_nothing_but_payload_errors(junk: Any) -> None:
    merger = QuoteMerger()
    readers: list[Any] = [decode for decode, _ in DECODERS.values()]
    readers += [
        lambda value: translation.event_rows("x", value),
        lambda value: translation.rows_from(value, "a", translation.order_from, "x"),
        lambda value: merger.update(value, value, 1),
        lambda value: merger.trade(value, value, 1),
        lambda value: merger.update("CON.F.US.EP.U25", value, 1),
        lambda value: merger.trade("CON.F.US.EP.U25", value, 1),
    ]
    for read in readers:
        with suppress(PayloadError):
            read(junk)


@given(st.sampled_from(sorted(DECODERS)), st.data())
def test_junk_in_one_field_raises_nothing_but_payload_errors(
    kind: str, data: st.DataObject
) -> None:
    decode, sample = DECODERS[kind]
    field = data.draw(st.sampled_from(sorted(sample)))
    with suppress(PayloadError):
        decode(altered(sample, **{field: data.draw(JSON)}))


def test_an_unprintable_payload_is_still_reported() -> None:
    nested: list[Any] = []
    for _ in range(100_000):
        nested = [nested]
    with pytest.raises(PayloadError) as raised:
        translation.order_from(nested)
    assert raised.value.payload_excerpt == "<unprintable list>"


def test_credentials_do_not_reach_the_excerpt() -> None:
    with pytest.raises(PayloadError) as raised:
        translation.order_from({"token": "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjF9.c2ln"})
    assert "eyJ" not in raised.value.payload_excerpt
