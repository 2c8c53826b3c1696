"""The quick reading gives what the thorough one gives, for whatever comes."""

import json
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_actors.core.broker import Account, Fill, Order, Position
from risk_actors.projectx import lean_rows, translation
from risk_actors.projectx.errors import PayloadError
from risk_actors.projectx.lean_rows import rows_in

MYM = "CON.F.US.MYM.M26"
AT = "2026-05-06T13:36:03.4962794+00:00"
SAMPLES: dict[str, dict[str, Any]] = {
    "GatewayUserOrder": {
        "id": 9001, "accountId": 123456, "contractId": MYM, "symbolId": "F.US.MYM",
        "creationTimestamp": AT, "updateTimestamp": AT, "status": 6, "type": 2, "side": 0,
        "size": 15, "fillVolume": 0, "limitPrice": 49909.25, "stopPrice": None,
        "customTag": "t", "parentOrderId": 0, "linkedOrderId": 7,
    },
    "GatewayUserTrade": {
        "id": 7001, "accountId": 123456, "contractId": MYM, "creationTimestamp": AT,
        "price": 49909, "fees": 5.55, "commissions": 3.75, "side": 0, "size": 15,
        "voided": False, "orderId": 9002, "profitAndLoss": -468.75,
    },
    "GatewayUserPosition": {
        "id": 501, "accountId": 123456, "contractId": MYM, "contractDisplayName": "MYMM26",
        "creationTimestamp": AT, "type": 1, "size": 15, "averagePrice": 49909,
    },
    "GatewayUserAccount": {
        "id": 123456, "name": "150KTC-V2-1", "balance": 150175.38, "canTrade": True,
        "isVisible": True, "simulated": True,
    },
}  # fmt: skip
READERS: dict[str, Any] = {
    "GatewayUserAccount": translation.account_from,
    "GatewayUserPosition": translation.position_from,
    "GatewayUserOrder": translation.order_from,
    "GatewayUserTrade": translation.fill_from,
}
ODD: list[Any] = [
    None, True, False, 0, 1, 2, 3, 8, 9, -1, 12, 15.0, 15.5, "15", " 15 ", "", "x", 1e300, 1e12,
    1e-13, 0.1, 49909.123456789012345, 2**63, -(2**63), 2**53 + 1, [], {}, [1], "true", "é" * 257,
    "y" * 200,
    AT, "2026-05-06T13:36:03Z", "2026-05-06T13:36:03.5", "2026-05-06T13:36:03.123456789012Z",
    "2026-05-06T13:36:03.5+00:00Z", "2026-05-06T13:36:03.5+02:00", "2026-05-06 13:36:03,5Z",
    " 2026-05-06T13:36:03.5Z", "2026-05-06T13:36:03.Z", "2026-05-06T13:36:03.٣Z", "2026-05-06",
    "0001-01-01T00:00:00", "9999-12-31T23:59:59.9999999Z", "2026-02-30T00:00:00.1Z",
    "2026-05-06T13:36:03+02:00.5Z",
]  # fmt: skip


def outcome(found: object) -> object:
    """What was read; of what was refused, the words without the excerpt."""
    if isinstance(found, PayloadError):
        return found.source, found.detail
    return found


def quick(target: str, arguments: Any) -> list[object]:
    return [outcome(each) for each in rows_in(target, msgspec.Raw(orjson.dumps(arguments)))]


def thorough(target: str, arguments: list[Any]) -> list[object]:
    """What line A makes of the same bytes."""
    found: list[object] = []
    try:
        for argument in orjson.loads(orjson.dumps(arguments)):
            for row in translation.event_rows(target, argument):
                try:
                    found.append(READERS[target](row, target))
                except PayloadError as error:
                    found.append(outcome(error))
    except PayloadError as error:
        found.append(outcome(error))
    return found


def forms(row: Any) -> list[list[Any]]:
    """One row as it may come."""
    return [
        [{"action": 1, "data": row}],
        [row],
        [{"data": row}, {"data": row}],
        [[{"action": 0, "data": row}, row]],
        [{"id": 1, "data": row}],
        [{"data": [row]}],
        [{"data": {"data": row}}],
    ]


@pytest.mark.parametrize("target", SAMPLES)
def test_the_usual_form_is_read_quickly(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(lean_rows._Kind, "_read_thoroughly")
    (row,) = quick(target, [{"action": 1, "data": SAMPLES[target]}])
    assert isinstance(row, Account | Position | Order | Fill)
    assert [row] == thorough(target, [SAMPLES[target]])


@pytest.mark.parametrize("target", SAMPLES)
def test_both_readings_agree_on_every_odd_value_of_every_field(target: str) -> None:
    sample = SAMPLES[target]
    for name in sample:
        for value in ODD:
            for arguments in forms({**sample, name: value}):
                try:
                    orjson.dumps(arguments)
                except orjson.JSONEncodeError:
                    continue
                assert quick(target, arguments) == thorough(target, arguments), (name, value)
        without = {key: value for key, value in sample.items() if key != name}
        for arguments in forms(without):
            assert quick(target, arguments) == thorough(target, arguments), name


VALUES = st.sampled_from([value for value in ODD if not isinstance(value, float) or value < 1e299])


@given(data=st.data(), target=st.sampled_from(sorted(SAMPLES)))
def test_both_readings_agree_on_any_row(data: st.DataObject, target: str) -> None:
    sample = SAMPLES[target]
    names = st.sampled_from([*sorted(sample), "data", "action"])
    changes = data.draw(st.dictionaries(names, VALUES, max_size=4))
    row = {name: value for name, value in {**sample, **changes}.items() if value is not None}
    try:
        orjson.dumps(row)
    except orjson.JSONEncodeError:
        return
    for arguments in forms(row):
        assert quick(target, arguments) == thorough(target, arguments)


def test_one_row_that_makes_no_sense_does_not_cost_the_others() -> None:
    good = SAMPLES["GatewayUserPosition"]
    found = quick("GatewayUserPosition", [{"data": good}, {"data": {"id": 1}}, {"data": good}])
    assert [isinstance(each, Position) for each in found] == [True, False, True]


@pytest.mark.parametrize(
    "arguments",
    [
        b"nonsense",
        b"{",
        b"1",
        b"null",
        b"[1]",
        b'["x"]',
        b"[" * 5000,
        b'["\xff"]',
        b'[{"data":{"customTag":"\xff"}}]',
    ],
)
def test_junk_is_refused_in_words_and_never_raised(arguments: bytes) -> None:
    found = rows_in("GatewayUserOrder", msgspec.Raw(arguments))
    assert found
    assert all(isinstance(each, PayloadError) for each in found)


def test_an_event_that_is_not_known_tells_nothing() -> None:
    assert rows_in("GatewayNews", msgspec.Raw(json.dumps([1]).encode())) == []
