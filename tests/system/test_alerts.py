"""The daemon as a process: a rule breaks in the simulator, and the alert arrives over HTTP."""

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


def test_a_breach_reaches_the_phone_and_no_secret_reaches_anything_else(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    with HttpSink() as sink:
        daemon = start_daemon(app=APP.format(port=sink.port, token=TOKEN))
        eventually(lambda: "started" in sink.text(), what="the daemon's start")

        lose_600(sim)

        eventually(lambda: "observed flat for daily-loss" in sink.text(), what="flat")
        told = sink.text()
        assert "50KTC-SIM-101: rule daily-loss broken: Day P&L" in told
        assert "of -500.00" in told
        assert "account LOCKED by daily-loss until" in told
        assert "[live] LOCKED" in told
        eventually(lambda: f"/beat/{TOKEN}" in sink.paths, what="the heartbeat")

        broken = eventually(lambda: [a for a in daemon.state()["alerts"] if a["is_failing"]])
        assert [each["name"] for each in broken] == ["broken"]
        eventually(
            lambda: any(
                "channel broken does not deliver" in event["text"]
                for event in daemon.state()["events"]
            ),
            what="the failure among the events",
        )
        listed = daemon.client("alerts", "list")
        assert "phone (json://[hidden], info and above): " in listed.stdout
        assert "FAILING" in listed.stdout
        shown = listed.stdout + str(daemon.state()) + str(daemon.get("/api/topology"))
        assert TOKEN not in shown

        assert daemon.terminate(within_s=20.0) == 0
        assert "stopped" in sink.text()
        assert TOKEN not in daemon.output
        for path in daemon.data_dir.rglob("*"):
            if path.is_file():
                assert TOKEN.encode() not in path.read_bytes(), path


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
