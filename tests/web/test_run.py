"""Who answers, and when it was told: what a client knows before it believes or sends anything."""

import http.client
import itertools
import json
import os
import select
import socket
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from tests.web.served import Served

pytestmark = [pytest.mark.real_time]

type Serve = Callable[..., Served]
RUN = "0123456789abcdef0123456789abcdef"
TOKEN = "a-token-of-ours-0123456789"


@contextmanager
def listening(port: int) -> Iterator[Iterator[bytes]]:
    """Yield the lines of the stream that are not empty."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", "/api/events")
    with connection.getresponse() as response:
        yield (line for line in iter(response.readline, b"") if line.strip())
    connection.close()


def event(lines: Iterator[bytes]) -> tuple[str, Any]:
    """Return the name and the data of the next event."""
    name = "message"
    for line in lines:
        key, _, value = line.strip().partition(b": ")
        if key == b"data":
            return name, json.loads(value)
        name = value.decode()
    raise AssertionError("the stream ended")


def age_s(told: dict[str, Any]) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(told["at"])).total_seconds()


def test_every_answer_tells_when_it_was_written_and_by_which_run(serve: Serve) -> None:
    served = serve(run=RUN)
    first, second = served.ask("/api/state").json, served.ask("/api/state").json
    assert first["run"] == second["run"] == RUN
    assert 0 <= age_s(second) <= age_s(first) < 2
    with listening(served.port) as lines:
        name, state = event(lines)
    assert (name, state["run"]) == ("message", RUN)
    assert {**state, "at": ""} == {**first, "at": ""}


def test_a_line_without_news_says_within_a_second_that_the_guard_lives(serve: Serve) -> None:
    with listening(serve(run=RUN).port) as lines:
        event(lines)
        for _ in range(2):
            began_s = time.monotonic()
            name, told = event(lines)
            assert time.monotonic() - began_s < 1.5
            assert (name, told.keys(), told["run"]) == ("alive", {"at", "run"}, RUN)
            assert age_s(told) < 1


def test_a_state_that_cannot_be_read_is_not_said_to_be_alive(serve: Serve) -> None:
    served = serve(run=RUN)
    healthy = served.picture
    with listening(served.port) as lines:
        assert next(lines).startswith(b"data: ")
        del served.picture
        # One may have been on its way.
        comments = [next(lines) for _ in range(3)][1:]
        assert comments == [b": the state cannot be read now\n"] * 2
        served.picture = msgspec.structs.replace(healthy, phase="degraded")
        state = next(line for line in lines if line.startswith(b"data: "))
        assert json.loads(state.removeprefix(b"data: "))["phase"] == "degraded"


def test_states_do_not_queue_for_a_line_that_takes_them_slowly(serve: Serve) -> None:
    served = serve(run=RUN)
    shown = served.picture
    with socket.socket() as line, line.makefile("rb") as lines:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.settimeout(5)
        line.connect(("127.0.0.1", served.port))
        line.sendall(f"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n\r\n".encode())
        until_s = time.monotonic() + 3
        for number in itertools.count():
            # Each is another one, and larger than what may wait for a line.
            served.picture = msgspec.structs.replace(shown, notices=(f"{number} " + "x" * 50_000,))
            if not select.select([], [], [], 0.05)[0] and time.monotonic() >= until_s:
                break
        states = (json.loads(each[6:]) for each in lines if each.startswith(b"data: {"))
        old = list(itertools.takewhile(lambda told: age_s(told) > 1, states))
    assert len(old) <= 1, [age_s(told) for told in old]


def test_states_are_packed_for_those_who_can_unpack_them(serve: Serve) -> None:
    served = serve(run=RUN)
    shown = msgspec.structs.replace(served.picture, notices=("notice",) * 1_000)
    unpacking, took = zlib.decompressobj(wbits=31), 0
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=5)
    connection.request("GET", "/api/events", headers={"Accept-Encoding": "gzip"})
    with connection.getresponse() as response:
        for number in range(3):
            served.picture = msgspec.structs.replace(shown, detail=f"number {number}")
            told = b""
            while f'"detail":"number {number}"'.encode() not in told:
                packed = response.read1()
                took += len(packed)
                told += unpacking.decompress(packed)
    connection.close()
    assert took < 3_000 < len(msgspec.json.encode(shown))


@pytest.mark.parametrize("token", [None, TOKEN])
def test_who_answers_is_told_without_a_token(serve: Serve, token: str | None) -> None:
    served = serve(run=RUN, token=token)
    reply = served.ask("/api/run")
    assert (reply.status, reply.json) == (200, {"run": RUN, "pid": os.getpid()})


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}])
def test_who_answers_is_not_told_to_other_sites(serve: Serve, headers: dict[str, str]) -> None:
    assert serve(run=RUN).ask("/api/run", headers=headers).status == 403


def test_each_server_is_another_run(serve: Serve) -> None:
    runs = {serve().ask("/api/run").json["run"] for _ in range(2)}
    assert len(runs) == 2
    assert all(len(run) >= 16 for run in runs)
