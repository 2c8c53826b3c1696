"""What garbled events look like on the wire."""

import json
from typing import Any, get_args

import pytest

from risk_actors.simulator import garble, signalr
from risk_actors.simulator.faults_stream import How

TARGET = "GatewayUserPosition"
DATA = {"id": 501, "accountId": 101, "contractId": "CON.F.US.MNQ.Z26", "size": 2, "type": 1}
USER = [{"action": 1, "data": DATA}]
QUOTE = ["CON.F.US.MNQ.Z26", {"symbol": "F.US.MNQ", "bestBid": 100.25}]
TRADES = ["CON.F.US.MNQ.Z26", [{"symbolId": "F.US.MNQ", "price": 100.25}]]


def message(how: Any, arguments: list[Any], n: int = 0) -> Any:
    frame = garble.frames(how, TARGET, arguments)[n]
    assert frame.endswith(signalr.SEPARATOR)
    return json.loads(frame.removesuffix(signalr.SEPARATOR))


def data(how: Any, arguments: list[Any]) -> Any:
    last = message(how, arguments)["arguments"][-1]
    return last["data"] if arguments is USER else last


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("string_ids", DATA | {"id": "501", "accountId": "101"}),
        ("missing_fields", {"id": 501}),
        ("null_fields", DATA | {"size": None, "type": None}),
        (
            "wrong_types",
            {
                "id": "seven",
                "accountId": "seven",
                "contractId": 7,
                "size": "seven",
                "type": "seven",
            },
        ),
        ("text", "garbage"),
        ("null", None),
        ("list", [DATA]),
    ],
)
def test_the_data_of_a_user_event_is_changed(how: Any, expected: Any) -> None:
    assert data(how, USER) == expected
    assert message(how, USER)["arguments"][0]["action"] == 1
    assert USER == [{"action": 1, "data": DATA}]


def test_market_data_is_changed_bare_and_in_lists() -> None:
    assert data("missing_fields", QUOTE) == {"symbol": "F.US.MNQ"}
    assert data("wrong_types", TRADES) == [{"symbolId": 7, "price": "seven"}]
    assert data("text", QUOTE) == "garbage"
    assert message("text", QUOTE)["arguments"][0] == QUOTE[0]


def test_fields_nobody_knows_are_beside_the_true_ones() -> None:
    extra = data("extra_fields", USER)
    assert extra.items() >= DATA.items()
    assert isinstance(extra["riskProfile"], dict)


def test_frames_can_be_wrong_as_a_whole() -> None:
    assert message("no_arguments", USER)["arguments"] == []
    assert set(message("unknown_keys", USER)) == {"type", "target", "arguments", "traceId"}
    assert len(garble.frames("too_large", TARGET, USER)[0]) > 1 << 20
    with pytest.raises(ValueError, match="column"):
        message("not_json", USER)


def test_an_unknown_target_comes_after_the_true_event() -> None:
    assert message("unknown_target", USER)["target"] == TARGET
    assert message("unknown_target", USER, 1)["target"] == f"{TARGET}V2"


@pytest.mark.parametrize("how", get_args(How.__value__))
@pytest.mark.parametrize("arguments", [USER, QUOTE, TRADES])
def test_every_way_makes_another_frame_of_every_event(how: Any, arguments: list[Any]) -> None:
    made = garble.frames(how, TARGET, arguments)
    if how == "string_ids" and arguments is not USER:
        return  # market data has no whole numbers for ids
    assert made != [signalr.invocation(TARGET, arguments)]
