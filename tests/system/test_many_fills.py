"""More fills than one answer holds, made while the daemon is down: all are counted (I5)."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from daemon_process import Daemon, eventually

from risk_actors.simulator import Side, SimulatorSettings, SimulatorThread, Ticket, paper_accounts

pytestmark = pytest.mark.system

ACCOUNT = 101
ROUND_TRIPS = 75
RULES = """
[[rules]]
id = "day"
type = "daily_loss_limit"
limit_usd = 100000.0
"""


@pytest.fixture(params=["newest", "oldest", None])
def sim(request: pytest.FixtureRequest) -> Iterator[SimulatorThread]:
    """A broker whose Trade/search answers with 100 rows at most, or with all."""
    settings = SimulatorSettings(
        auto_prices=False,
        contract_date=date(2026, 11, 21),
        accounts=paper_accounts(1),
        trade_rows=None if request.param is None else 100,
        trade_rows_kept=request.param or "newest",
    )
    with SimulatorThread(settings) as simulator:
        yield simulator


def round_trip(sim: SimulatorThread) -> None:
    for side in (Side.BUY, Side.SELL):
        contract_id = sim.contract_id("MNQ")
        sim.place(Ticket(account_id=ACCOUNT, contract_id=contract_id, side=side, size=1))


def result(daemon: Daemon) -> Decimal:
    """What the daemon says the day has realised, USD; 0 while it cannot tell."""
    return Decimal(str(daemon.account()["day"]["realized"] or 0))


def earned(sim: SimulatorThread) -> Decimal:
    """What the broker's balance says, USD."""
    balance = sim.call(lambda: sim.gateway.exchange.account(ACCOUNT).balance_usd)
    return Decimal(balance) - 50_000


def test_i5_fills_made_while_down_are_all_counted_beyond_a_hundred(
    sim: SimulatorThread, tmp_path: Path
) -> None:
    sim.set_price(sim.contract_id("MNQ"), 25_000, 25_000.25, 25_000)
    with Daemon(tmp_path, sim.environment, rules=RULES) as daemon:
        round_trip(sim)
        # A trade counts from its entry on; what it costs is known once it is closed as well.
        eventually(lambda: result(daemon) == earned(sim) != 0)
        before = result(daemon)
        assert daemon.account()["day"]["trades"] == 1
        daemon.kill()

        for _ in range(ROUND_TRIPS):
            round_trip(sim)
        daemon.start()

        eventually(lambda: daemon.account()["day"]["trades"] == ROUND_TRIPS + 1)
        day = daemon.account()["day"]
        assert day["entries"] == ROUND_TRIPS + 1
        assert before < 0
        assert result(daemon) == before * (ROUND_TRIPS + 1) == earned(sim)
        assert daemon.account()["positions"] == []
