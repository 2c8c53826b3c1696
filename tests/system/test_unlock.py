"""Ending locks early: the daemon as a process, the command line, the simulator over sockets."""

import pytest
from daemon_process import RULES, Daemon, StartDaemon, commands, eventually

from risk_actors.app.admin_secret import SEEN_FILE
from risk_actors.simulator import Side, SimulatorThread, Ticket

pytestmark = pytest.mark.system

ACCOUNT = 101
NEVER_AGAIN_TICKS = 20
SECRET = "correct horse battery"


def rules(policy: str) -> str:
    return f'[session]\nunlock = "{policy}"\nunlock_delay_s = 60.0\n{RULES}'


def buy(sim: SimulatorThread, size: int) -> None:
    contract_id = sim.contract_id("MNQ")
    sim.place(Ticket(account_id=ACCOUNT, contract_id=contract_id, side=Side.BUY, size=size))


def price(sim: SimulatorThread, bid: float) -> None:
    sim.set_price(sim.contract_id("MNQ"), bid, bid + 0.25, bid)


def is_flat(sim: SimulatorThread) -> bool:
    return sim.sizes(ACCOUNT) == {} and sim.orders(ACCOUNT) == []


def locks(daemon: Daemon) -> list[dict[str, object]]:
    return list(daemon.account()["locks"])


def lose_600(sim: SimulatorThread) -> None:
    price(sim, 25_000)
    buy(sim, 5)
    eventually(lambda: sim.size(ACCOUNT, sim.contract_id("MNQ")) == 5)
    price(sim, 24_940.25)


def lock_out(sim: SimulatorThread, daemon: Daemon) -> str:
    """Break the daily loss limit; return the lock's number once the account is flat."""
    lose_600(sim)
    eventually(lambda: is_flat(sim) and locks(daemon))
    eventually(lambda: daemon.account()["enforcement"] is None)
    return str(locks(daemon)[0]["id"])


def test_i4_under_never_nothing_the_trader_asks_ends_a_lock(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    daemon = start_daemon(rules=rules("never"))
    number = lock_out(sim, daemon)
    held = locks(daemon)

    refused = [
        daemon.client("unlock", number, "--reason", "I feel better"),
        daemon.client("unlock", number, "--withdraw"),
        daemon.client("disarm", "--reason", "I feel better"),
    ]
    daemon.kill()
    daemon.start()

    assert [each.returncode for each in refused] == [1, 1, 1]
    assert '"never"' in refused[0].stderr
    assert "a lock is in force" in refused[2].stderr
    assert locks(daemon) == held
    buy(sim, 1)
    eventually(lambda: is_flat(sim))


def test_i5_a_delayed_request_waits_over_a_restart_and_can_be_withdrawn(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    daemon = start_daemon(rules=rules("delayed"))
    number = lock_out(sim, daemon)
    asked = daemon.client("unlock", number, "--reason", "an appointment")
    assert asked.returncode == 0, asked.stderr
    waits = eventually(lambda: locks(daemon)[0]["unlock"])

    again = daemon.client("unlock", number, "--reason", "sooner")
    daemon.kill()
    stored = daemon.client("locks", "--stored")
    daemon.start()
    after = eventually(lambda: locks(daemon)[0]["unlock"])
    shown = daemon.client("locks").stdout
    withdrawn = daemon.client("unlock", number, "--withdraw")
    eventually(lambda: locks(daemon)[0]["unlock"] is None)

    assert again.returncode == 1
    assert "asked for before" in again.stderr
    assert after == waits
    for text in (stored.stdout, shown):
        assert f"Lock {number}: unlock takes effect at" in text
        assert "(an appointment)" in text
    assert withdrawn.returncode == 0, withdrawn.stderr
    assert daemon.rows("select reason, status from unlock_requests") == [
        ("an appointment", "withdrawn")
    ]


def test_an_admin_unlock_ends_the_lock_and_a_restart_does_not_flatten_for_what_it_waived(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    daemon = start_daemon(rules=rules("admin"))
    set_first = daemon.client("admin", "set-secret", typed=f"{SECRET}\n")
    assert set_first.returncode == 0, set_first.stderr
    eventually((daemon.data_dir / SEEN_FILE).exists, what="the secret was seen before the lock")
    number = lock_out(sim, daemon)
    ask = ("unlock", number, "--reason", "agreed by phone", "--secret-stdin")

    wrong = daemon.client(*ask, typed="a-wrong-guess\n")
    still_locked = locks(daemon)
    right = daemon.client(*ask, typed=f"{SECRET}\n")
    eventually(lambda: locks(daemon) == [])
    sent = len(commands(sim))
    buy(sim, 1)
    eventually(lambda: daemon.account()["positions"])
    daemon.let_ticks_pass(NEVER_AGAIN_TICKS)
    daemon.kill()
    daemon.start()
    eventually(lambda: daemon.account()["positions"])
    daemon.let_ticks_pass(NEVER_AGAIN_TICKS)

    assert (wrong.returncode, right.returncode) == (1, 0)
    assert "the admin secret is not right" in wrong.stderr
    assert len(still_locked) == 1
    assert daemon.rows("select ended_by from locks") == [("unlock",)]
    assert locks(daemon) == []
    assert len(commands(sim)) == sent
    assert sim.size(ACCOUNT, sim.contract_id("MNQ")) == 1

    panic = daemon.client("panic", "--yes")
    assert panic.returncode == 0, panic.stderr
    eventually(lambda: is_flat(sim) and locks(daemon))
    everything = b"".join(
        file.read_bytes() for file in daemon.data_dir.rglob("*") if file.is_file()
    )
    assert SECRET.encode() not in everything
    assert b"a-wrong-guess" not in everything


def test_disarm_and_arm_act_at_once_while_no_lock_is_in_force(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    daemon = start_daemon(rules=rules("never"))

    disarmed = daemon.client("disarm", "--reason", "a test of my platform")
    eventually(lambda: daemon.state()["armed"] is False and daemon.state()["phase"] == "armed")
    lose_600(sim)
    eventually(lambda: "breach" in {rule["verdict"] for rule in daemon.state()["rules"]})
    daemon.let_ticks_pass(NEVER_AGAIN_TICKS)
    unarmed = commands(sim)
    armed = daemon.client("arm")

    assert (disarmed.returncode, disarmed.stderr) == (0, "")
    assert unarmed == []
    assert (armed.returncode, armed.stderr) == (0, "")
    eventually(lambda: is_flat(sim) and locks(daemon))
