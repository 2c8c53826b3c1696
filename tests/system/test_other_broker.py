"""One data directory, two brokers: nothing of the one ends or loosens anything of the other."""

import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from daemon_process import eventually
from test_time import DAY_S, LOCKING, PcDaemon, break_the_rule, far_reset

from risk_actors.simulator import SimulatorThread

pytestmark = pytest.mark.system

PAPER_APP = 'armed = true\n[simulator]\ntrader = "none"\n'


def paper(directory: Path, sim: SimulatorThread, rules: str) -> PcDaemon:
    daemon = PcDaemon(directory, sim.environment, rules)
    daemon._arguments = ("--paper",)
    (daemon.settings_dir / "app.toml").write_text(PAPER_APP, encoding="utf-8")
    return daemon


def forget_the_first_minutes(daemon: PcDaemon) -> None:
    """Make the data directory old, for in the first minutes of a new one all edits hold at once."""
    with closing(sqlite3.connect(daemon.data_dir / "risk.db")) as store, store:
        store.execute("update runs set started_ns = started_ns - 86400000000000")


def test_paper_on_the_same_data_directory_ends_no_lock_and_loosens_nothing(
    sim: SimulatorThread, tmp_path: Path
) -> None:
    rules = LOCKING.format(daily=far_reset())
    looser = rules.replace("limit = 1", "limit = 50")
    with ExitStack() as stack:
        first = stack.enter_context(PcDaemon(tmp_path, sim.environment, rules))
        break_the_rule(sim, first)
        (lock,) = first.locks()
        assert first.terminate() == 0
        forget_the_first_minutes(first)
        held = stack.enter_context(PcDaemon(tmp_path, sim.environment, looser))
        pending = eventually(lambda: held.state()["pending"])
        assert held.terminate() == 0
        (whose,) = held.rows("select distinct broker from runs where broker is not null")
        identity = str(whose[0])

        by_paper = stack.enter_context(paper(tmp_path, sim, looser))
        by_paper.let_ticks_pass(2)
        assert by_paper.locks() == []
        (notice,) = by_paper.state()["notices"]
        assert f"({identity}); its store is kept as risk.db.{identity}" in notice
        assert by_paper.rows("select distinct broker from runs") == [("paper",)]
        # Far past the end of the lock and the reset that the edit waits for.
        assert by_paper.terminate() == 0
        by_paper.set_pc(2 * DAY_S)
        by_paper.start()
        by_paper.let_ticks_pass(3)
        assert by_paper.terminate() == 0
        by_paper.set_pc(0)

        last = stack.enter_context(PcDaemon(tmp_path, sim.environment, looser))
        last.let_ticks_pass(3)
        assert [(each["id"], each["until"]) for each in last.locks()] == [
            (lock["id"], lock["until"])
        ]
        assert last.state()["pending"] == pending
        assert any("(paper)" in notice for notice in last.state()["notices"])
        assert (last.data_dir / "risk.db.paper").is_file()
        assert last.terminate() == 0
