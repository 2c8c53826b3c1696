"""SignalR's bytes, whole and in pieces, sane and not."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_actors.projectx.lean_frames import (
    HANDSHAKE,
    MAX_RECORD,
    SEPARATOR,
    Closed,
    Completed,
    Event,
    Invoked,
    LeanProtocol,
    Opened,
    Oversized,
    Pinged,
    Refused,
    Unread,
)

POSITION = {"action": 1, "data": {"id": 501}}


def wire(*messages: Any) -> bytes:
    return b"".join(json.dumps(message).encode() + SEPARATOR for message in messages)


def told(target: str, *arguments: Any) -> dict[str, Any]:
    return {"type": 1, "target": target, "arguments": list(arguments)}


def opened() -> LeanProtocol:
    protocol = LeanProtocol()
    assert protocol.receive(wire({})) == [Opened()]
    return protocol


def plain(events: list[Event]) -> list[Any]:
    """Arguments as text, for raw JSON does not compare."""
    return [
        (event.target, bytes(event.arguments)) if isinstance(event, Invoked) else event
        for event in events
    ]


def test_the_handshake_asks_for_json() -> None:
    assert HANDSHAKE == b'{"protocol":"json","version":1}\x1e'


def test_messages_may_come_right_behind_the_handshakes_answer() -> None:
    events = LeanProtocol().receive(wire({}, {"type": 6}, told("GatewayUserPosition", POSITION)))
    assert plain(events) == [
        Opened(),
        Pinged(),
        ("GatewayUserPosition", json.dumps([POSITION]).encode()),
    ]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (wire({"error": "version 0"}), "version 0"),
        (wire({"type": 7}), "it closed at once"),
        (b"<html>\x1e", "its answer to the handshake makes no sense"),
    ],
)
def test_a_refused_handshake_is_told(answer: bytes, words: str) -> None:
    assert LeanProtocol().receive(answer) == [Refused(words)]


@pytest.mark.parametrize(
    ("message", "event"),
    [
        ({"type": 3, "invocationId": "1", "result": None}, Completed("1", None)),
        ({"type": 3, "invocationId": "2", "error": "no"}, Completed("2", "no")),
        ({"type": 7}, Closed(None)),
        ({"type": 7, "error": "Connection closed with an error."},
         Closed("Connection closed with an error.")),
        ({"type": 6, "new": {"key": [1]}}, Pinged()),
    ],
)  # fmt: skip
def test_each_kind_of_message_is_told(message: Any, event: Event) -> None:
    assert opened().receive(wire(message)) == [event]


@pytest.mark.parametrize("message", [{"type": 99}, {"type": 2, "item": 1}, {"type": 3}, {}])
def test_what_is_not_known_is_passed_over(message: Any) -> None:
    assert opened().receive(wire(message, {"type": 6})) == [Pinged()]


@pytest.mark.parametrize(
    "junk",
    [
        b"junk", b"[1]", b'"text"', b'{"type":"x"}', b"\xff", b"[" * 9000,
        b'{"type":1,"target":"\xff"}',
    ],
)  # fmt: skip
def test_junk_is_told_and_the_next_message_is_read(junk: bytes) -> None:
    unread, pinged = opened().receive(junk + SEPARATOR + wire({"type": 6}))
    assert isinstance(unread, Unread)
    assert pinged == Pinged()


def test_an_excerpt_shows_no_token() -> None:
    (unread,) = opened().receive(b"access_token=eyJhbGciOi.eyJzdWIi.c2ln oops" + SEPARATOR)
    assert isinstance(unread, Unread)
    assert "eyJ" not in unread.payload_excerpt


def test_a_message_without_an_end_is_bounded() -> None:
    protocol = opened()
    chunk = b"x" * (1 << 18)
    events: list[Event] = []
    for _ in range(6):
        events += protocol.receive(chunk)
    assert events == [Oversized(MAX_RECORD + len(chunk))]
    assert len(protocol._rest) <= MAX_RECORD


def test_a_giant_message_is_not_decoded() -> None:
    giant = b'{"type":6,"x":"' + b"x" * MAX_RECORD + b'"}' + SEPARATOR
    (event,) = opened().receive(giant)
    assert isinstance(event, Oversized)


def test_calls_are_numbered_and_end_with_the_separator() -> None:
    protocol = LeanProtocol()
    assert [protocol.call("SubscribeOrders", [101])[0] for _ in range(2)] == ["1", "2"]
    _, message = protocol.call("SubscribeAccounts", [])
    assert json.loads(message.removesuffix(SEPARATOR)) == {
        "type": 1,
        "invocationId": "3",
        "target": "SubscribeAccounts",
        "arguments": [],
    }


@given(cuts=st.lists(st.integers(0, 400), max_size=12))
def test_it_does_not_matter_where_the_bytes_are_cut(cuts: list[int]) -> None:
    data = wire(
        {},
        told("GatewayUserTrade", {"data": {"name": "ü"}}),
        {"type": 6},
        {"type": 7, "error": "x"},
    )
    whole = plain(LeanProtocol().receive(data))
    protocol = LeanProtocol()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[a:b] for a, b in pairwise(edges)]
    assert plain([event for piece in pieces for event in protocol.receive(piece)]) == whole


@given(junk=st.binary(max_size=300))
def test_nothing_that_comes_raises(junk: bytes) -> None:
    LeanProtocol().receive(junk)
    opened().receive(junk + SEPARATOR)
