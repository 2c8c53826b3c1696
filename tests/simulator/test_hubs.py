"""Both hubs as a raw WebSocket client sees them."""

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp

from risk_actors.simulator import (
    TIDY,
    NegotiateRefusal,
    Side,
    SimulatorSettings,
    SimulatorThread,
    Ticket,
)
from tests.simulator.hub_client import (
    ACCOUNT,
    RS,
    Wire,
    connected,
    log_in,
    negotiate,
    subscribed,
)


def test_one_fill_comes_as_trade_order_position_account(soon: Any) -> None:
    async def run(sim: SimulatorThread, soon: Any) -> list[Any]:
        async with connected(sim) as wire:
            await wire.invoke("SubscribeAccounts")
            for name in ("Orders", "Positions", "Trades"):
                await wire.invoke(f"Subscribe{name}", ACCOUNT)
                await wire.invoke(f"Subscribe{name}", ACCOUNT)
            await wire.invoke("Heartbeat", {"timestamp": 1.5})
            await soon(lambda: subscribed(sim, ("Accounts", None), ("Trades", ACCOUNT)))
            ticket = Ticket(
                account_id=ACCOUNT, contract_id=sim.contract_id("MNQ"), side=Side.BUY, size=2
            )
            await asyncio.to_thread(sim.place, ticket)
            return await wire.events_until("GatewayUserAccount")

    with SimulatorThread(SimulatorSettings(auto_prices=False, ugliness=TIDY)) as sim:
        seen = asyncio.run(run(sim, soon))
    assert [(target, data["action"]) for target, data in seen] == [
        ("GatewayUserOrder", 1),
        ("GatewayUserTrade", 0),
        ("GatewayUserOrder", 2),
        ("GatewayUserPosition", 1),
        ("GatewayUserAccount", 1),
    ]


def test_the_ugly_stream_omits_nulls_and_sends_the_opening_trade_again(
    sim: SimulatorThread, soon: Any
) -> None:
    async def run() -> list[Any]:
        contract_id = sim.contract_id("MNQ")
        async with connected(sim) as wire:
            await wire.invoke("SubscribeAccounts")
            for name in ("Orders", "Positions", "Trades"):
                await wire.invoke(f"Subscribe{name}", ACCOUNT)
            await soon(lambda: subscribed(sim, ("Trades", ACCOUNT)))
            ticket = Ticket(account_id=ACCOUNT, contract_id=contract_id, side=Side.BUY, size=1)
            await asyncio.to_thread(sim.place, ticket)
            await asyncio.to_thread(sim.close, ACCOUNT, contract_id)
            seen: list[Any] = []
            while not any(d["data"].get("size") == 0 for t, d in seen if "Position" in t):
                seen += await wire.events_until("GatewayUserPosition")
            return [*seen, *await wire.events_until("GatewayUserAccount")]

    seen = asyncio.run(run())
    trades = [data["data"] for target, data in seen if target == "GatewayUserTrade"]
    opening = [t for t in trades if "profitAndLoss" not in t]
    assert len(opening) == 2
    assert opening[0]["id"] == opening[1]["id"]
    flat = [d for t, d in seen if t == "GatewayUserPosition"][-1]
    assert (flat["action"], flat["data"]["type"], flat["data"]["size"]) == (2, 0, 0)
    assert flat["data"]["averagePrice"] == opening[0]["price"]
    assert len(flat["data"]["creationTimestamp"].partition(".")[2]) == len("1234567+00:00")
    assert all(value is not None for _, data in seen for value in data["data"].values())


def test_only_what_was_subscribed_arrives_and_unsubscribing_ends_it(
    sim: SimulatorThread, soon: Any
) -> None:
    async def run() -> None:
        mnq, es = sim.contract_id("MNQ"), sim.contract_id("ES")
        async with connected(sim, "market") as wire:
            await wire.invoke("SubscribeContractQuotes", mnq)
            contract_id, quote = await wire.event("GatewayQuote")
            assert (contract_id, quote["symbol"]) == (mnq, "F.US.MNQ")
            await wire.invoke("UnsubscribeContractQuotes", mnq)
            await wire.invoke("SubscribeContractTrades", es)
            contract_id, trades = await wire.event("GatewayTrade")
            assert (contract_id, trades[0]["symbolId"]) == (es, "F.US.EP")
            await wire.invoke("SubscribeContractMarketDepth", es)
            assert (await wire.event("GatewayDepth"))[0] == es

    asyncio.run(run())


def test_most_quotes_are_partial(sim: SimulatorThread) -> None:
    async def run() -> list[set[str]]:
        async with connected(sim, "market") as wire:
            await wire.invoke("SubscribeContractQuotes", sim.contract_id("MNQ"))
            return [set((await wire.event("GatewayQuote"))[1]) for _ in range(20)]

    keys = asyncio.run(run())
    bare = {"symbol", "bestBid", "bestAsk", "lastUpdated", "timestamp"}
    assert all(bare <= seen for seen in keys)
    assert sum(seen == bare for seen in keys) > 10


def test_completions_come_only_for_invocation_ids_and_carry_errors(sim: SimulatorThread) -> None:
    async def run() -> list[dict[str, Any]]:
        async with connected(sim) as wire:
            await wire.invoke("SubscribeOrders", ACCOUNT)
            await wire.invoke("SubscribeOrders", ACCOUNT, invocationId="1")
            await wire.invoke("SubscribeOrders", 999, invocationId="2")
            await wire.invoke("Nonsense", invocationId="3")
            return [await wire.next() for _ in range(3)]

    done = asyncio.run(run())
    assert [m["invocationId"] for m in done] == ["1", "2", "3"]
    assert ["error" in m for m in done] == [False, True, True]
    assert {m["type"] for m in done} == {3}


def test_handshake_version_0_is_taken_and_another_protocol_refused(sim: SimulatorThread) -> None:
    async def run() -> str:
        async with connected(sim, version=0):
            pass
        async with aiohttp.ClientSession() as session:
            token = await log_in(session, sim)
            async with session.ws_connect(
                sim.user_hub_url, headers={"Authorization": f"Bearer {token}"}
            ) as socket:
                wire = Wire(socket)
                await wire.send({"protocol": "messagepack", "version": 1})
                return str((await wire.next())["error"])

    assert "messagepack" in asyncio.run(run())


def test_a_bad_token_is_401_on_negotiate_and_on_the_socket(sim: SimulatorThread) -> None:
    async def run() -> tuple[int, int]:
        async with aiohttp.ClientSession() as session:
            refused, _ = await negotiate(session, sim.user_hub_url, "bad")
            async with session.get(sim.user_hub_url) as answer:
                return refused, answer.status

    assert asyncio.run(run()) == (401, 401)


def test_an_id_is_good_for_one_socket_and_then_404(sim: SimulatorThread, soon: Any) -> None:
    async def status_of(session: Any, token: str, connection_id: str) -> int:
        try:
            async with session.ws_connect(
                sim.user_hub_url, params={"access_token": token, "id": connection_id}
            ) as socket:
                await Wire(socket).send({"protocol": "json", "version": 1})
                return 101
        except aiohttp.WSServerHandshakeError as error:
            return error.status

    async def run() -> list[int]:
        async with aiohttp.ClientSession() as session:
            token = await log_in(session, sim)
            _, found = await negotiate(session, sim.user_hub_url, token)
            seen = [await status_of(session, token, found["connectionId"])]
            await soon(lambda: sim.call(lambda: sim.gateway.user_hub.connection_count) == 0)
            seen.append(await status_of(session, token, found["connectionId"]))
            return [*seen, await status_of(session, token, "unknown")]

    assert asyncio.run(run()) == [101, 404, 404]


def test_negotiate_version_1_gives_a_connection_token(sim: SimulatorThread) -> None:
    async def run() -> Any:
        async with aiohttp.ClientSession() as session:
            token = await log_in(session, sim)
            return (await negotiate(session, sim.user_hub_url, token, negotiateVersion=1))[1]

    found = asyncio.run(run())
    assert found["negotiateVersion"] == 1
    assert found["connectionToken"] != found["connectionId"]


def test_negotiate_can_be_refused_and_events_lost(sim: SimulatorThread, soon: Any) -> None:
    async def run() -> None:
        sim.call(lambda: sim.faults.refuse_negotiate(NegotiateRefusal(hub="user", status=503)))
        sim.call(lambda: sim.faults.drop_events("GatewayUserTrade", 1))
        async with aiohttp.ClientSession() as session:
            token = await log_in(session, sim)
            assert (await negotiate(session, sim.user_hub_url, token))[0] == 503
        async with connected(sim) as wire:
            for name in ("Positions", "Trades"):
                await wire.invoke(f"Subscribe{name}", ACCOUNT)
            await soon(lambda: subscribed(sim, ("Trades", ACCOUNT)))
            ticket = Ticket(
                account_id=ACCOUNT, contract_id=sim.contract_id("MNQ"), side=Side.BUY, size=1
            )
            await asyncio.to_thread(sim.place, ticket)
            seen = await wire.events_until("GatewayUserPosition")
            assert [target for target, _ in seen] == ["GatewayUserPosition"]

    asyncio.run(run())


def test_cut_sockets_end_at_once_and_a_goodbye_is_type_7(sim: SimulatorThread, soon: Any) -> None:
    async def run() -> None:
        async with connected(sim) as wire:
            await soon(lambda: sim.call(lambda: sim.gateway.user_hub.connection_count) == 1)
            await asyncio.to_thread(sim.cut_hubs, "user")
            message = await wire.socket.receive(timeout=5)
            assert message.type in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}
        async with connected(sim) as wire:
            error = "Connection closed with an error."
            await asyncio.to_thread(sim.call, lambda: sim.gateway.user_hub.close(error))
            assert await wire.next() == {"type": 7, "error": error}

    asyncio.run(run())


def test_the_server_pings_and_drops_a_client_that_says_nothing(eventually: Any) -> None:
    async def run(sim: SimulatorThread) -> None:
        async with connected(sim) as wire:
            assert await wire.next() == {"type": 6}
            message = await wire.socket.receive(timeout=5)
            while message.type is aiohttp.WSMsgType.TEXT:
                message = await wire.socket.receive(timeout=5)
            assert message.type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}

    with SimulatorThread(SimulatorSettings(keepalive_s=0.05, client_timeout_s=0.3)) as sim:
        asyncio.run(run(sim))


def test_garbage_ends_that_connection_and_no_other(sim: SimulatorThread, soon: Any) -> None:
    async def run() -> None:
        async with connected(sim, "market") as good:
            await good.invoke("SubscribeContractQuotes", sim.contract_id("MNQ"))
            for garbage in ("not json" + RS, "[1,2]" + RS, '{"type": 1' + RS):
                async with connected(sim) as bad:
                    await bad.socket.send_str(garbage)
                    assert (await bad.next())["type"] == 7
            assert await good.event("GatewayQuote")

    asyncio.run(run())


def test_stopping_with_clients_connected_leaves_no_thread(
    soon: Any, new_threads: Callable[[], set[str]]
) -> None:
    async def run() -> None:
        with SimulatorThread() as sim:
            async with connected(sim) as user, connected(sim, "market") as market:
                await user.invoke("SubscribeTrades", ACCOUNT)
                await market.invoke("SubscribeContractQuotes", sim.contract_id("MNQ"))
                await market.event("GatewayQuote")
                await asyncio.to_thread(sim.stop)

    asyncio.run(run())
    assert "simulator" not in new_threads()
