"""The daemon as a process, its threads as they happen to run: a replay decides the same."""

import sqlite3

import pytest
from daemon_process import Daemon, StartDaemon, eventually

from risk_actors.simulator import Side, SimulatorThread, Ticket

pytestmark = pytest.mark.system

RULES = """
[[rules]]
id = "max-contracts"
type = "max_contracts"
limit = 5

[[rules]]
id = "daily-loss"
type = "daily_loss_limit"
limit_usd = 500.0
warn_at = [0.5]

[[rules]]
id = "cooldown"
type = "trade_cooldown"
seconds = 2.0

[[rules]]
id = "stop"
type = "stop_required"
grace_s = 1.0
"""
ACCOUNT = 101


def trade(sim: SimulatorThread, daemon: Daemon, account: int) -> None:
    """Buy too many, with prices that move: what is too much goes, then what has no stop."""
    contract_id = sim.contract_id("MNQ")
    sim.place(Ticket(account_id=account, contract_id=contract_id, side=Side.BUY, size=7))
    for step in range(20):
        price = 25_000 - step * 0.25
        sim.set_price(contract_id, price, price + 0.25, price)
        daemon.let_ticks_pass(1)
    eventually(lambda: sim.sizes(account) == {} and sim.orders(account) == [])


def test_what_a_process_decided_comes_out_again_also_after_a_kill(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    daemon = start_daemon(rules=RULES)
    trade(sim, daemon, ACCOUNT)
    daemon.kill()
    daemon.start()
    trade(sim, daemon, ACCOUNT + 1)
    assert daemon.client("panic", "--yes").returncode == 0
    eventually(lambda: all(daemon.account(index)["locks"] for index in (0, 1)))

    while_running = daemon.client("replay")
    assert daemon.terminate() == 0
    after = daemon.client("replay")

    for answer in (while_running, after):
        assert answer.returncode == 0, answer.stdout + answer.stderr
        assert "came out as recorded" in answer.stdout
        assert "DIFFERS" not in answer.stdout
    assert "and still running" in while_running.stdout
    assert "still running" not in after.stdout
    assert "not ended in order" in " ".join(after.stdout.split())
    (kept,) = daemon.rows("select count(*) from commands")[0]
    assert kept >= 2


def test_a_changed_lock_is_found(sim: SimulatorThread, start_daemon: StartDaemon) -> None:
    daemon = start_daemon(rules=RULES)
    assert daemon.client("panic", "--yes").returncode == 0
    eventually(lambda: daemon.rows("select 1 from decisions where kind = 'LocksChanged'"))
    assert daemon.terminate() == 0
    database = sqlite3.connect(daemon.data_dir / "risk.db")
    with database:
        database.execute(
            "update decisions set message = replace(message, '\"panic\"', '\"calm\"')"
            " where kind = 'LocksChanged'"
        )
    database.close()

    answer = daemon.client("replay", str(daemon.data_dir / "risk.db"))

    assert answer.returncode == 1
    assert "BROKEN: row" in answer.stdout
    assert 'rule_id: "calm" recorded, "panic" replayed' in answer.stdout
    assert "NOT AS RECORDED" in answer.stdout


def test_without_a_record_it_says_so(sim: SimulatorThread, start_daemon: StartDaemon) -> None:
    daemon = start_daemon(rules=RULES)
    assert daemon.terminate() == 0
    (daemon.data_dir / "risk.db").unlink()

    answer = daemon.client("replay")

    assert answer.returncode == 1
    assert "there is no record" in answer.stderr
    assert daemon.client("replay", "--day", "tomorrow").returncode == 2
