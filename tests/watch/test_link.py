"""The way to the daemon: by stream, by asking, not at all, and back; and panic on it."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import msgspec
import pytest

from risk_actors.actors.picture import Picture
from risk_actors.watch.api import Address, Fate, NotFoundError
from risk_actors.watch.link import Link
from risk_actors.watch.sight import Sight, Way
from tests.web.served import Served

pytestmark = pytest.mark.real_time

TOKEN = "a-token-of-ours-0123456789"
MOST_LISTENERS = 16
DEADLINE_S = 30.0
LOOK_EVERY_S = 0.01


@pytest.fixture
def serve() -> Iterator[Callable[..., Served]]:
    with ExitStack() as stack:

        def start(**options: Any) -> Served:
            served = Served(**options)
            stack.callback(served.server.stop)
            return served

        yield start


def watching(link: Link, story: Callable[[], Awaitable[None]]) -> None:
    """Let a link run for as long as a story takes."""

    async def both() -> None:
        running = asyncio.create_task(link.run())
        try:
            await story()
            assert not running.done()
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    asyncio.run(both())


async def until(link: Link, condition: Callable[[Sight], object]) -> Sight:
    async with asyncio.timeout(DEADLINE_S):
        while not condition(link.sight):  # noqa: ASYNC110 - a link tells nobody of its changes
            await asyncio.sleep(LOOK_EVERY_S)
    return link.sight


def address_of(served: Served, token: str | None = None) -> Address:
    return Address("127.0.0.1", served.port, token)


def test_it_listens_and_sees_each_change(serve: Callable[..., Served]) -> None:
    served = serve()
    link = Link(lambda: address_of(served))

    async def story() -> None:
        sight = await until(link, lambda seen: seen.way is Way.LIVE)
        assert sight.picture == served.picture
        assert sight.address == f"http://127.0.0.1:{served.port}"
        served.show_day(equity=-41.5)
        await until(link, lambda seen: seen.picture == served.picture)

    watching(link, story)


def test_a_stream_that_is_quiet_is_not_taken_for_a_daemon_that_is_gone(
    serve: Callable[..., Served],
) -> None:
    served = serve()
    link = Link(lambda: address_of(served))

    async def story() -> None:
        first = (await until(link, lambda seen: seen.way is Way.LIVE)).heard
        assert first is not None
        await until(link, lambda seen: seen.heard and seen.heard[0] > first[0] + 2)
        assert link.sight.way is Way.LIVE

    watching(link, story)


def test_where_no_stream_is_to_be_had_it_asks(serve: Callable[..., Served]) -> None:
    served = serve()
    link = Link(lambda: address_of(served))
    request = f"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n\r\n".encode()

    async def story() -> None:
        sight = await until(link, lambda seen: seen.picture)
        assert sight.way is Way.POLLING
        served.show_day(equity=-41.5)
        await until(link, lambda seen: seen.picture == served.picture)
        assert link.sight.way is Way.POLLING

    with ExitStack() as stack:
        for _ in range(MOST_LISTENERS):
            line = stack.enter_context(socket.create_connection(("127.0.0.1", served.port)))
            line.sendall(request)
            assert b"200" in line.recv(4096)
        watching(link, story)


def test_it_finds_the_next_daemon_at_its_own_port(serve: Callable[..., Served]) -> None:
    daemons = [serve()]

    def find() -> Address:
        if not daemons:
            raise NotFoundError("no daemon runs")
        return address_of(daemons[-1])

    link = Link(find)

    async def story() -> None:
        await until(link, lambda seen: seen.way is Way.LIVE)
        first = daemons.pop()
        await asyncio.to_thread(first.server.stop)
        sight = await until(link, lambda seen: seen.way is Way.GONE)
        assert sight.fault == "no daemon runs"
        assert sight.picture == first.picture
        daemons.append(serve())
        daemons[-1].picture = msgspec.structs.replace(first.picture, version="2.0")
        sight = await until(link, lambda seen: seen.way is Way.LIVE)
        assert isinstance(sight.picture, Picture)
        assert sight.picture.version == "2.0"

    watching(link, story)


def test_a_port_where_nobody_listens_is_gone_at_once(serve: Callable[..., Served]) -> None:
    served = serve()
    served.server.stop()
    link = Link(lambda: address_of(served))

    async def story() -> None:
        sight = await until(link, lambda seen: seen.way is Way.GONE)
        assert sight.fault == f"nothing answers on port {served.port}"
        assert sight.picture is None

    watching(link, story)


def test_without_the_right_token_it_is_not_let_in(serve: Callable[..., Served]) -> None:
    served = serve(token=TOKEN)
    wrong = Link(lambda: address_of(served))
    right = Link(lambda: address_of(served, TOKEN))

    async def refused() -> None:
        sight = await until(wrong, lambda seen: seen.way is Way.REFUSED)
        assert "a token is needed" in sight.fault

    async def let_in() -> None:
        await until(right, lambda seen: seen.way is Way.LIVE)

    watching(wrong, refused)
    watching(right, let_in)


def answered[T](asked: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asked)


def test_panic_is_taken_with_the_daemons_own_words(serve: Callable[..., Served]) -> None:
    served = serve()
    answer = answered(Link(lambda: address_of(served)).panic(101))

    assert answer.fate is Fate.TAKEN
    assert "flattening and locking until the daily reset" in answer.text
    assert served.trader.panics == [101]


def test_panic_that_is_refused_says_why(serve: Callable[..., Served]) -> None:
    served = serve()
    served.picture = msgspec.structs.replace(served.picture, armed=False)
    link = Link(lambda: address_of(served))

    assert answered(link.panic(None)).fate is Fate.REFUSED
    assert "armed" in answered(link.panic(None)).text
    assert served.trader.panics == []


def test_panic_is_not_sent_to_one_who_does_not_say_who_he_is() -> None:
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        port = hanging.getsockname()[1]
        answer = answered(Link(lambda: Address("127.0.0.1", port)).panic(101))

    assert answer == (Fate.UNREACHED, "no answer within 3 s")


def test_panic_that_reaches_nobody_was_not_sent(serve: Callable[..., Served]) -> None:
    served = serve()
    served.server.stop()

    def nowhere() -> Address:
        raise NotFoundError("no daemon runs here")

    assert answered(Link(lambda: address_of(served)).panic(101)).fate is Fate.UNREACHED
    assert answered(Link(nowhere).panic(101)) == (Fate.UNREACHED, "no daemon runs here")


@pytest.fixture
def stranger() -> Iterator[tuple[int, list[bytes]]]:
    """Something else on the port, which answers what it is given; nothing: it hangs up."""
    answers: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    line, _ = server.accept()
                    with line:
                        line.recv(65_536)
                        line.sendall(b"".join(answers))

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1], answers
        server.shutdown(socket.SHUT_RDWR)
    thread.join(DEADLINE_S)


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (b"HTTP/1.0 200 OK\r\n\r\n[]", "its answer is not understood"),
        (b"HTTP/1.0 500 No\r\n\r\nbroken inside", "it answers 500: broken inside"),
        (b"HTTP/1.0 503 No\r\n\r\n", "it answers 503: without a word"),
        (b"", "nothing answers on port"),
    ],
)
def test_what_is_no_daemon_is_not_shown_as_one(
    stranger: tuple[int, list[bytes]], answer: bytes, fault: str
) -> None:
    port, answers = stranger
    answers.append(answer)
    link = Link(lambda: Address("127.0.0.1", port))

    async def story() -> None:
        sight = await until(link, lambda seen: seen.fault)
        assert sight.fault.startswith(fault)
        assert sight.picture is None

    watching(link, story)
