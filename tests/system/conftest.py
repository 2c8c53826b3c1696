"""A simulator with its prices held still, and daemons to guard its accounts."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from pathlib import Path

import pytest
from daemon_process import Daemon, StartDaemon

from risk_actors.simulator import SimulatorSettings, SimulatorThread, paper_accounts
from risk_actors.simulator.checker import check


@pytest.fixture
def sim() -> Iterator[SimulatorThread]:
    """A gateway whose prices move only when a test moves them; it checks I1 and I2 at the end."""
    settings = SimulatorSettings(
        auto_prices=False, contract_date=date(2026, 11, 21), accounts=paper_accounts(2)
    )
    with SimulatorThread(settings) as simulator:
        yield simulator
        violations = check(simulator.journal(), simulator.requests(), simulator.events())
        assert violations == []


@pytest.fixture
def start_daemon(tmp_path: Path, sim: SimulatorThread) -> Iterator[StartDaemon]:
    """Start a daemon on the simulator; whatever still runs at the end is killed."""
    with ExitStack() as stack:

        def start(**options: object) -> Daemon:
            daemon = Daemon(tmp_path, sim.environment, **options)  # type: ignore[arg-type]
            return stack.enter_context(daemon)

        yield start
