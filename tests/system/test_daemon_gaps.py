"""A price that peaked while the daemon was killed counts once it runs again (I5)."""

import time
from typing import Any

import pytest
from daemon_process import Daemon, StartDaemon, eventually

from risk_actors.simulator import Fault, Side, SimulatorThread, Ticket

pytestmark = pytest.mark.system

ACCOUNT = 101
RULES = """
[[rules]]
id = "floor"
type = "trailing_drawdown"
amount_usd = 2000.0
trail = "intraday"
start_balance_usd = 50000.0

[[rules]]
id = "giveback"
type = "profit_giveback"
arm_at_usd = 500.0
giveback_usd = 5000.0
"""
BARS = "History/retrieveBars"


def price(sim: SimulatorThread, bid: float) -> None:
    sim.set_price(sim.contract_id("MNQ"), bid, bid + 0.25, bid)


def buy(sim: SimulatorThread, size: int) -> None:
    contract_id = sim.contract_id("MNQ")
    sim.place(Ticket(account_id=ACCOUNT, contract_id=contract_id, side=Side.BUY, size=size))


def rule(daemon: Daemon, name: str) -> dict[str, Any]:
    (found,) = (r for r in daemon.state()["rules"] if (r["id"], r["account"]) == (name, ACCOUNT))
    return dict(found)


def is_ok(daemon: Daemon) -> bool:
    return all(rule(daemon, name)["verdict"] == "ok" for name in ("floor", "giveback"))


def peak_while_nobody_watches(sim: SimulatorThread) -> None:
    """Let five MNQ stand 100 points, 1000 dollars, in profit for some seconds.

    It is traded in more than one second: what one bar alone tells is not believed (I10).
    """
    time.sleep(1.1)
    for _ in range(3):
        price(sim, 25_100.25)
        time.sleep(0.6)
    price(sim, 25_000.25)
    time.sleep(1.1)


def test_i5_the_floor_and_the_peak_are_where_an_uninterrupted_run_would_have_them(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    price(sim, 25_000)
    daemon = start_daemon(rules=RULES)
    buy(sim, 5)
    eventually(lambda: daemon.account()["positions"] and is_ok(daemon))
    fees = eventually(lambda: daemon.account()["day"]["fees"], what="the fees of the entry")
    before = rule(daemon, "floor")["limit"]

    daemon.kill()
    peak_while_nobody_watches(sim)
    daemon.start()

    eventually(lambda: daemon.account()["positions"] and is_ok(daemon))
    assert before == 48_000
    assert daemon.account()["day"]["fees"] == fees
    assert rule(daemon, "floor")["limit"] == 50_000 + 1000 - fees - 2000
    assert rule(daemon, "giveback")["limit"] == 1000 - fees - 5000
    assert not daemon.account()["locks"]


def test_i7_prices_that_cannot_be_read_leave_the_floor_unknown_until_they_can(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    price(sim, 25_000)
    daemon = start_daemon(rules=RULES)
    buy(sim, 5)
    eventually(lambda: daemon.account()["positions"] and is_ok(daemon))
    daemon.kill()
    sim.inject(Fault(kind="status", endpoint=BARS, status=500))
    peak_while_nobody_watches(sim)

    daemon.start()
    unread = eventually(
        lambda: (
            (found := rule(daemon, "floor"))["verdict"] == "unknown"
            and "cannot be read" in found["reason"]
            and found
        )
    )
    eventually(lambda: is_ok(daemon), within_s=45, what="the bars read after all")

    assert unread["limit"] == 48_000
    assert rule(daemon, "floor")["limit"] > 48_900
