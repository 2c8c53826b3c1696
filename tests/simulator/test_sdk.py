"""The unmodified SDK against the simulated gateway over loopback."""

import asyncio
import gc
import warnings
from typing import Any

import pytest
from project_x_py import ProjectX, ProjectXRealtimeClient
from project_x_py.models import ProjectXConfig

from risk_actors.simulator import Side, SimulatorThread, Ticket
from risk_actors.simulator.faults import (
    AnyFault,
    CloseHub,
    CutHub,
    GarbleEvent,
    HubDown,
    NegotiateRefusal,
)

ACCOUNT = 101

# The SDK leaves its hub sockets to the garbage collector when it disconnects.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(autouse=True)
def sdk_sockets_are_collected_here() -> Any:
    yield
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def config_of(sim: SimulatorThread) -> ProjectXConfig:
    return ProjectXConfig(
        api_url=sim.api_url,
        user_hub_url=sim.user_hub_url,
        market_hub_url=sim.market_hub_url,
        requests_per_minute=190,
    )


def client_of(sim: SimulatorThread) -> ProjectX:
    return ProjectX(username="sim-trader", api_key="sim-api-key", config=config_of(sim))


def test_the_sdk_logs_in_lists_accounts_and_reads_everything(sim: SimulatorThread) -> None:
    async def run() -> None:
        async with client_of(sim) as sdk:
            await sdk.authenticate()
            (account,) = await sdk.list_accounts()
            assert (account.id, account.balance, account.canTrade) == (ACCOUNT, 50000.0, True)
            instrument = await sdk.get_instrument("MNQ")
            assert (instrument.id, instrument.tickSize) == (sim.contract_id("MNQ"), 0.25)
            bars = await sdk.get_bars("MNQ", days=1, interval=5)
            assert len(bars) > 100
            await asyncio.to_thread(
                sim.place,
                Ticket(account_id=ACCOUNT, contract_id=instrument.id, side=Side.SELL, size=2),
            )
            (position,) = await sdk.search_open_positions()
            assert (position.size, position.is_short) == (2, True)
            trades = await sdk.search_trades()
            assert sum(t.size for t in trades) == 2

    asyncio.run(run())


def test_the_sdk_receives_every_event_of_its_own_order(sim: SimulatorThread, soon: Any) -> None:
    seen: dict[str, list[Any]] = {}

    def collect(name: str) -> Any:
        async def callback(data: Any) -> None:
            seen.setdefault(name, []).append(data)

        return callback

    async def run() -> None:
        contract_id = sim.contract_id("MNQ")
        async with client_of(sim) as sdk:
            await sdk.authenticate()
            realtime = ProjectXRealtimeClient(
                sdk.get_session_token(), str(ACCOUNT), config=config_of(sim)
            )
            realtime.stale_feed_seconds = 1e9
            names = ("order_update", "position_update", "trade_execution", "account_update")
            for name in (*names, "quote_update", "market_trade"):
                await realtime.add_callback(name, collect(name))
            assert await realtime.connect()
            assert await realtime.subscribe_user_updates()
            assert await realtime.subscribe_market_data([contract_id])
            await soon(lambda: "quote_update" in seen and "market_trade" in seen)
            order = {"accountId": ACCOUNT, "contractId": contract_id}
            entry = {**order, "type": 2, "side": 0, "size": 3}
            entry["stopLossBracket"] = {"ticks": -40, "type": 4}
            placed = await sdk._make_request("POST", "/Order/place", data=entry)
            assert placed["success"]
            closed = await sdk._make_request("POST", "/Position/closeContract", data=order)
            assert closed["success"]
            await soon(lambda: all(name in seen for name in names))
            await soon(lambda: seen["position_update"][-1]["data"]["size"] == 0)
            await soon(lambda: len({t["data"]["id"] for t in seen["trade_execution"]}) >= 2)
            await realtime.disconnect()

    asyncio.run(run())
    leg = [o["data"] for o in seen["order_update"] if o["data"].get("parentOrderId")]
    assert (leg[0]["status"], leg[-1]["status"]) == (8, 1)
    assert len(sim.orders(ACCOUNT)) == 1, "a close leaves the stop behind"


def test_the_sdk_comes_back_after_its_sockets_were_cut(sim: SimulatorThread, soon: Any) -> None:
    async def run() -> None:
        async with client_of(sim) as sdk:
            await sdk.authenticate()
            realtime = ProjectXRealtimeClient(
                sdk.get_session_token(), str(ACCOUNT), config=config_of(sim)
            )
            realtime.stale_feed_seconds = 1e9
            assert await realtime.connect()
            assert await realtime.subscribe_user_updates()
            hub = sim.gateway.user_hub

            def subscribers() -> int:
                return sim.call(lambda: hub.subscriber_count(("Positions", ACCOUNT)))

            await soon(lambda: subscribers() == 1)
            await asyncio.to_thread(sim.cut_hubs, "user")
            await soon(lambda: subscribers() == 0)
            await soon(lambda: subscribers() == 1)
            await realtime.disconnect()

    asyncio.run(run())


@pytest.mark.parametrize(
    "faults",
    [
        (GarbleEvent(target="GatewayUserPosition", how="unknown_keys"),),
        (CloseHub(hub="user"),),
        (NegotiateRefusal(hub="user", status=401), CutHub(hub="user")),
        (HubDown(hub="user", upgrade_status=404),),
    ],
    ids=["unknown_keys", "close_hub", "negotiate_401", "hub_down"],
)
def test_what_ends_the_sdks_hub_task_for_good(
    sim: SimulatorThread, soon: Any, faults: tuple[AnyFault, ...]
) -> None:
    async def run() -> None:
        async with client_of(sim) as sdk:
            await sdk.authenticate()
            realtime = ProjectXRealtimeClient(
                sdk.get_session_token(), str(ACCOUNT), config=config_of(sim)
            )
            realtime.stale_feed_seconds = 1e9
            assert await realtime.connect()
            assert await realtime.subscribe_user_updates()
            topic, hub = ("Positions", ACCOUNT), sim.gateway.user_hub
            await soon(lambda: sim.call(lambda: hub.subscriber_count(topic)) == 1)
            connection = realtime.user_connection
            assert connection is not None
            await asyncio.to_thread(sim.inject, *faults)
            ticket = Ticket(
                account_id=ACCOUNT, contract_id=sim.contract_id("MNQ"), side=Side.BUY, size=1
            )
            await asyncio.to_thread(sim.place, ticket)
            await soon(connection._run_task.done)
            await realtime.disconnect()

    asyncio.run(run())
