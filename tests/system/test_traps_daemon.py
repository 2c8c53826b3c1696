"""Traps that only the whole program can avoid: the daemon as a process against a hostile broker."""

import time
from decimal import Decimal
from typing import Any, get_args

import pytest
from daemon_process import RULES, Daemon, StartDaemon, commands, eventually

from risk_actors.simulator import Fault, OrderType, Side, SimulatorThread, Ticket
from risk_actors.simulator.faults import GarbleEvent, HubDown
from risk_actors.simulator.faults_stream import How

pytestmark = pytest.mark.system

ACCOUNT = 101
CLOSE = "Position/closeContract"
FLAT_WITHIN_S = 5.0
NS_PER_S = 1e9


def place(sim: SimulatorThread, side: Side, size: int, **terms: Any) -> int:
    ticket = Ticket(
        account_id=ACCOUNT, contract_id=sim.contract_id("MNQ"), side=side, size=size, **terms
    )
    return sim.place(ticket).id


def price(sim: SimulatorThread, bid: float) -> None:
    sim.set_price(sim.contract_id("MNQ"), bid, bid + 0.25, bid)


def is_flat(sim: SimulatorThread) -> bool:
    return sim.sizes(ACCOUNT) == {} and sim.orders(ACCOUNT) == []


def hold_five(sim: SimulatorThread, daemon: Daemon) -> None:
    """Buy 5 MNQ at 25000.25, and wait until the daemon shows them with their P&L."""
    price(sim, 25_000)
    place(sim, Side.BUY, 5)
    eventually(
        lambda: (
            [held["size"] for held in daemon.account()["positions"]] == [5]
            and daemon.account()["day"]["equity"] is not None
        ),
        what="the position shown",
    )


def lose_600(sim: SimulatorThread) -> int:
    """Let the price fall 60 points; return when, on the simulator's clock."""
    at_ns = time.monotonic_ns()
    price(sim, 24_940.25)
    return at_ns


def take_user_hub_away(sim: SimulatorThread, daemon: Daemon) -> None:
    """End both lines, the one that negotiates and the one that does not, and wait until it shows.

    After a 404 the SDK negotiates; the 503 it gets then ends its task for good.
    """
    sim.inject(HubDown(hub="user", upgrade_status=404))
    eventually(lambda: not daemon.state()["connection"]["user_hub"], what="the hub seen dead")


def test_3_5_a_position_opened_while_the_user_hub_is_dead_is_flat_within_5_s_of_the_breach(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    daemon = start_daemon()
    price(sim, 25_000)
    take_user_hub_away(sim, daemon)
    assert daemon.state()["phase"] == "degraded"

    place(sim, Side.BUY, 5)
    lose_600(sim)
    eventually(lambda: is_flat(sim), within_s=FLAT_WITHIN_S, what="flat")

    eventually(lambda: daemon.account()["locks"], what="locked")
    eventually(lambda: daemon.account()["enforcement"] is None, what="observed flat")


def test_3_1_with_the_budget_used_up_by_reads_the_flatten_leaves_at_once(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    app = "armed = true\n[gateway]\nrequests_per_minute = 40\nreconcile_every_s = 0.1\n"
    daemon = start_daemon(app=app)
    hold_five(sim, daemon)
    eventually(lambda: reads_have_stopped(sim), what="no read gets through any more")

    fell_ns = lose_600(sim)
    eventually(lambda: sim.requests(CLOSE), what="a close")

    (first, *_) = sim.requests(CLOSE)
    assert (first.arrived_ns - fell_ns) / NS_PER_S < 1.0
    eventually(lambda: is_flat(sim), within_s=FLAT_WITHIN_S, what="flat")


def reads_have_stopped(sim: SimulatorThread) -> bool:
    """Tell whether reads use up what they may, and wait: none came for two seconds."""
    reads = [r for r in sim.requests() if "search" in r.endpoint or "query" in r.endpoint]
    return len(reads) >= 20 and time.monotonic_ns() - reads[-1].arrived_ns > 2 * NS_PER_S


def test_4_accepted_is_not_flat(sim: SimulatorThread, start_daemon: StartDaemon) -> None:
    """I3: twice the broker answers success, and no order comes of it."""
    daemon = start_daemon()
    hold_five(sim, daemon)
    sim.inject(Fault(kind="refuse", endpoint=CLOSE, error_code=0, times=2))

    lose_600(sim)
    eventually(lambda: len(sim.requests(CLOSE)) == 1)
    # The close leaves before it is shown.
    eventually(lambda: daemon.account()["enforcement"] is not None, what="shown")
    eventually(lambda: is_flat(sim), what="flat")

    assert len(sim.requests(CLOSE)) == 3
    eventually(lambda: daemon.account()["enforcement"] is None, what="observed flat")


@pytest.mark.parametrize(
    "fault",
    [
        Fault(kind="drop", endpoint=CLOSE, execute=True),
        Fault(kind="status", status=503, endpoint=CLOSE, execute=True),
        Fault(kind="hang", endpoint=CLOSE, execute=True),
    ],
    ids=["cut", "503", "silent"],
)
def test_3_2_what_was_done_without_an_answer_is_seen_and_not_done_again(
    sim: SimulatorThread, start_daemon: StartDaemon, fault: Fault
) -> None:
    """I2, I8: a second close would be harmless, a second partial close would not."""
    daemon = start_daemon()
    price(sim, 25_000)
    sim.inject(fault)
    sim.inject(Fault(**{"endpoint": "Position/partialCloseContract", **executed(fault)}))

    place(sim, Side.BUY, 8)
    eventually(lambda: sim.size(ACCOUNT, sim.contract_id("MNQ")) == 5, what="reduced")
    daemon.let_ticks_pass(20)

    assert sim.size(ACCOUNT, sim.contract_id("MNQ")) == 5
    assert commands(sim) == ["Position/partialCloseContract"]


def executed(fault: Fault) -> dict[str, Any]:
    return {"kind": fault.kind, "status": fault.status, "execute": True}


def test_4_a_platform_block_is_not_hammered_and_nothing_is_forgotten(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    daemon = start_daemon()
    hold_five(sim, daemon)
    sim.set_blocked(ACCOUNT, blocked=True)

    lose_600(sim)
    eventually(lambda: sim.requests(CLOSE), what="a close")
    daemon.let_ticks_pass(50)
    asked = len(commands(sim))
    assert asked <= 6
    assert daemon.account()["enforcement"] is not None
    assert daemon.account()["locks"]


def test_4_a_halt_leaves_the_stop_cancels_entries_and_ends_flat(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    daemon = start_daemon()
    hold_five(sim, daemon)
    stop_id = place(sim, Side.SELL, 5, type=OrderType.STOP, stop_price=Decimal(24_000))
    entry_id = place(sim, Side.BUY, 1, type=OrderType.LIMIT, limit_price=Decimal(24_000))
    eventually(lambda: len(daemon.account()["orders"]) == 2, what="both orders shown")
    sim.halt(sim.contract_id("MNQ"))

    lose_600(sim)
    eventually(lambda: sim.order(entry_id).status.is_final, what="the entry cancelled")
    eventually(lambda: len(sim.requests(CLOSE)) >= 2, what="tried again")
    assert not sim.order(stop_id).status.is_final
    assert sim.sizes(ACCOUNT) == {sim.contract_id("MNQ"): 5}

    sim.halt(sim.contract_id("MNQ"), halted=False)
    eventually(lambda: is_flat(sim), within_s=15, what="flat once it trades again")
    assert len(commands(sim)) < 20


def test_4_what_cannot_be_looked_at_is_not_called_flat(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    """I3, I7: no events, no answers about positions; the close itself goes through."""
    daemon = start_daemon()
    hold_five(sim, daemon)
    sim.inject(Fault(kind="status", status=500, endpoint="Position/searchOpen", times=10_000))
    take_user_hub_away(sim, daemon)

    lose_600(sim)
    eventually(lambda: is_flat(sim), what="flat in truth")
    daemon.let_ticks_pass(20)
    assert daemon.account()["enforcement"] is not None
    assert daemon.state()["phase"] == "degraded"
    assert len(commands(sim)) < 10

    sim.call(sim.faults.clear)
    eventually(lambda: daemon.account()["enforcement"] is None, what="observed flat")
    eventually(lambda: daemon.state()["phase"] == "armed", what="armed again")


def test_2_a_position_told_in_any_form_is_known_in_the_end(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    """I7: ids as strings, fields missing or unknown, frames that kill the SDK's hub, and more."""
    daemon = start_daemon(rules=RULES.replace("limit = 5", "limit = 50"))
    price(sim, 25_000)
    for size, how in enumerate(get_args(How.__value__), start=1):
        sim.call(
            lambda how=how: sim.faults.inject(GarbleEvent(target="GatewayUserPosition", how=how))
        )
        place(sim, Side.BUY, 1)
        eventually(
            lambda size=size: [h["size"] for h in daemon.account()["positions"]] == [size],
            within_s=FLAT_WITHIN_S,
            what=f"the position told as {how}",
        )
    eventually(lambda: daemon.state()["phase"] == "armed", what="armed again")
    assert daemon.account()["day"]["entries"] == size
