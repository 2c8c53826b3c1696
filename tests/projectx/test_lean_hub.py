"""The lean reader's connection: whatever the server does, it is tried again, never too often."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from aiohttp import web
from loguru import logger

from risk_actors.projectx.lean_frames import Invoked, Unread
from risk_actors.projectx.lean_hub import RENEWED, STOPPED, LeanHub
from risk_actors.projectx.subscriptions import (
    AccountSubscriptions,
    ContractSubscriptions,
    Invocation,
)

RS = "\x1e"
TOKEN = "eyJhbGciOi.eyJzdWIi.c2ln"
MAX_RESTING_PER_MINUTE = 15
MAX_PER_MINUTE = 40

type Serve = Callable[["Server", web.WebSocketResponse], Awaitable[None]]


class Server:
    """A hub that does what a test says."""

    def __init__(self) -> None:
        self.url = ""
        self.serve: Serve = subscribed
        self.needs_id = False
        self.negotiations = 0
        self.upgrades: list[web.Request] = []
        self.calls: list[dict[str, Any]] = []
        self.sockets: list[web.WebSocketResponse] = []

    async def negotiate(self, request: web.Request) -> web.Response:
        self.negotiations += 1
        assert request.query["access_token"]
        return web.json_response({"connectionId": "an id", "availableTransports": []})

    async def connect(self, request: web.Request) -> web.StreamResponse:
        self.upgrades.append(request)
        if self.needs_id and request.query.get("id") != "an id":
            return web.Response(status=404)
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        self.sockets.append(socket)
        with suppress(ConnectionError):
            await self.serve(self, socket)
        return socket

    async def answer(self, socket: web.WebSocketResponse, error: str | None = None) -> None:
        """Answer the handshake and every call."""
        await socket.receive_str()
        await socket.send_str("{}" + RS)
        async for message in socket:
            for part in filter(None, message.data.split(RS)):
                call = json.loads(part)
                self.calls.append(call)
                if "invocationId" in call:
                    outcome = {"result": None} if error is None else {"error": error}
                    answer = {"type": 3, "invocationId": call["invocationId"], **outcome}
                    await socket.send_str(json.dumps(answer) + RS)


async def subscribed(server: Server, socket: web.WebSocketResponse) -> None:
    await server.answer(socket)


class Heard:
    """A lean hub on a server, and all it says."""

    def __init__(
        self,
        server: Server,
        *,
        may_rest: bool = False,
        contracts: ContractSubscriptions | None = None,
    ) -> None:
        self.token = TOKEN
        self.events: list[Invoked | Unread] = []
        self.changes: list[tuple[bool, str | None]] = []
        self.openings = 0
        self.token_doubts = 0
        self.refused: list[Invocation] = []
        self.hub = LeanHub(
            server.url,
            lambda: self.token,
            contracts or AccountSubscriptions([101]),
            self.heard,
            self._opening,
            lambda up, detail: self.changes.append((up, detail)),
            self._doubt,
            lambda: may_rest,
            needs_all=contracts is None,
            on_refused=self.refused.append,
        )

    def heard(self, event: Invoked | Unread) -> None:
        self.events.append(event)
        if isinstance(event, Invoked) and event.target == "Trap":
            raise ZeroDivisionError

    def _opening(self) -> None:
        self.openings += 1

    def _doubt(self) -> None:
        self.token_doubts += 1


async def until(condition: Callable[[], Any], within_s: float = 8.0) -> None:
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 -- it is about the other side of a socket
            await asyncio.sleep(0.005)


@asynccontextmanager
async def serving(serve: Serve = subscribed) -> AsyncIterator[Server]:
    server = Server()
    server.serve = serve
    application = web.Application()
    application.router.add_post("/hubs/user/negotiate", server.negotiate)
    application.router.add_get("/hubs/user", server.connect)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    server.url = f"http://127.0.0.1:{port}/hubs/user"
    try:
        yield server
    finally:
        await runner.cleanup()


@asynccontextmanager
async def tended(
    server: Server, *, may_rest: bool = False, contracts: ContractSubscriptions | None = None
) -> AsyncIterator[Heard]:
    heard = Heard(server, may_rest=may_rest, contracts=contracts)
    task = asyncio.create_task(heard.hub.tend())
    try:
        yield heard
    finally:
        task.cancel()
        await asyncio.wait({task})


def test_it_connects_without_negotiating_and_subscribes_as_the_sdk_does() -> None:
    async def run() -> None:
        async with serving() as server, tended(server) as heard:
            await until(lambda: heard.hub.is_up)
            assert [(call["target"], call["arguments"]) for call in server.calls] == [
                ("SubscribeAccounts", []),
                ("SubscribeOrders", [101]),
                ("SubscribePositions", [101]),
                ("SubscribeTrades", [101]),
            ]
            assert server.negotiations == 0
            assert heard.openings == 1
            await server.sockets[0].send_str(
                '{"type":1,"target":"GatewayUserPosition","arguments":[{"a":1}]}' + RS
            )
            await until(lambda: heard.events)
        (event,) = heard.events
        assert isinstance(event, Invoked)
        assert bytes(event.arguments) == b'[{"a":1}]'
        assert heard.changes == [(True, None), (False, STOPPED)]

    asyncio.run(run())


def test_a_server_that_wants_an_id_is_asked_for_one() -> None:
    async def run() -> None:
        async with serving() as server, tended(server) as heard:
            server.needs_id = True
            await until(lambda: heard.hub.is_up)
            assert server.negotiations == 1

    asyncio.run(run())


def test_fragments_of_a_message_are_put_together() -> None:
    async def run() -> None:
        async with serving() as server, tended(server) as heard:
            await until(lambda: heard.hub.is_up)
            for part in ('{"type":1,"target":"X",', '"arguments":[1]}' + RS + '{"type":1,"ta'):
                await server.sockets[0].send_str(part)
            await server.sockets[0].send_bytes(b'rget":"Y","arguments":[]}' + RS.encode())
            await until(lambda: len(heard.events) == 2)

    asyncio.run(run())


async def refuses_handshake(_: Server, socket: web.WebSocketResponse) -> None:
    await socket.receive_str()
    await socket.send_str('{"error":"no access_token=abcdef here"}' + RS)
    await socket.receive()


async def refuses_subscription(server: Server, socket: web.WebSocketResponse) -> None:
    await server.answer(socket, "not you")


async def says_goodbye(_: Server, socket: web.WebSocketResponse) -> None:
    await socket.receive_str()
    await socket.send_str("{}" + RS + '{"type":7,"error":"Connection closed with an error."}' + RS)
    await socket.receive()


async def floods(_: Server, socket: web.WebSocketResponse) -> None:
    await socket.receive_str()
    await socket.send_str("{}" + RS)
    while True:
        await socket.send_str("x" * 500_000)


async def hangs_up(_: Server, socket: web.WebSocketResponse) -> None:
    await socket.receive_str()


@pytest.mark.parametrize(
    ("serve", "words"),
    [
        (refuses_handshake, "refuses: no access_token=[hidden] here"),
        (refuses_subscription, "could not subscribe: SubscribeAccounts: not you"),
        (says_goodbye, "closed the connection: Connection closed with an error."),
        (floods, "more than any message is long"),
        (hangs_up, "connection lost"),
    ],
)
def test_a_connection_that_fails_is_told_in_words_and_tried_again(serve: Serve, words: str) -> None:
    async def run() -> None:
        async with serving(serve) as server, tended(server) as heard:
            await until(lambda: heard.hub.attempts >= 3)
            server.serve = subscribed
            await until(lambda: heard.hub.is_up)
        (_, detail), *_ = heard.changes
        assert words in (detail or "")

    asyncio.run(run())


@pytest.mark.parametrize("may_rest", [True, False])
def test_refused_for_ever_it_asks_rarely_and_less_so_while_the_other_line_is_up(
    may_rest: bool,
) -> None:
    hub = Heard(Server(), may_rest=may_rest).hub
    spent_s, attempts = 0.0, 0
    while spent_s < 60:
        hub._failures += 1
        attempts += 1
        spent_s += hub._pause_s()
    assert attempts <= (MAX_RESTING_PER_MINUTE if may_rest else MAX_PER_MINUTE)


def test_a_refused_token_is_doubted_now_and_then() -> None:
    heard = Heard(Server(), may_rest=True)
    for failures in range(1, 101):
        heard.hub._failures = failures
        heard.hub._doubt_token("the broker does not accept the session (HTTP 401)")
    assert heard.token_doubts == 4


def test_a_new_token_makes_a_new_connection_only_while_the_other_line_is_up() -> None:
    async def run() -> None:
        async with serving() as server, tended(server, may_rest=True) as heard:
            await until(lambda: heard.hub.is_up)
            heard.token = "another-token"
            await until(lambda: len(server.upgrades) == 2 and heard.hub.is_up)
            assert server.upgrades[1].query["access_token"] == "another-token"
            assert heard.changes[1] == (False, RENEWED)
        async with serving() as server, tended(server, may_rest=False) as heard:
            await until(lambda: heard.hub.is_up)
            heard.token = "another-token"
            await asyncio.sleep(1.5)
            assert len(server.upgrades) == 1

    asyncio.run(run())


def test_a_nudge_ends_a_pause() -> None:
    async def run() -> None:
        async with serving(hangs_up) as server, tended(server, may_rest=True) as heard:
            await until(lambda: heard.hub.attempts >= 4)
            server.serve = subscribed
            heard.hub._failures = 8  # the next pause would be long
            await until(lambda: not heard.hub.is_up and heard.hub.attempts >= 4)
            heard.hub.nudge()
            await until(lambda: heard.hub.is_up, within_s=5)

    asyncio.run(run())


def asked_for(server: Server) -> list[str]:
    """The contracts whose quotes were asked for, in order."""
    return [
        call["arguments"][0]
        for call in server.calls
        if call.get("target") == "SubscribeContractQuotes"
    ]


def test_what_comes_on_top_is_subscribed_at_once_and_nothing_twice() -> None:
    contracts = ContractSubscriptions()

    async def run() -> None:
        async with serving() as server, tended(server, contracts=contracts) as heard:
            await until(lambda: heard.hub.is_up)
            assert server.calls == []
            for each in ("ES", "NQ", "ES"):
                contracts.want(each)
                heard.hub.subscribe_more()
                await until(lambda each=each: asked_for(server)[-1:] == [each] or each == "ES")
            await until(lambda: len(server.calls) == 4, within_s=0.5)
            heard.hub.subscribe_more()
            heard.hub.kick("again")
            await until(lambda: len(server.calls) == 8)
            assert asked_for(server) == ["ES", "NQ"] * 2

    asyncio.run(run())


def test_what_is_wanted_between_two_sendings_is_not_lost() -> None:
    """Nobody tells of it in time: it is wanted while others are being asked for, or unconnected."""
    contracts = ContractSubscriptions()
    wanted = [f"C{number}" for number in range(40)]

    async def wants_more(server: Server, socket: web.WebSocketResponse) -> None:
        if wanted:
            contracts.want(wanted.pop())
        await server.answer(socket)

    async def run() -> None:
        async with serving(wants_more) as server, tended(server, contracts=contracts) as heard:
            heard.hub.subscribe_more()
            contracts.want(wanted.pop())
            while wanted:
                contracts.want(wanted.pop())
                heard.hub.subscribe_more()
                await asyncio.sleep(0)
                if len(wanted) == 20:
                    heard.hub.kick("in the middle of it")
            await until(lambda: set(asked_for(server)) == {f"C{number}" for number in range(40)})
            await until(lambda: heard.hub.is_up)

    asyncio.run(run())


def test_a_refused_contract_is_no_failure_and_is_said_once() -> None:
    contracts = ContractSubscriptions()
    contracts.want("NONE")
    said: list[str] = []

    async def run() -> None:
        async with (
            serving(refuses_subscription) as server,
            tended(server, contracts=contracts) as heard,
        ):
            await until(lambda: heard.hub.is_up)
            contracts.want("NOR THIS")
            heard.hub.subscribe_more()
            await until(lambda: len(server.calls) == 4)
            await until(lambda: len(said) == 4)
            assert heard.changes == [(True, None)]
            assert heard.hub.attempts == 1
            assert not heard.hub._answers
            assert heard.refused == [
                (f"SubscribeContract{what}", [contract_id])
                for contract_id in ("NONE", "NOR THIS")
                for what in ("Quotes", "Trades")
            ]

    sink = logger.add(lambda message: said.append(message.record["message"]), level="WARNING")
    try:
        asyncio.run(run())
    finally:
        logger.remove(sink)
    assert (
        said
        == [
            "The broker refused SubscribeContractQuotes: not you",
            "The broker refused SubscribeContractTrades: not you",
        ]
        * 2
    )


def test_a_broker_that_answers_no_call_is_subscribed_all_the_same() -> None:
    contracts = ContractSubscriptions()
    contracts.want("ES")

    async def mute(server: Server, socket: web.WebSocketResponse) -> None:
        await socket.receive_str()
        await socket.send_str("{}" + RS)
        async for message in socket:
            server.calls += [json.loads(part) for part in message.data.split(RS) if part]

    async def run() -> None:
        async with serving(mute) as server, tended(server, contracts=contracts) as heard:
            await until(lambda: heard.hub.is_up)
            contracts.want("NQ")
            heard.hub.subscribe_more()
            await until(lambda: asked_for(server) == ["ES", "NQ"], within_s=0.5)
            assert heard.changes == [(True, None)]

    asyncio.run(run())


def test_an_event_on_which_its_hearer_fails_does_not_cost_those_that_came_with_it() -> None:
    async def run() -> None:
        async with serving() as server, tended(server) as heard:
            await until(lambda: heard.hub.is_up)
            calls = ['{"type":1,"target":"' + name + '","arguments":[]}' for name in ("Trap", "X")]
            await server.sockets[0].send_str(RS.join([*calls, ""]))
            await until(lambda: len(heard.events) == 2)
            assert heard.changes == [(True, None)]

    asyncio.run(run())
