"""The daemon protects while ways to the broker are down: the goals of seconds, over sockets."""

import sys
import time
from pathlib import Path

import pytest
from daemon_process import Daemon, eventually

from risk_actors.simulator import Side, SimulatorSettings, SimulatorThread, Ticket, paper_accounts
from risk_actors.simulator.checker import check
from risk_actors.simulator.faults import DeafHub, Fault, HubDown

pytestmark = pytest.mark.system

FLAT_WITHIN_S = 5.0
ALWAYS_OPEN = "MBT"
"""Its market never closes, whatever the day on which the tests run."""


def measured(what: str, took_s: float) -> None:
    """Show the figure with `pytest -s`."""
    sys.stdout.write(f"{what}: {took_s:.1f} s\n")


def buy(sim: SimulatorThread, size: int, account: int, symbol: str = "MNQ") -> None:
    sim.place(
        Ticket(account_id=account, contract_id=sim.contract_id(symbol), side=Side.BUY, size=size)
    )


def user_hub_is_down(daemon: Daemon) -> bool:
    ways = daemon.state()["connection"]
    return not ways["user_hub"] and ways["fallback"] == "polling"


@pytest.mark.parametrize(("accounts", "fault"), [
    (1, HubDown(hub="user")),
    (3, HubDown(hub="user")),
    (10, HubDown(hub="user")),
    (1, DeafHub(hub="user", new_too=True)),
])  # fmt: skip
def test_i3_a_position_that_breaks_a_rule_is_flat_in_time_without_the_user_hub(
    tmp_path: Path, accounts: int, fault: HubDown | DeafHub
) -> None:
    settings = SimulatorSettings(auto_prices=False, accounts=paper_accounts(accounts))
    with SimulatorThread(settings) as sim, Daemon(tmp_path, sim.environment) as daemon:
        sim.inject(fault)
        if isinstance(fault, HubDown):
            eventually(lambda: user_hub_is_down(daemon), what="polling")
        daemon.let_ticks_pass(30)  # what was saved up of the budget is used up
        last = 100 + accounts
        began_s = time.monotonic()
        buy(sim, 6, last)  # the limit is 5
        eventually(lambda: sum(trade.size for trade in sim.trades(last)) >= 6, what="bought")
        eventually(lambda: sim.size(last, sim.contract_id("MNQ")) <= 5, what="reduced")
        took_s = time.monotonic() - began_s
        measured(f"{accounts} accounts, {type(fault).__name__}", took_s)
        assert took_s < FLAT_WITHIN_S
        assert check(sim.journal(), sim.requests(), sim.events()) == []


def test_i3_a_loss_is_seen_by_bars_while_the_market_hub_is_down(tmp_path: Path) -> None:
    settings = SimulatorSettings(auto_prices=False, symbols=(ALWAYS_OPEN,))
    with SimulatorThread(settings) as sim, Daemon(tmp_path, sim.environment) as daemon:
        contract_id = sim.contract_id(ALWAYS_OPEN)
        sim.set_price(contract_id, 95_000, 95_005, 95_000)
        buy(sim, 5, 101, ALWAYS_OPEN)
        eventually(lambda: daemon.account()["positions"], what="position")
        eventually(
            lambda: daemon.account()["positions"][0]["unrealized"] is not None, what="marked"
        )
        sim.inject(HubDown(hub="market"))
        eventually(lambda: daemon.state()["connection"]["fallback"] == "bars", what="bars")
        began_s = time.monotonic()
        sim.set_price(contract_id, 93_800, 93_805, 93_800)  # 5 * 1200 * 0.10 = 600 lost
        eventually(lambda: not sim.sizes(101), what="flat")
        took_s = time.monotonic() - began_s
        measured("market hub down", took_s)
        assert took_s < 6
        eventually(lambda: daemon.account()["locks"], what="lock")


def test_rest_that_is_down_shows_in_the_status_and_comes_back(tmp_path: Path) -> None:
    with (
        SimulatorThread(SimulatorSettings(auto_prices=False)) as sim,
        Daemon(tmp_path, sim.environment) as daemon,
    ):
        sim.inject(Fault(kind="status", status=503, times=1_000_000))
        eventually(lambda: not daemon.state()["connection"]["rest"], within_s=5, what="said")
        sim.clear_faults()
        eventually(lambda: daemon.state()["connection"]["rest"], within_s=3, what="back")
