"""Faults by chance: the same for the same seed, as often as asked."""

import asyncio
from typing import Any

import msgspec
import pytest

from risk_actors.simulator import Side, SimulatorSettings, SimulatorThread, Ticket
from risk_actors.simulator.faults import CutHub, DropEvent
from risk_actors.simulator.weather import Rate, Weather, changeable, storm, until
from tests.simulator.hub_client import ACCOUNT, user_stream

HOUR_S = 3_600.0


@pytest.mark.parametrize("climate", [changeable, storm])
def test_the_same_seed_brings_the_same_weather(climate: type[Weather]) -> None:
    first = until(climate(4), HOUR_S)
    assert first == until(climate(4), HOUR_S)
    assert first != until(climate(5), HOUR_S)
    assert [at_s for at_s, _ in first] == sorted(at_s for at_s, _ in first)
    assert {fault for _, fault in first} == {rate.fault for rate in climate(4).rates}


def test_rates_are_kept_on_average_and_do_not_move_each_other() -> None:
    drops, cuts = Rate(fault=DropEvent(), per_minute=6), Rate(fault=CutHub(), per_minute=1)
    both = until(Weather(rates=(drops, cuts), start_after_s=100), 100 + 10 * HOUR_S)
    alone = until(Weather(rates=(drops,), start_after_s=100), 100 + 10 * HOUR_S)

    assert [moment for moment in both if moment[1] == DropEvent()] == alone
    assert min(at_s for at_s, _ in both) > 100
    assert 3_400 < len(alone) < 3_800
    assert 520 < len(both) - len(alone) < 680


def test_weather_blows_from_the_start_until_it_is_cleared(eventually: Any) -> None:
    weather = Weather(rates=(Rate(fault=DropEvent(times=2), per_minute=6_000),))
    with SimulatorThread(SimulatorSettings(weather=weather)) as sim:
        eventually(lambda: len(sim.fault_log()) > 3)
        sim.clear_faults()
        count = len(sim.fault_log())
        assert [record.ended for record in sim.fault_log()] == ["cleared"] * count
        sim.set_weather(weather)
        eventually(lambda: len(sim.fault_log()) > count)
        sim.set_weather(None)
        count = len(sim.fault_log())
        sim.call(sim.gateway.faults.tick)
        assert len(sim.fault_log()) == count


def test_after_a_storm_everything_works_again(make_client: Any, eventually: Any, soon: Any) -> None:
    quick = tuple(
        msgspec.structs.replace(rate, per_minute=rate.per_minute * 300) for rate in storm(1).rates
    )
    kinds = {type(rate.fault) for rate in quick}

    async def run(sim: SimulatorThread) -> Any:
        async with user_stream(sim, soon) as wire:
            ticket = Ticket(
                account_id=ACCOUNT, contract_id=sim.contract_id("MNQ"), side=Side.BUY, size=1
            )
            await asyncio.to_thread(sim.place, ticket)
            return await wire.event("GatewayUserPosition")

    with SimulatorThread(SimulatorSettings(weather=storm(1))) as sim:
        sim.set_weather(Weather(rates=quick))
        eventually(lambda: {type(record.fault) for record in sim.fault_log()} == kinds)
        sim.clear_faults()

        client = make_client(sim).login()
        assert client.ask("Account/search", onlyActiveAccounts=True)["success"]
        client.close()
        assert asyncio.run(run(sim))[0]["data"]["size"] == 1
        assert all(record.ended for record in sim.fault_log())
