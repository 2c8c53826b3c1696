"""The stream's events, however the line cuts them."""

import pytest

from risk_actors.watch import sse
from risk_actors.watch.sse import Event, EventParser, StreamError

STREAM = (
    b'data: {"a": 1}\n\n: ping\n\nevent: alive\ndata: {}\n\ndata: {"b": 2}\r\ndata: more\r\n\r\n'
)
EVENTS = [Event(b'{"a": 1}'), Event(b"{}", "alive"), Event(b'{"b": 2}\nmore')]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_events_are_whole_whatever_the_pieces(size: int) -> None:
    parser = EventParser()
    pieces = [STREAM[start : start + size] for start in range(0, len(STREAM), size)]

    assert [event for piece in pieces for event in parser.feed(piece)] == EVENTS


@pytest.mark.parametrize(
    ("piece", "told"),
    [
        (b": ping\n\n", []),
        (b"\n\n\n", []),
        (b"data:tight\n\n", [Event(b"tight")]),
        (b"data:  two\n\n", [Event(b" two")]),
        (b"event: x\nid: 4\ndata: y\n\n", [Event(b"y", "x")]),
        (b"data\n\n", [Event(b"")]),
        (b"data: not ended\n", []),
    ],
)
def test_what_is_no_data_tells_nothing(piece: bytes, told: list[Event]) -> None:
    assert EventParser().feed(piece) == told


def test_an_event_without_end_does_not_fill_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "_MOST_BYTES", 100)
    parser = EventParser()
    parser.feed(b"data: " + b"x" * 50)
    with pytest.raises(StreamError, match="does not end"):
        parser.feed(b"x" * 50)
