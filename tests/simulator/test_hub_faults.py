"""Hubs that are away, deaf, half-open or slow, as a raw client sees them."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from risk_actors.simulator import TIDY, Side, SimulatorSettings, SimulatorThread, Ticket
from risk_actors.simulator.faults import (
    AnyFault,
    CloseHub,
    CutHub,
    DeafHub,
    ExpireTokens,
    FreezeHub,
    HangNegotiate,
    HubDown,
    IgnoreSubscriptions,
    LogOutHub,
    NegotiateRefusal,
    SlowHandshake,
)
from tests.simulator.hub_client import (
    ACCOUNT,
    Wire,
    connected,
    log_in,
    negotiate,
    subscribed,
    user_stream,
)

OVER = {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.ERROR}

type Run = Callable[[SimulatorThread], Awaitable[None]]


def play(run: Run, **settings: Any) -> None:
    settings = {"auto_prices": False, "ugliness": TIDY} | settings
    with SimulatorThread(SimulatorSettings(**settings)) as sim:
        asyncio.run(run(sim))


def buy(sim: SimulatorThread) -> None:
    contract_id = sim.contract_id("MNQ")
    sim.place(Ticket(account_id=ACCOUNT, contract_id=contract_id, side=Side.BUY, size=1))


async def inject(sim: SimulatorThread, *faults: AnyFault) -> list[int]:
    return await asyncio.to_thread(sim.inject, *faults)


async def negotiated(sim: SimulatorThread, url: str | None = None) -> int:
    async with aiohttp.ClientSession() as session:
        token = await log_in(session, sim)
        return (await negotiate(session, url or sim.user_hub_url, token))[0]


async def is_over(wire: Wire) -> bool:
    return (await wire.socket.receive(timeout=5)).type in OVER


def test_a_hub_is_down_for_a_while_and_the_other_is_not(soon: Any) -> None:
    async def run(sim: SimulatorThread) -> None:
        async with user_stream(sim, soon) as wire:
            await inject(sim, HubDown(hub="user", status=502, for_s=0.3))
            assert await is_over(wire)
        assert await negotiated(sim) == 502
        assert await negotiated(sim, sim.market_hub_url) == 200
        async with aiohttp.ClientSession() as session:
            with pytest.raises(aiohttp.WSServerHandshakeError) as error:
                await session.ws_connect(sim.user_hub_url)
            assert error.value.status == 502
        await soon(lambda: sim.fault_log()[0].ended == "time is up")
        assert await negotiated(sim) == 200

    play(run)


@pytest.mark.parametrize("status", [401, 403, 404, 503])
def test_negotiate_is_refused_so_often(status: int) -> None:
    async def run(sim: SimulatorThread) -> None:
        await inject(sim, NegotiateRefusal(hub="user", status=status, times=2))
        assert await negotiated(sim, sim.market_hub_url) == 200
        assert [await negotiated(sim) for _ in range(3)] == [status, status, 200]

    play(run)


@pytest.mark.parametrize("error", ["Connection closed with an error.", ""])
def test_a_goodbye_may_carry_an_error(soon: Any, error: str) -> None:
    async def run(sim: SimulatorThread) -> None:
        async with user_stream(sim, soon) as wire:
            await inject(sim, CloseHub(hub="market", error=error), CloseHub(error=error))
            assert await wire.next() == {"type": 7} | ({"error": error} if error else {})
            assert await is_over(wire)

    play(run)


def test_cut_and_log_out_at_once(soon: Any) -> None:
    async def run(sim: SimulatorThread) -> None:
        async with user_stream(sim, soon) as wire:
            await inject(sim, LogOutHub(), CutHub(hub="market"))
            assert await wire.event("GatewayLogout") == []
            await inject(sim, CutHub(hub="user"))
            assert await is_over(wire)

    play(run)


def test_a_deaf_socket_answers_and_hears_no_events_until_it_heals(soon: Any) -> None:
    async def run(sim: SimulatorThread) -> None:
        async with user_stream(sim, soon) as wire:
            (deaf,) = await inject(sim, DeafHub(hub="user"))
            await asyncio.to_thread(buy, sim)
            await wire.socket.ping()
            await wire.invoke("SubscribeAccounts", invocationId="7")
            assert await wire.next() == {"type": 3, "invocationId": "7", "result": None}
            async with user_stream(sim, soon) as other:
                topic, hub = ("Trades", ACCOUNT), sim.gateway.user_hub
                await soon(lambda: sim.call(lambda: hub.subscriber_count(topic)) == 2)
                await asyncio.to_thread(buy, sim)
                assert await other.event("GatewayUserPosition")
            await asyncio.to_thread(sim.call, lambda: sim.faults.heal(deaf))
            await asyncio.to_thread(buy, sim)
            (wrapped,) = await wire.event("GatewayUserPosition")
            assert wrapped["data"]["size"] == 3

    play(run)


def test_new_sockets_can_be_deaf_too(soon: Any) -> None:
    async def run(sim: SimulatorThread) -> None:
        await inject(sim, DeafHub(new_too=True))
        async with user_stream(sim, soon) as wire:
            await asyncio.to_thread(buy, sim)
            await asyncio.to_thread(sim.clear_faults)
            await asyncio.to_thread(buy, sim)
            (wrapped,) = await wire.event("GatewayUserPosition")
            assert wrapped["data"]["size"] == 2

    play(run)


def test_a_half_open_socket_says_nothing_not_even_pong(soon: Any) -> None:
    async def run(sim: SimulatorThread) -> None:
        url = sim.user_hub_url
        async with aiohttp.ClientSession() as session:
            token = await log_in(session, sim)
            query = {"access_token": token}
            async with session.ws_connect(url, params=query, autoping=False) as socket:
                wire = Wire(socket)
                await wire.send({"protocol": "json", "version": 1})
                assert await wire.next() == {}
                await socket.ping()
                assert (await socket.receive(timeout=5)).type is aiohttp.WSMsgType.PONG
                await inject(sim, FreezeHub())
                await socket.ping()
                await wire.invoke("SubscribeAccounts", invocationId="7")
                with pytest.raises(TimeoutError):  # longer than keepalive and client timeout
                    await socket.receive(timeout=0.5)
                await asyncio.to_thread(sim.clear_faults)
                assert (await socket.receive(timeout=5)).type is aiohttp.WSMsgType.TEXT
                await wire.invoke("SubscribeAccounts", invocationId="8")
                message = await wire.next()
                while message == {"type": 6}:
                    message = await wire.next()
                assert message["invocationId"] == "8"

    play(run, keepalive_s=0.1, client_timeout_s=0.3)


def test_the_goodbye_of_a_client_is_not_answered_when_half_open(soon: Any) -> None:
    async def run(sim: SimulatorThread) -> None:
        async with user_stream(sim, soon) as wire:
            await inject(sim, FreezeHub())
            wire.socket._timeout = aiohttp.ClientWSTimeout(ws_close=0.2)
            await wire.socket.close()
            assert wire.socket.close_code == aiohttp.WSCloseCode.ABNORMAL_CLOSURE
        await soon(lambda: sim.call(lambda: sim.gateway.user_hub.connection_count) == 0)

    play(run)


def test_new_sockets_can_be_half_open_from_the_start() -> None:
    async def run(sim: SimulatorThread) -> None:
        await inject(sim, FreezeHub(new_too=True))
        async with aiohttp.ClientSession() as session:
            query = {"access_token": await log_in(session, sim)}
            async with session.ws_connect(sim.user_hub_url, params=query) as socket:
                await Wire(socket).send({"protocol": "json", "version": 1})
                with pytest.raises(TimeoutError):
                    await socket.receive(timeout=0.3)

    play(run)


def test_the_handshake_is_slow(soon: Any) -> None:
    async def run(sim: SimulatorThread) -> None:
        await inject(sim, SlowHandshake(hub="user", delay_s=0.3))
        before = time.monotonic()
        async with connected(sim):
            assert time.monotonic() - before >= 0.3

    play(run)


@pytest.mark.parametrize("delay_s", [0.2, None])
def test_negotiate_hangs(delay_s: float | None) -> None:
    async def run(sim: SimulatorThread) -> None:
        await inject(sim, HangNegotiate(delay_s=delay_s))
        if delay_s is None:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await negotiated(sim)
        else:
            before = time.monotonic()
            assert await negotiated(sim) == 200
            assert time.monotonic() - before >= delay_s
        assert await negotiated(sim) == 200

    play(run)


def test_a_subscription_is_answered_and_ignored(soon: Any) -> None:
    async def run(sim: SimulatorThread) -> None:
        await inject(sim, IgnoreSubscriptions(hub="user"))
        async with connected(sim) as wire:
            for invocation in ("1", "2"):
                await wire.invoke("SubscribeTrades", ACCOUNT, invocationId=invocation)
                assert (await wire.next())["result"] is None
                assert subscribed(sim, ("Trades", ACCOUNT)) == (invocation == "2")

    play(run)


@pytest.mark.parametrize("hubs", ["stay", "cut", "close"])
def test_sockets_stay_or_end_when_tokens_expire(soon: Any, hubs: Any) -> None:
    async def run(sim: SimulatorThread) -> None:
        async with user_stream(sim, soon) as wire:
            await inject(sim, ExpireTokens(hubs=hubs))
            if hubs == "cut":
                assert await is_over(wire)
            elif hubs == "close":
                assert (await wire.next())["error"] == "Connection closed with an error."
            else:
                await asyncio.to_thread(buy, sim)
                assert await wire.event("GatewayUserPosition")

    play(run)


def test_an_expired_token_opens_no_hub() -> None:
    async def run(sim: SimulatorThread) -> None:
        async with aiohttp.ClientSession() as session:
            token = await log_in(session, sim)
            await inject(sim, ExpireTokens())
            assert (await negotiate(session, sim.user_hub_url, token))[0] == 401

    play(run)


def test_stopping_lets_go_of_everything_that_hangs() -> None:
    async def run(sim: SimulatorThread) -> None:
        await inject(sim, HangNegotiate(), FreezeHub(new_too=True))
        async with aiohttp.ClientSession() as session:
            token = await log_in(session, sim)
            hanging = asyncio.create_task(negotiate(session, sim.user_hub_url, token))
            socket = await session.ws_connect(sim.user_hub_url, params={"access_token": token})
            await Wire(socket).send({"protocol": "json", "version": 1})
            before = time.monotonic()
            await asyncio.to_thread(sim.stop)
            assert time.monotonic() - before < 3
            hanging.cancel()
            await asyncio.wait([hanging])

    play(run)
