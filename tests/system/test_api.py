"""What the API tells of a day: the daemon over the unmodified SDK, its store, and a restart."""

import http.client
import json
import os
import signal
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from daemon_process import DEADLINE_S, Daemon, StartDaemon, eventually

from risk_actors.simulator import Side, SimulatorThread, Ticket

pytestmark = pytest.mark.system

ACCOUNT = 101


def trade(sim: SimulatorThread, side: Side, size: int) -> None:
    ticket = Ticket(account_id=ACCOUNT, contract_id=sim.contract_id("MNQ"), side=side, size=size)
    sim.place(ticket)


def price(sim: SimulatorThread, bid: float) -> None:
    sim.set_price(sim.contract_id("MNQ"), bid, bid + 0.25, bid)


def is_flat_with(daemon: Daemon, trades: int) -> bool:
    account = daemon.account()
    day = account["day"]
    # What is open and what it made are told one after the other.
    is_counted = day["equity"] is not None and day["equity"] == day["realized"]
    return account["positions"] == [] and day["trades"] == trades and is_counted


def play_a_day(sim: SimulatorThread, daemon: Daemon) -> None:
    """Win once, then lose more than the limit; the guard flattens and locks."""
    price(sim, 25_000)
    trade(sim, Side.BUY, 2)
    eventually(lambda: daemon.account()["positions"])
    price(sim, 25_010)
    trade(sim, Side.SELL, 2)
    eventually(lambda: is_flat_with(daemon, 1), what="the first trade is over")
    trade(sim, Side.BUY, 5)
    eventually(lambda: [p["unrealized"] for p in daemon.account()["positions"]] not in ([], [None]))
    price(sim, 24_940.25)
    eventually(lambda: daemon.account()["locks"], what="locked")
    eventually(lambda: is_flat_with(daemon, 2), what="flat")


def today(daemon: Daemon) -> dict[str, Any]:
    days = daemon.get("/api/history?days=1")[1]["days"]
    return next(day for day in days if day["account"] == ACCOUNT)


def check_answers(daemon: Daemon) -> None:
    """Check every answer to a question against the description that the daemon itself gives."""
    described = daemon.get("/openapi.json")[1]
    queries = {"/api/curve": f"?account={ACCOUNT}"}
    checked = 0
    for path, ways in described["paths"].items():
        answers = ways.get("get", {"responses": {}})["responses"].items()
        for status, answer in answers:
            content = answer.get("content", {}).get("application/json")
            if status != "200" or content is None:
                continue
            got, body = daemon.get(path + queries.get(path, ""))
            assert got == 200, (path, body)
            schema = {**content["schema"], "components": described["components"]}
            jsonschema.validate(body, schema, jsonschema.Draft202012Validator)
            checked += 1
    assert checked >= 9


def test_history_curve_and_audit_tell_the_day_that_the_state_tells(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    daemon = start_daemon()
    play_a_day(sim, daemon)
    shown = daemon.account()["day"]

    day = eventually(lambda: [d for d in [today(daemon)] if d["locks"] and d["breaches"]])[0]
    curve = daemon.get(f"/api/curve?account={ACCOUNT}")[1]
    (lock,) = daemon.account()["locks"]
    chain = daemon.get(f"/api/audit?correlation={lock['correlation_id']}")[1]

    assert (day["realized"], day["fees"], day["trades"]) == (
        shown["realized"],
        shown["fees"],
        shown["trades"],
    )
    assert (day["locks"], day["breaches"]) == (1, 1)
    # Without the picture the store says the same.
    stored = daemon.rows(
        "select realized_usd, costs_usd, trades from pnl_days where account_id = ?"
        " order by day_start_ns desc limit 1",
        ACCOUNT,
    )[0]
    assert [round(float(amount), 2) for amount in stored] == [
        shown["realized"],
        shown["fees"],
        shown["trades"],
    ]
    assert curve["points"][-1][1] == shown["equity"] == shown["realized"]
    kinds = [mark["kind"] for mark in curve["marks"]]
    assert {"entry", "exit", "breach", "lock"} <= {*kinds}
    assert all(mark["correlation_id"] for mark in curve["marks"])
    steps = [step["kind"] for step in chain["steps"]]
    assert steps[0] == "event"
    assert {"breach", "lock", "command", "outcome"} <= {*steps}
    check_answers(daemon)


def test_after_a_restart_the_curve_begins_with_what_the_store_knows(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    daemon = start_daemon()
    play_a_day(sim, daemon)
    shown = daemon.account()["day"]
    assert daemon.terminate() == 0

    daemon.start()
    curve = eventually(lambda: daemon.get(f"/api/curve?account={ACCOUNT}")[1])

    known = [equity for _, equity in curve["points"] if equity is not None]
    assert known[0] == 0.0
    assert curve["points"][0][0] == curve["day_started_at"]
    assert known[-1] == shown["realized"] == today(daemon)["realized"]
    assert None in [equity for _, equity in curve["points"]], "while it was open nobody knows"
    assert len(curve["points"]) < 20
    assert {"entry", "exit", "breach", "lock"} <= {mark["kind"] for mark in curve["marks"]}
    # It was open while nobody of this process watched.
    assert today(daemon)["peak"] is None


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_with_a_token_only_those_who_have_it_are_served(
    sim: SimulatorThread, tmp_path: Path
) -> None:
    token = "a-token-of-ours-0123456789"
    app = 'armed = true\n[web]\nhost = "0.0.0.0"\ntoken_file = "web.token"\n'
    daemon = Daemon(tmp_path, sim.environment, app=app)
    assert daemon.run_to_end() == 2
    assert "web.token" in daemon.output
    assert "cannot be read: No such file" in daemon.output
    file = daemon.settings_dir / "web.token"
    file.write_text(token, encoding="utf-8")
    file.chmod(0o600)
    daemon.start(until_armed=False)
    try:
        address = eventually(lambda: _address(daemon))

        def state(headers: dict[str, str]) -> int:
            connection = http.client.HTTPConnection("127.0.0.1", address["port"], timeout=5)
            try:
                connection.request("GET", "/api/state", headers=headers)
                with connection.getresponse() as response:
                    response.read()
                    return response.status
            finally:
                connection.close()

        assert state({}) == 401
        assert state({"Authorization": f"Bearer {token}"}) == 200
        assert daemon.client("status", "--json").returncode == 0
        assert daemon.client("topology", "--live").returncode == 0
        assert daemon.process is not None
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.wait(DEADLINE_S) == 0
        written = [*daemon.data_dir.rglob("*")]
        kept = b"".join(path.read_bytes() for path in written if path.is_file())
        assert token not in daemon.output
        assert token.encode() not in kept
    finally:
        if daemon.process is not None and daemon.process.poll() is None:
            daemon.kill()


def _address(daemon: Daemon) -> dict[str, Any]:
    """Return where the daemon serves; empty until it says so."""
    try:
        text = (daemon.data_dir / "daemon.json").read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    found: dict[str, Any] = json.loads(text)
    return found
