"""One warm connection: what is sent, what counts as sent, and what is read."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from rest_rig import http_answer
from wire_rig import server_tls, trusted

from risk_actors.projectx.wire_connection import WireConnection
from risk_actors.projectx.wire_dial import tls_context
from risk_actors.projectx.wire_exchange import Exchange
from risk_actors.projectx.wire_reader import WireReader

SAID = b'{"success":true}'
WITHIN_S = 5.0


class Wire:
    """A connection with its far end in the test's hand."""

    def __init__(self, reader: WireReader, *, is_tls: bool) -> None:
        near, self.far = socket.socketpair()
        self.far.settimeout(WITHIN_S)
        if is_tls:
            near = self._agree(near)
        near.setblocking(False)
        near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        self.near = near
        self.free, self.lost = threading.Semaphore(0), threading.Semaphore(0)
        self.connection = WireConnection(
            near,
            reader,
            lambda: 7,
            lambda _: self.free.release(),
            lambda _: self.lost.release(),
        )
        self.connection.begin()

    def _agree(self, near: socket.socket) -> socket.socket:
        ours, theirs = tls_context(), server_tls()
        theirs.num_tickets = 0  # whose reading would make the first request wait for its turn

        def serve() -> None:
            self.far = theirs.wrap_socket(self.far, server_side=True)

        serving = threading.Thread(target=serve)
        serving.start()
        agreed = ours.wrap_socket(near, server_hostname="localhost")
        serving.join(WITHIN_S)
        return agreed

    def read(self, length: int) -> bytes:
        data = b""
        while len(data) < length:
            data += self.far.recv(65_536)
        return data


@contextmanager
def wired(*, is_tls: bool) -> Iterator[Wire]:
    reader = WireReader("wires of a test")
    reader.start()
    made = Wire(reader, is_tls=is_tls)
    yield made
    made.connection.give_up()
    reader.stop(WITHIN_S)
    made.far.close()


@pytest.fixture(params=[False, True], ids=["plain", "tls"])
def wire(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Wire]:
    monkeypatch.setenv("SSL_CERT_FILE", trusted(tmp_path))
    with wired(is_tls=request.param) as made:
        yield made


@pytest.fixture
def plain() -> Iterator[Wire]:
    with wired(is_tls=False) as made:
        yield made


def on_loop(work: Callable[[asyncio.AbstractEventLoop], Awaitable[None]]) -> None:
    async def run() -> None:
        await work(asyncio.get_running_loop())

    asyncio.run(run())


def test_what_does_not_fit_follows_and_counts_as_sent(wire: Wire) -> None:
    request = bytes(range(256)) * 8192

    async def work(loop: asyncio.AbstractEventLoop) -> None:
        exchange = Exchange(loop)
        assert wire.connection.send(exchange, request)
        assert await loop.run_in_executor(None, wire.read, len(request)) == request
        wire.far.sendall(http_answer(200, SAID))
        answer = await exchange.result(loop.time() + WITHIN_S)
        assert (answer.body, answer.is_reusable, answer.came_ns) == (SAID, True, 7)
        assert wire.free.acquire(timeout=WITHIN_S)
        again = Exchange(loop)
        assert wire.connection.send(again, b"next")
        wire.far.sendall(http_answer(200))
        assert (await again.result(loop.time() + WITHIN_S)).status == 200

    on_loop(work)


def test_an_answer_before_the_request_has_left_is_its_answer_and_the_connections_end(
    wire: Wire,
) -> None:
    async def work(loop: asyncio.AbstractEventLoop) -> None:
        exchange = Exchange(loop)
        assert wire.connection.send(exchange, b"x" * 4_000_000)
        wire.far.sendall(http_answer(413))
        assert (await exchange.result(loop.time() + WITHIN_S)).status == 413
        assert wire.lost.acquire(timeout=WITHIN_S)

    on_loop(work)


def test_without_room_for_a_byte_nothing_is_sent_and_nothing_will_be(plain: Wire) -> None:
    filled = 0
    with suppress(BlockingIOError):
        while True:
            filled += plain.near.send(b"x" * 4096)

    async def work(loop: asyncio.AbstractEventLoop) -> None:
        assert not plain.connection.send(Exchange(loop), b"POST")
        assert plain.lost.acquire(timeout=WITHIN_S)
        assert plain.read(filled) == b"x" * filled
        assert plain.far.recv(10) == b""

    on_loop(work)


def test_one_request_at_a_time(wire: Wire) -> None:
    async def work(loop: asyncio.AbstractEventLoop) -> None:
        assert wire.connection.send(Exchange(loop), b"one")
        assert not wire.connection.send(Exchange(loop), b"two")
        assert wire.connection.is_usable
        assert wire.far.recv(100) == b"one"

    on_loop(work)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 408 Request Timeout\r\n\r\n"])
def test_a_connection_that_the_server_ends_while_it_rests_is_lost(wire: Wire, said: bytes) -> None:
    wire.far.sendall(said)
    if not said:
        socket.socket.shutdown(wire.far, socket.SHUT_WR)

    async def work(loop: asyncio.AbstractEventLoop) -> None:
        assert wire.lost.acquire(timeout=WITHIN_S)
        assert not wire.connection.is_usable
        assert not wire.connection.send(Exchange(loop), b"POST")

    on_loop(work)


def test_it_is_given_up_only_while_it_carries_what_is_not_answered(wire: Wire) -> None:
    async def work(loop: asyncio.AbstractEventLoop) -> None:
        first, second = Exchange(loop), Exchange(loop)
        assert wire.connection.send(first, b"one")
        wire.far.sendall(http_answer(200))
        await first.result(loop.time() + WITHIN_S)
        assert wire.connection.send(second, b"two")
        wire.connection.give_up_while(first)
        wire.connection.give_up_while(None)
        assert wire.connection.is_usable
        wire.connection.give_up_while(second)
        with pytest.raises(EOFError):
            await second.result(loop.time() + WITHIN_S)
        assert wire.lost.acquire(timeout=WITHIN_S)

    on_loop(work)


def test_an_answer_that_does_not_come_is_waited_for_no_longer_than_said(wire: Wire) -> None:
    async def work(loop: asyncio.AbstractEventLoop) -> None:
        exchange = Exchange(loop)
        assert wire.connection.send(exchange, b"one")
        with pytest.raises(TimeoutError):
            await exchange.result(loop.time() + 0.05)

    on_loop(work)
