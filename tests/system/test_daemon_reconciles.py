"""Reconciliation over sockets: a quiet account differs in nothing, and what was missed is made up.

The rows of the stream and those of REST are written differently (fields left out, digits of times),
so only the real wire shows whether they are taken for the same.
"""

from decimal import Decimal
from typing import Any

import pytest
from daemon_process import Daemon, StartDaemon, eventually

from risk_actors.simulator import OrderType, Side, SimulatorThread, Ticket
from risk_actors.simulator.records import Bracket

pytestmark = pytest.mark.system

ACCOUNT = 101
APP = "armed = true\n[gateway]\nreconcile_every_s = 1.0\nrequests_per_minute = 2000\n"
READINGS = 3


def place(sim: SimulatorThread, side: Side, size: int, **terms: Any) -> int:
    contract_id = sim.contract_id("MNQ")
    ticket = Ticket(account_id=ACCOUNT, contract_id=contract_id, side=side, size=size, **terms)
    return sim.place(ticket).id


def differences(daemon: Daemon) -> list[str]:
    events = [event for event in daemon.state()["events"] if event["account"] == ACCOUNT]
    return [event["text"] for event in events if event["kind"] == "reconciliation"]


def let_it_be_read(sim: SimulatorThread, times: int = READINGS) -> None:
    """Wait until the account was read so many times over."""
    target = len(sim.requests("Position/searchOpen")) + 2 * (times + 1)
    eventually(lambda: len(sim.requests("Position/searchOpen")) >= target, what="readings")


def test_i8_a_quiet_account_differs_in_nothing(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    sim.set_price(sim.contract_id("MNQ"), 25_000, 25_000.25, 25_000)
    daemon = start_daemon(app=APP)
    place(
        sim,
        Side.BUY,
        2,
        stop_loss=Bracket(ticks=-40, type=OrderType.STOP),
        take_profit=Bracket(ticks=40, type=OrderType.LIMIT),
    )
    place(sim, Side.BUY, 1)
    place(sim, Side.SELL, 1, type=OrderType.LIMIT, limit_price=Decimal(26_000))
    place(
        sim,
        Side.BUY,
        1,
        type=OrderType.LIMIT,
        limit_price=Decimal(24_000),
        stop_loss=Bracket(ticks=-40, type=OrderType.STOP),
    )
    eventually(lambda: [held["size"] for held in daemon.account()["positions"]] == [3])
    let_it_be_read(sim)

    assert differences(daemon) == []
    assert daemon.account()["day"]["trades"] == 1


def test_i8_what_the_stream_lost_is_corrected_and_said_with_both_values(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    sim.set_price(sim.contract_id("MNQ"), 25_000, 25_000.25, 25_000)
    daemon = start_daemon(app=APP)
    for target in ("GatewayUserTrade", "GatewayUserPosition", "GatewayUserOrder"):
        sim.call(lambda target=target: sim.faults.drop_events(target, 9))

    place(sim, Side.BUY, 2)
    eventually(lambda: daemon.account()["positions"], what="the position read")
    eventually(lambda: differences(daemon), what="the differences told")

    (text,) = differences(daemon)
    contract_id = sim.contract_id("MNQ")
    assert f"position {contract_id}: had 0, broker has 2" in text
    assert "had not known, broker has +" in text
    assert daemon.account()["day"]["entries"] == 1
