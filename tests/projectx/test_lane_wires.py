"""The lane on its own connections, over real sockets, against servers without manners."""

import asyncio
import logging
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from rest_rig import RestRig, close_of, http_answer, rest_rig
from wire_rig import ACCEPTED, RudeServer, Script, accept, rude_server, trusted

from risk_actors.core.commands import Answer, CancelOrder, MoveStop, Outcome, Refusal
from risk_actors.projectx import lane as lane_module
from risk_actors.projectx.lane import WARM_CONNECTIONS
from risk_actors.projectx.sdk_logging import adopt_sdk_loggers
from risk_actors.projectx.wire_dial import tls_context
from risk_actors.projectx.wire_pool import WirePool

adopt_sdk_loggers(logging.CRITICAL)

MOVE = MoveStop(
    id=4, account_id=1, contract_id="C", order_id=78, stop_price=Decimal(1), correlation_id="x"
)
WITHIN_S = 5.0


@asynccontextmanager
async def warm_rig(server: RudeServer, **settings: Any) -> AsyncIterator[RestRig]:
    """Give a lane whose connections are all there, and kept so."""
    async with rest_rig(server.api_url, **settings) as rig:
        keeping = asyncio.create_task(rig.lane.keep_warm())
        try:
            await until(lambda: free(rig) == WARM_CONNECTIONS)
            yield rig
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)


def wires(rig: RestRig) -> WirePool:
    pool = rig.lane._wires
    assert pool is not None
    return pool


def free(rig: RestRig) -> int:
    return len(wires(rig)._free)


async def until(condition: Callable[[], Any], within_s: float = WITHIN_S) -> None:
    """Wait until a condition about the other side of a socket holds."""
    deadline_s = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline_s, "the condition never held"
        await asyncio.sleep(0.005)


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


async def at_once(rig: RestRig, command: Any = None) -> Outcome:
    """Send over a warm connection, and nothing else."""
    sending = rig.lane.send_at_once(command or close_of("C"))
    assert sending is not None
    return await rig.lane.follow(sending)


@pytest.fixture(params=[False, True], ids=["plain", "tls"])
def is_tls(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> bool:
    monkeypatch.setenv("SSL_CERT_FILE", trusted(tmp_path))
    # aiohttp has read its certificates when it was imported.
    monkeypatch.setattr(aiohttp.connector, "_SSL_CONTEXT_VERIFIED", tls_context())
    return bool(request.param)


def test_a_close_reaches_the_broker_while_the_event_loop_is_held_up(is_tls: bool) -> None:
    async def work(server: RudeServer) -> None:
        async with warm_rig(server) as rig:
            sending = rig.lane.send_at_once(close_of("C"))
            # From here to the next await the loop does nothing.
            assert server.wait_for_posts(1)
            assert sending is not None
            assert (await rig.lane.follow(sending)).answer is Answer.ACCEPTED
            (request,) = server.posts()
            assert request.startswith(b"POST /api/Position/closeContract HTTP/1.1\r\n")
            assert request.endswith(b'\r\n\r\n{"accountId":101,"contractId":"C"}')

    with rude_server(is_tls=is_tls) as server:
        run(work(server))


def test_a_server_whose_certificate_is_not_accepted_gets_no_command() -> None:
    async def work(server: RudeServer) -> None:
        async with rest_rig(server.api_url) as rig:
            await rig.lane.ping()
            assert rig.lane.send_at_once(close_of("C")) is None
            outcome, sent_ns = await rig.lane.send(close_of("C"))
            assert (outcome.answer, outcome.reason) == (Answer.UNCERTAIN, Refusal.UNREACHABLE)
            assert outcome.is_undone
            assert rig.budget.used(sent_ns + 1_000_000_000) == 0
        assert server.requests == []

    with rude_server(is_tls=True) as server:
        run(work(server))


def test_every_request_is_counted_once_and_answered_once(is_tls: bool) -> None:
    async def work(server: RudeServer) -> None:
        async with warm_rig(server) as rig:
            pings = len(server.requests)
            for number in range(20):
                await until(lambda: free(rig) == WARM_CONNECTIONS)
                command = CancelOrder(
                    id=number, account_id=1, contract_id="C", order_id=7, correlation_id="x"
                )
                assert (await at_once(rig, command)).answer is Answer.ACCEPTED
            assert rig.budget.used(time.time_ns()) == pings + 20
            assert len(server.connections) == WARM_CONNECTIONS
        assert len(server.posts()) == 20

    with rude_server(is_tls=is_tls) as server:
        run(work(server))


def test_a_move_of_a_stop_waits_for_the_budgets_word() -> None:
    async def work(server: RudeServer) -> None:
        async with warm_rig(server) as rig:
            assert rig.lane.send_at_once(MOVE) is None
            outcome, _ = await rig.lane.send(MOVE)
            assert outcome.answer is Answer.ACCEPTED
            assert len(server.connections) == WARM_CONNECTIONS

    with rude_server() as server:
        run(work(server))


def test_without_a_connection_that_is_free_a_command_goes_the_longer_way() -> None:
    release = threading.Event()

    def answering(request: bytes, sock: socket.socket, before: int) -> None:
        if request.startswith(b"POST") and b'"contractId":"HANG"' in request:
            release.wait(WITHIN_S)
        accept(request, sock, before)

    async def work(server: RudeServer) -> None:
        async with rest_rig(server.api_url) as cold:
            assert cold.lane.send_at_once(close_of("C")) is None
            assert (await cold.lane.send(close_of("C")))[0].answer is Answer.ACCEPTED
        async with warm_rig(server) as rig:
            hanging = [rig.lane.send_at_once(close_of("HANG", n)) for n in range(WARM_CONNECTIONS)]
            assert rig.lane.send_at_once(close_of("C")) is None
            assert (await rig.lane.send(close_of("C")))[0].answer is Answer.ACCEPTED
            release.set()
            for sending in hanging:
                assert sending is not None
                assert (await rig.lane.follow(sending)).answer is Answer.ACCEPTED

    with rude_server(answering) as server:
        run(work(server))


def test_connections_that_the_server_closed_while_they_rested_are_made_anew(is_tls: bool) -> None:
    async def work(server: RudeServer) -> None:
        async with warm_rig(server) as rig:
            old = set(wires(rig)._all)
            await until(lambda: len(server.connections) == WARM_CONNECTIONS)
            server.hang_up()
            await until(lambda: old.isdisjoint(wires(rig)._all))
            await until(lambda: free(rig) == WARM_CONNECTIONS)
            assert (await at_once(rig)).answer is Answer.ACCEPTED
        assert len(server.posts()) == 1

    with rude_server(is_tls=is_tls) as server:
        run(work(server))


ANSWERS: dict[str, bytes] = {
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n"
    % (len(ACCEPTED), ACCEPTED),
    "continued": b"HTTP/1.1 100 Continue\r\n\r\n" + http_answer(200, ACCEPTED),
    "closing": http_answer(200, ACCEPTED, "Connection: close"),
    "old": http_answer(200, ACCEPTED).replace(b"HTTP/1.1", b"HTTP/1.0"),
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_an_answer_is_understood_however_it_comes(answer: bytes, size: int) -> None:
    def answering(request: bytes, sock: socket.socket, before: int) -> None:
        if request.startswith(b"GET"):
            accept(request, sock, before)
            return
        for begin in range(0, len(answer), size):
            sock.sendall(answer[begin : begin + size])

    async def work(server: RudeServer) -> None:
        async with warm_rig(server) as rig:
            assert (await at_once(rig)).answer is Answer.ACCEPTED
            await until(lambda: free(rig) == WARM_CONNECTIONS)
            assert (await at_once(rig)).answer is Answer.ACCEPTED
        assert len(server.posts()) == 2

    with rude_server(answering) as server:
        run(work(server))


def reset(_request: bytes, sock: socket.socket, _before: int) -> None:
    linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    sock.close()


def cut(_request: bytes, sock: socket.socket, _before: int) -> None:
    sock.sendall(http_answer(200, ACCEPTED)[:-3])
    sock.shutdown(socket.SHUT_RDWR)


def babble(_request: bytes, sock: socket.socket, _before: int) -> None:
    sock.sendall(b"220 mail.example ESMTP\r\n\r\n")


def redirect(_request: bytes, sock: socket.socket, _before: int) -> None:
    sock.sendall(http_answer(302, b"", "Location: /elsewhere"))


def endless(_request: bytes, sock: socket.socket, _before: int) -> None:
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4000000000\r\n\r\n")
    while True:
        sock.sendall(b" " * 65_536)


def silent(_request: bytes, _sock: socket.socket, _before: int) -> None:
    """Say nothing, and keep the connection."""


RUDE: dict[str, tuple[Script, str]] = {
    "reset": (reset, "the connection broke"),
    "cut": (cut, "the connection broke"),
    "babble": (babble, "the answer could not be read"),
    "endless": (endless, "the answer could not be read"),
    "silent": (silent, "no answer within 0.5 s"),
    "redirect": (redirect, "HTTP 302"),
}


@pytest.mark.parametrize(("script", "detail"), RUDE.values(), ids=RUDE)
def test_without_a_proper_answer_a_command_is_uncertain_and_never_repeated(
    script: Script, detail: str
) -> None:
    def answering(request: bytes, sock: socket.socket, before: int) -> None:
        (script if b'"contractId":"RUDE"' in request else accept)(request, sock, before)

    async def work(server: RudeServer) -> None:
        async with warm_rig(server, command_timeout_s=0.5) as rig:
            outcome = await at_once(rig, close_of("RUDE"))
            assert (outcome.answer, outcome.detail) == (Answer.UNCERTAIN, detail)
            assert not outcome.is_undone
            assert len(server.posts()) == 1
            await until(lambda: free(rig) == WARM_CONNECTIONS)
            assert (await at_once(rig)).answer is Answer.ACCEPTED
        assert len(server.posts()) == 2

    with rude_server(answering) as server:
        run(work(server))


@pytest.mark.parametrize(("status", "reason"), [(401, Refusal.SESSION), (429, Refusal.BUSY)])
def test_a_command_turned_away_is_told_apart_and_what_it_asks_for_is_done(
    status: int, reason: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[str] = []

    def answering(request: bytes, sock: socket.socket, before: int) -> None:
        if request.startswith(b"GET"):
            accept(request, sock, before)
        else:
            sock.sendall(http_answer(status, b"", "Retry-After: 9"))

    async def work(server: RudeServer) -> None:
        async with warm_rig(server) as rig:
            rig.session.token = "once"
            monkeypatch.setattr(rig.session, "relogin_soon", refused.append)
            outcome = await at_once(rig)
            assert (outcome.answer, outcome.reason) == (Answer.UNCERTAIN, reason)
            assert outcome.is_undone
            now_ns = time.time_ns()
            state = rig.budget.state(now_ns)
            assert state.refused == (status == 429)
            if state.paused_until_ns is not None:
                assert 8 < (state.paused_until_ns - now_ns) / 1e9 <= 9
        assert refused == (["once"] if status == 401 else [])

    with rude_server(answering) as server:
        run(work(server))


def test_a_ping_without_an_answer_takes_down_what_is_dead_with_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As after a sleep of the PC, when the other side has forgotten every connection."""
    monkeypatch.setattr(lane_module, "_PING_TIMEOUT_S", 0.2)

    async def work(server: RudeServer) -> None:
        async with warm_rig(server) as rig:
            old = set(wires(rig)._all)
            server.script = silent
            await rig.lane.ping()
            server.script = accept
            await until(lambda: old.isdisjoint(wires(rig)._all))
            await until(lambda: free(rig) == WARM_CONNECTIONS)
            assert (await at_once(rig)).answer is Answer.ACCEPTED

    with rude_server() as server:
        run(work(server))


def test_connections_are_used_in_turn_while_nothing_is_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lane_module, "WARM_EVERY_S", 0.02)
    used: dict[int, int] = {}

    def answering(request: bytes, sock: socket.socket, before: int) -> None:
        used[sock.getpeername()[1]] = before + 1
        accept(request, sock, before)

    async def work(server: RudeServer) -> None:
        async with warm_rig(server):
            await until(lambda: len(server.requests) > 12)
        assert len(used) == WARM_CONNECTIONS
        assert max(used.values()) - min(used.values()) <= 1

    with rude_server(answering) as server:
        run(work(server))


def test_a_server_that_closes_after_every_answer_is_not_stormed() -> None:
    def answering(_request: bytes, sock: socket.socket, _before: int) -> None:
        sock.sendall(http_answer(200, b"{}", "Connection: close"))
        sock.shutdown(socket.SHUT_RDWR)

    async def work(server: RudeServer) -> None:
        async with warm_rig(server):
            await asyncio.sleep(1)
        assert len(server.requests) <= WARM_CONNECTIONS
        assert len(server._threads) <= 20

    with rude_server(answering) as server:
        run(work(server))


def test_from_many_threads_each_command_leaves_once_and_is_answered_once(is_tls: bool) -> None:
    count, senders = 60, 6

    async def work(server: RudeServer) -> None:
        async with warm_rig(server) as rig:
            loop = asyncio.get_running_loop()
            tasks: list[asyncio.Future[tuple[int, Outcome]]] = []
            left: list[int] = []

            async def finish(command_id: int, sending: Any) -> tuple[int, Outcome]:
                if sending is None:
                    return command_id, (await rig.lane.send(close_of("C", command_id)))[0]
                left.append(command_id)
                return command_id, await rig.lane.follow(sending)

            def take(command_id: int, sending: Any) -> None:
                tasks.append(asyncio.ensure_future(finish(command_id, sending)))

            def send(first: int) -> None:
                for command_id in range(first, count, senders):
                    sending = rig.lane.send_at_once(close_of("C", command_id, command_id))
                    loop.call_soon_threadsafe(take, command_id, sending)

            await asyncio.gather(*(loop.run_in_executor(None, send, n) for n in range(senders)))
            await until(lambda: len(tasks) == count)
            outcomes = dict(await asyncio.gather(*tasks))
            assert sorted(outcomes) == list(range(count))
            assert {outcome.answer for outcome in outcomes.values()} == {Answer.ACCEPTED}
            assert all(outcome.command_id == n for n, outcome in outcomes.items())
            assert left
        assert len(server.posts()) == count

    with rude_server(is_tls=is_tls) as server:
        run(work(server))


def test_nothing_is_left_when_the_lane_is_closed(is_tls: bool) -> None:
    async def work(server: RudeServer) -> None:
        async with warm_rig(server) as rig:
            lane = rig.lane
        assert lane.send_at_once(close_of("C")) is None
        names = {thread.name for thread in threading.enumerate()}
        assert "gateway wires" not in names

    with rude_server(is_tls=is_tls) as server:
        run(work(server))
