"""Alerts that are edited while the daemon runs; test_service_daemon.py has all the rest."""

import pytest
from daemon_process import StartDaemon, eventually

from risk_actors.simulator import Side, SimulatorThread, Ticket
from tests.alerts.sink import HttpSink

pytestmark = pytest.mark.system

ACCOUNT = 101
TOKEN = "s3cr3t-0815-t0ken"
APP = """
armed = true

[alerts]
heartbeat_url = "http://127.0.0.1:{port}/beat/{token}"
heartbeat_every_s = 1.0

[[alerts.channels]]
name = "phone"
url = "json://127.0.0.1:{port}/{token}"
min_severity = "info"

[[alerts.channels]]
name = "broken"
url = "json://127.0.0.1:9/{token}"
"""


def lose_600(sim: SimulatorThread) -> None:
    contract = sim.contract_id("MNQ")
    sim.set_price(contract, 25_000, 25_000.25, 25_000)
    sim.place(Ticket(account_id=ACCOUNT, contract_id=contract, side=Side.BUY, size=5))
    eventually(lambda: sim.size(ACCOUNT, contract) == 5)
    sim.set_price(contract, 24_940.25, 24_940.5, 24_940.25)


def test_edited_alerts_are_used_without_a_restart_and_without_new_actors(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    with HttpSink() as sink:
        daemon = start_daemon()
        runs = daemon.rows("select count(*) from runs")
        text = APP.format(port=sink.port, token=TOKEN)
        (daemon.settings_dir / "app.toml").write_text(text, encoding="utf-8")
        eventually(lambda: daemon.state()["alerts"], what="the channels")

        lose_600(sim)

        eventually(lambda: "LOCKED by daily-loss" in sink.text(), what="the lock")
        assert daemon.rows("select count(*) from runs") == runs
