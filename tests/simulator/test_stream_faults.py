"""Events that are lost, late, repeated, out of order, held back or garbled, on a raw socket."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from risk_actors.simulator import TIDY, Side, SimulatorSettings, SimulatorThread, Ticket
from risk_actors.simulator.faults import (
    AnyFault,
    DelayEvent,
    DropEvent,
    GarbleEvent,
    HoldEvent,
    ReleaseEvents,
    ReorderEvent,
    RepeatEvent,
)
from tests.simulator.hub_client import ACCOUNT, Wire, user_stream

TARGETS = {
    "GatewayUserTrade": "trade",
    "GatewayUserOrder": "order",
    "GatewayUserPosition": "position",
    "GatewayUserAccount": "account",
}
WHOLE = ["order", "trade", "order", "position", "account"]
"""What a market order sends, with a tidy broker: accepted, then filled."""

type Play = Callable[[SimulatorThread, Wire], Awaitable[None]]


def buy(sim: SimulatorThread) -> None:
    contract_id = sim.contract_id("MNQ")
    sim.place(Ticket(account_id=ACCOUNT, contract_id=contract_id, side=Side.BUY, size=1))


async def seen(wire: Wire, count: int) -> list[str]:
    """Return the next events' short names."""
    names: list[str] = []
    while len(names) < count:
        message = await wire.next()
        if message.get("type") == 1:
            names.append(TARGETS.get(message["target"], message["target"]))
    return names


def play(soon: Any, run: Play) -> None:
    async def connected_run(sim: SimulatorThread) -> None:
        async with user_stream(sim, soon) as wire:
            await run(sim, wire)

    with SimulatorThread(SimulatorSettings(auto_prices=False, ugliness=TIDY)) as sim:
        asyncio.run(connected_run(sim))


async def buy_with(sim: SimulatorThread, *faults: AnyFault) -> None:
    await asyncio.to_thread(sim.inject, *faults)
    await asyncio.to_thread(buy, sim)


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (DropEvent(target="GatewayUserOrder"), ["trade", "order", "position", "account"]),
        (DropEvent(target="GatewayUserOrder", times=2), ["trade", "position", "account"]),
        (DropEvent(times=4), ["account"]),
        (
            RepeatEvent(target="GatewayUserTrade", copies=2),
            ["order", "trade", "trade", "trade", "order", "position", "account"],
        ),
        (
            ReorderEvent(target="GatewayUserTrade", behind=2),
            ["order", "order", "position", "trade", "account"],
        ),
        (
            ReorderEvent(target="GatewayUserOrder", behind=1, times=2),
            ["trade", "order", "position", "order", "account"],
        ),
        (
            DelayEvent(target="GatewayUserTrade", delay_s=0.2),
            ["order", "order", "position", "account", "trade"],
        ),
    ],
)
def test_events_come_in_another_way(soon: Any, fault: AnyFault, expected: list[str]) -> None:
    async def run(sim: SimulatorThread, wire: Wire) -> None:
        await buy_with(sim, fault)
        assert await seen(wire, len(expected)) == expected
        await asyncio.to_thread(buy, sim)
        assert await seen(wire, len(WHOLE)) == WHOLE

    play(soon, run)


@pytest.mark.parametrize("how", ["release", "clear", "heal"])
def test_events_are_held_until_they_are_released(soon: Any, how: str) -> None:
    async def run(sim: SimulatorThread, wire: Wire) -> None:
        target = "GatewayUserTrade"
        times = 1 if how == "release" else None
        await buy_with(sim, HoldEvent(target=target, times=times, for_s=None if times else 600))
        assert await seen(wire, 4) == ["order", "order", "position", "account"]
        if how == "release":
            await asyncio.to_thread(sim.inject, ReleaseEvents(target="GatewayUserOrder"))
            await asyncio.to_thread(sim.inject, ReleaseEvents(target=target))
        elif how == "clear":
            await asyncio.to_thread(sim.clear_faults)
        else:
            await asyncio.to_thread(sim.call, lambda: sim.faults.heal(1))
        assert await seen(wire, 1) == ["trade"]

    play(soon, run)


def test_what_waits_for_others_to_pass_comes_when_faults_are_cleared(soon: Any) -> None:
    async def run(sim: SimulatorThread, wire: Wire) -> None:
        await buy_with(sim, ReorderEvent(target="GatewayUserTrade", behind=99))
        await seen(wire, 4)
        await asyncio.to_thread(sim.clear_faults)
        assert await seen(wire, 1) == ["trade"]

    play(soon, run)


def test_an_event_nobody_would_receive_is_no_occasion(sim: SimulatorThread) -> None:
    sim.inject(DropEvent(target="GatewayUserTrade"))
    buy(sim)
    assert sim.fault_log()[0].strikes == 0
    assert [event.receivers for event in sim.events("GatewayUserTrade")] == [0]


def test_a_garbled_event_arrives_garbled(soon: Any) -> None:
    async def run(sim: SimulatorThread, wire: Wire) -> None:
        await buy_with(sim, GarbleEvent(target="GatewayUserPosition", how="text"))
        (wrapped,) = await wire.event("GatewayUserPosition")
        assert wrapped == {"action": 1, "data": "garbage"}
        await buy_with(sim, GarbleEvent(target="GatewayUserPosition", how="unknown_target"))
        assert (await seen(wire, 7))[-2:] == ["GatewayUserPositionV2", "account"]

    play(soon, run)


def test_a_frame_can_be_larger_than_clients_accept(soon: Any) -> None:
    async def run(sim: SimulatorThread, wire: Wire) -> None:
        await buy_with(sim, GarbleEvent(target="GatewayUserTrade", how="too_large"))
        await wire.event("GatewayUserOrder")
        message = await wire.socket.receive(timeout=5)
        assert message.type is aiohttp.WSMsgType.TEXT
        assert len(message.data) > 1 << 20

    with SimulatorThread(SimulatorSettings(auto_prices=False, ugliness=TIDY)) as sim:

        async def connected_run() -> None:
            async with user_stream(sim, soon, max_frame=4 << 20) as wire:
                await run(sim, wire)

        asyncio.run(connected_run())
