"""One answer out of bytes in whatever pieces."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_actors.projectx.wire_answer import (
    LONGEST_ANSWER_BYTES,
    AnswerReader,
    UnreadableAnswerError,
    WireAnswer,
)

SAID = b'{"success":true,"errorCode":0}'
DATE = b"Date: Wed, 21 Oct 2026 07:28:00 GMT\r\n"


def counted(head: bytes = b"HTTP/1.1 200 OK\r\n", body: bytes = SAID) -> bytes:
    return head + DATE + b"Content-Length: %d\r\n\r\n" % len(body) + body


CHUNKED = (
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n" + DATE + b"\r\n"
    b"7\r\n" + SAID[:7] + b"\r\n%x;ext=1\r\n" % (len(SAID) - 7) + SAID[7:] + b"\r\n"
    b"0\r\nTrailer: x\r\n\r\n"
)
CONTINUED = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + counted()
WHOLE = {"counted": counted(), "chunked": CHUNKED, "continued": CONTINUED}


def read(*pieces: bytes) -> WireAnswer | None:
    reader = AnswerReader()
    answer = None
    for number, piece in enumerate(pieces):
        assert answer is None
        answer = reader.feed(piece, number)
    return answer


@pytest.mark.parametrize("data", WHOLE.values(), ids=WHOLE)
def test_an_answer_is_read(data: bytes) -> None:
    answer = read(data)

    assert answer == WireAnswer(
        status=200,
        body=SAID,
        date="Wed, 21 Oct 2026 07:28:00 GMT",
        retry_after=None,
        came_ns=0,
        is_reusable=True,
    )


@given(st.sampled_from(sorted(WHOLE)), st.data())
def test_it_is_the_same_in_whatever_pieces_it_comes(name: str, data: st.DataObject) -> None:
    whole = WHOLE[name]
    cuts = sorted(data.draw(st.sets(st.integers(1, len(whole) - 1))))
    edges = [0, *cuts, len(whole)]
    pieces = [whole[begin:end] for begin, end in pairwise(edges)]
    expected = read(whole)
    assert expected is not None

    answer = read(*pieces)

    assert answer is not None
    assert answer._replace(came_ns=0) == expected


@given(st.sampled_from(sorted(WHOLE)), st.data())
def test_one_that_is_cut_short_is_none(name: str, data: st.DataObject) -> None:
    whole = WHOLE[name]
    reader = AnswerReader()
    cut = data.draw(st.integers(0, len(whole) - 1))
    if cut:
        assert reader.feed(whole[:cut], 0) is None

    with pytest.raises(EOFError):
        reader.feed(b"", 1)


@given(st.lists(st.binary(min_size=1), max_size=5))
def test_whatever_comes_it_is_an_answer_or_it_is_said_that_it_is_none(pieces: list[bytes]) -> None:
    reader = AnswerReader()
    try:
        for piece in (*pieces, b""):
            if reader.feed(piece, 0) is not None:
                return
    except (EOFError, UnreadableAnswerError):
        return
    raise AssertionError("neither")


def test_it_came_when_its_head_was_complete() -> None:
    whole = counted()
    head, body = whole[: -len(SAID)], whole[-len(SAID) :]

    answer = read(head[:10], head[10:], body)

    assert answer is not None
    assert answer.came_ns == 1


@pytest.mark.parametrize(
    "data",
    [
        counted(b"HTTP/1.1 200 OK\r\nConnection: close\r\n"),
        counted(b"HTTP/1.0 200 OK\r\n"),
        counted() + b"HTTP/1.1 200 OK\r\n",
    ],
    ids=["close", "1.0", "more than was asked for"],
)
def test_a_connection_that_is_to_end_is_not_used_again(data: bytes) -> None:
    answer = read(data)
    assert answer is not None
    assert (answer.status, answer.body, answer.is_reusable) == (200, SAID, False)


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_an_answer_without_a_length_ends_with_the_connection(version: bytes) -> None:
    answer = read(b"HTTP/" + version + b" 200 OK\r\n\r\n", SAID, b"")
    assert answer is not None
    assert (answer.body, answer.is_reusable) == (SAID, False)


@pytest.mark.parametrize("status", [204, 304])
def test_some_answers_have_no_body_whatever_they_say(status: int) -> None:
    answer = read(b"HTTP/1.1 %d X\r\nRetry-After: 7\r\n\r\n" % status)
    assert answer is not None
    assert (answer.status, answer.body, answer.retry_after) == (status, b"", "7")


def test_one_that_is_too_long_is_cut_and_its_connection_not_used_again() -> None:
    reader = AnswerReader()
    assert reader.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 4000000000\r\n\r\n", 0) is None
    fed, answer = 0, None
    while answer is None:
        answer = reader.feed(b" " * 10_000, 0)
        fed += 10_000
    assert not answer.is_reusable
    assert LONGEST_ANSWER_BYTES < fed <= LONGEST_ANSWER_BYTES + 10_000


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000,
    ],
)
def test_what_is_no_http_is_unreadable(data: bytes) -> None:
    with pytest.raises(UnreadableAnswerError):
        read(data)
