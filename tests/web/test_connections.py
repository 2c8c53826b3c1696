"""How many connections are held, and for how long one that asks nothing."""

import asyncio
import socket
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, closing

import pytest
from loguru import logger

from risk_actors.web import connections
from risk_actors.web.connections import MOST_FROM_ELSEWHERE, MOST_OPEN, is_from_here, say_once
from tests.web.served import Served

type Serve = Callable[..., Served]


@pytest.fixture
def sockets() -> Generator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def opened(
    served: Served, sockets: ExitStack, said: bytes = b"GET", source: str = "127.0.0.1"
) -> socket.socket:
    sock = socket.create_connection(
        ("127.0.0.1", served.port), timeout=10, source_address=(source, 0)
    )
    sockets.enter_context(closing(sock))
    sock.sendall(said)
    return sock


def is_hung_up(sock: socket.socket, within_s: float) -> bool:
    sock.settimeout(within_s)
    try:
        return sock.recv(100) == b""
    except ConnectionError:
        return True
    except (TimeoutError, BlockingIOError):
        return False


def eventually(condition: Callable[[], bool], deadline_s: float = 8.0) -> None:
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, "the condition did not come true in time"
        threading.Event().wait(0.02)


def is_served(served: Served) -> bool:
    try:
        return served.ask("/api/state").status == 200
    except OSError:
        return False


def test_only_so_many_connections_are_held_and_the_others_are_closed_at_once(
    serve: Serve, sockets: ExitStack
) -> None:
    served = serve()

    first = [opened(served, sockets) for _ in range(MOST_OPEN)]
    beyond = [opened(served, sockets, b"") for _ in range(50)]

    assert all(is_hung_up(sock, 3.0) for sock in beyond)
    rest = f" /livez HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nConnection: close\r\n\r\n"
    for sock in first:
        sock.settimeout(5)
        sock.sendall(rest.encode())
        assert sock.recv(100).startswith(b"HTTP/1.1 200")
    eventually(lambda: is_served(served))


def test_a_crowd_that_never_ends_its_first_request_loses_its_places_by_itself(
    serve: Serve, sockets: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "FIRST_REQUEST_S", 0.5)
    served = serve()
    crowd = [opened(served, sockets, b"") for _ in range(300)]

    eventually(lambda: is_served(served))

    assert all(is_hung_up(sock, 3.0) for sock in crowd)


def test_who_has_asked_once_is_kept_for_the_next_request(
    serve: Serve, sockets: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "FIRST_REQUEST_S", 0.3)
    served = serve()
    request = f"GET /livez HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n\r\n".encode()
    sock = opened(served, sockets, request)
    assert sock.recv(4096).startswith(b"HTTP/1.1 200")

    assert not is_hung_up(sock, 0.8)

    sock.settimeout(5)
    sock.sendall(request)
    assert sock.recv(4096).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("peer", "own", "here"),
    [
        (("127.0.0.1", 5), ("127.0.0.1", 8787), True),
        (("192.168.1.20", 5), ("192.168.1.20", 8787), True),
        (("::1", 5, 0, 0), ("::1", 8787, 0, 0), True),
        (("192.168.1.9", 5), ("192.168.1.20", 8787), False),
        (None, ("127.0.0.1", 8787), False),
        (("127.0.0.1", 5), None, False),
    ],
)
def test_who_comes_from_the_very_address_that_it_asks_is_on_this_machine(
    peer: tuple[object, ...] | None, own: tuple[object, ...] | None, here: bool
) -> None:
    assert is_from_here(peer, own) is here


@pytest.mark.skipif(sys.platform != "linux", reason="needs a second loopback address")
def test_a_crowd_from_elsewhere_leaves_places_for_this_machine(
    serve: Serve, sockets: ExitStack
) -> None:
    served = serve()
    crowd = [opened(served, sockets, b"", "127.0.0.2") for _ in range(MOST_FROM_ELSEWHERE + 30)]

    assert is_served(served)

    assert all(is_hung_up(sock, 3.0) for sock in crowd[MOST_FROM_ELSEWHERE:])
    assert not any(is_hung_up(sock, 0) for sock in crowd[:MOST_FROM_ELSEWHERE])


def test_running_out_of_descriptors_is_said_once_and_other_faults_each_time() -> None:
    said: list[str] = []
    sink = logger.add(said.append, level="WARNING", format="{message}")
    passed_on: list[str] = []

    async def run() -> None:
        loop = asyncio.get_running_loop()
        loop.default_exception_handler = (  # type: ignore[method-assign]
            lambda context: passed_on.append(context["message"])
        )
        loop.set_exception_handler(say_once())
        for _ in range(100):
            loop.call_exception_handler(
                {
                    "message": "socket.accept() out of system resource",
                    "exception": OSError(24, "Too many open files"),
                }
            )
        for _ in range(2):
            loop.call_exception_handler({"message": "something else"})

    asyncio.run(run())
    logger.remove(sink)

    (line,) = said
    assert "no connection can be taken (Too many open files)" in line
    assert passed_on == ["something else"] * 2
