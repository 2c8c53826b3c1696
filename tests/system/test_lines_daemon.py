"""The daemon flattens by whichever line of the user hub is left, as it does by both."""

from functools import partial
from pathlib import Path

import line_faults
import pytest
from daemon_process import Daemon, eventually

from risk_actors.projectx.lines import Line
from risk_actors.simulator import Side, SimulatorSettings, SimulatorThread, Ticket, paper_accounts
from risk_actors.simulator.checker import check

pytestmark = pytest.mark.system


def is_flat(sim: SimulatorThread, account_id: int) -> bool:
    return sim.size(account_id, sim.contract_id("MNQ")) == 0


@pytest.mark.parametrize("line", [Line.A, Line.B])
def test_a_breach_is_flattened_once_by_the_line_that_is_left(tmp_path: Path, line: Line) -> None:
    settings = SimulatorSettings(auto_prices=False, accounts=paper_accounts(2))
    rules = '[[rules]]\nid = "size"\ntype = "max_contracts"\nlimit = 2\nresponse = "flatten"\n'
    with (
        SimulatorThread(settings) as sim,
        Daemon(tmp_path, sim.environment, rules=rules) as daemon,
    ):
        eventually(lambda: line_faults.count(sim, Line.A) and line_faults.count(sim, Line.B))
        ticket = partial(Ticket, contract_id=sim.contract_id("MNQ"), side=Side.BUY, size=3)
        line_faults.kill(sim, line)
        for account_id in (101, 102):
            sim.place(ticket(account_id=account_id))
            eventually(partial(is_flat, sim, account_id), what="flat")
        # The accounts are read once after a line was lost, for maybe neither told for a moment.
        eventually(lambda: daemon.state()["connection"]["fallback"] is None, what="heard")
        assert daemon.state()["connection"]["user_hub"]
        assert line_faults.count(sim, line) == 0
        closes = [r for r in sim.requests("Position/closeContract") if r.status == 200]
        assert len(closes) == 2  # one for each account: no row counted twice
        assert check(sim.journal(), sim.requests(), sim.events()) == []
