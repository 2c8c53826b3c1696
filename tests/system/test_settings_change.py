"""Edited settings while the daemon runs, and over a restart: over sockets, as a trader does it."""

import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from daemon_process import RULES, Daemon, StartDaemon, commands, eventually

from risk_actors.simulator import Side, SimulatorThread, Ticket

pytestmark = pytest.mark.system

ACCOUNT = 101
TIGHTER = RULES.replace("limit = 5", "limit = 2")
LOOSER = RULES.replace("limit_usd = 500.0", "limit_usd = 5000.0")


def buy(sim: SimulatorThread, size: int) -> None:
    sim.place(
        Ticket(account_id=ACCOUNT, contract_id=sim.contract_id("MNQ"), side=Side.BUY, size=size)
    )


def price(sim: SimulatorThread, bid: float) -> None:
    sim.set_price(sim.contract_id("MNQ"), bid, bid + 0.25, bid)


def size(sim: SimulatorThread) -> int:
    return sim.size(ACCOUNT, sim.contract_id("MNQ"))


def edit(daemon: Daemon, rules: str) -> None:
    (daemon.settings_dir / "risk.toml").write_text(rules, encoding="utf-8")


def rule(daemon: Daemon, rule_id: str) -> dict[str, Any]:
    return next(rule for rule in daemon.state()["rules"] if rule["id"] == rule_id)


def is_guarding(daemon: Daemon) -> bool:
    state = daemon.state()
    return bool(state["phase"] == "armed" and state["rules"])


def age(daemon: Daemon) -> None:
    """Make the data directory an hour older than it is, so that its first minutes are over."""
    database = sqlite3.connect(daemon.data_dir / "risk.db")
    with database:
        database.execute("update runs set started_ns = started_ns - 3600 * 1000000000")
    database.close()


@pytest.fixture
def daemon(sim: SimulatorThread, start_daemon: StartDaemon) -> Daemon:
    """A daemon whose first ten minutes are over."""
    price(sim, 25_000)
    return aged(start_daemon())


def aged(daemon: Daemon) -> Daemon:
    eventually(lambda: daemon.rows("select id from settings"), what="settings in the store")
    assert daemon.terminate() == 0
    age(daemon)
    daemon.start()
    return daemon


def test_what_tightens_holds_at_once(sim: SimulatorThread, daemon: Daemon) -> None:
    buy(sim, 4)
    eventually(lambda: size(sim) == 4)

    edit(daemon, TIGHTER)

    eventually(lambda: size(sim) == 2, what="reduced to the tighter limit")
    assert commands(sim) == ["Position/partialCloseContract"]
    assert daemon.state()["pending"] == []
    # The change is on record, with who decided what.
    assert daemon.rows("select text from events where kind = 'SettingsChanged'")


def test_what_loosens_waits_and_shows(sim: SimulatorThread, daemon: Daemon) -> None:
    edit(daemon, LOOSER)

    pending = eventually(lambda: daemon.state()["pending"], what="pending")
    assert len(pending) == 1
    assert "limit_usd" in pending[0]
    assert "5000" in pending[0].replace(",", "")
    status = daemon.client("status").stdout
    assert "limit_usd" in status

    buy(sim, 5)
    eventually(lambda: size(sim) == 5)
    price(sim, 24_940.25)
    eventually(lambda: size(sim) == 0, what="the old limit of 500 acts")
    assert eventually(lambda: daemon.account()["locks"])[0]["rule"] == "daily-loss"


def test_a_restart_with_looser_files_changes_nothing(sim: SimulatorThread, daemon: Daemon) -> None:
    for stop in (daemon.terminate, daemon.kill):
        stop()
        edit(daemon, LOOSER)
        daemon.start()
        assert eventually(lambda: daemon.state()["pending"])
        limit = eventually(lambda: rule(daemon, "daily-loss"))["limit"]
        assert limit == -500.0


def test_a_rule_that_is_taken_out_stays_and_one_that_is_added_holds(
    sim: SimulatorThread, daemon: Daemon
) -> None:
    other = '[[rules]]\nid = "one-lot"\ntype = "max_contracts"\nlimit = 1\n'

    edit(daemon, other)

    eventually(lambda: len(daemon.state()["pending"]) == 2, what="both old rules stay")
    eventually(lambda: is_guarding(daemon))
    ids = {each["id"] for each in daemon.state()["rules"]}
    assert ids == {"max-contracts", "daily-loss", "one-lot"}
    buy(sim, 3)
    eventually(lambda: size(sim) == 1, what="the added rule acts")


def test_files_that_are_wrong_change_nothing_and_say_so(
    sim: SimulatorThread, daemon: Daemon
) -> None:
    edit(daemon, TIGHTER.replace("limit = 2", "limt = 2"))

    fault = eventually(lambda: daemon.state()["settings_fault"], what="a fault")
    assert "limt" in fault
    assert is_guarding(daemon)

    edit(daemon, TIGHTER)

    eventually(lambda: daemon.state()["settings_fault"] is None)
    buy(sim, 3)
    eventually(lambda: size(sim) == 2, what="the mended files hold")


def test_what_is_remembered_and_locked_lives_through_a_change(
    sim: SimulatorThread, daemon: Daemon
) -> None:
    buy(sim, 5)
    eventually(lambda: size(sim) == 5)
    price(sim, 24_940.25)
    eventually(lambda: size(sim) == 0)
    before = eventually(lambda: daemon.account()["locks"])

    edit(daemon, TIGHTER)

    eventually(lambda: daemon.rows("select count(*) from runs") == [(3,)], what="made anew")
    eventually(lambda: is_guarding(daemon))
    assert daemon.account()["locks"] == before
    buy(sim, 1)
    eventually(lambda: size(sim) == 0 and sim.orders(ACCOUNT) == [], what="locked means locked")
    assert daemon.account()["day"]["realized"] < -500


def test_the_first_ten_minutes_are_exempt(sim: SimulatorThread, start_daemon: StartDaemon) -> None:
    daemon = start_daemon()
    eventually(lambda: rule(daemon, "daily-loss")["limit"] == -500.0)

    edit(daemon, LOOSER)

    eventually(lambda: is_guarding(daemon) and rule(daemon, "daily-loss")["limit"] == -5000.0)
    assert daemon.state()["pending"] == []


def overwrite_store(daemon: Daemon) -> None:
    """What `dd` with noise does to it."""
    (daemon.data_dir / "risk.db").write_bytes(Random(1).randbytes(300_000))


def delete_store(daemon: Daemon) -> None:
    for path in daemon.data_dir.glob("risk.db*"):
        path.unlink()


@pytest.mark.parametrize("break_it", [overwrite_store, delete_store])
def test_a_store_that_is_damaged_or_deleted_loosens_nothing(
    sim: SimulatorThread, daemon: Daemon, break_it: Callable[[Daemon], None]
) -> None:
    buy(sim, 5)
    eventually(lambda: size(sim) == 5)
    price(sim, 24_940.25)
    eventually(lambda: daemon.account()["locks"])
    daemon.kill()
    break_it(daemon)
    edit(daemon, LOOSER)
    unlock = '[session]\nunlock = "delayed"\nunlock_delay_s = 60\n'
    (daemon.settings_dir / "risk.toml").write_text(unlock + LOOSER, encoding="utf-8")

    daemon.start()

    assert len(eventually(lambda: daemon.state()["pending"])) == 3
    assert eventually(lambda: rule(daemon, "daily-loss"))["limit"] == -500.0
    assert daemon.state()["unlock"] == "never"
    notices = daemon.state()["notices"]
    assert "was read from settings.backup.json" in notices[-1]
    assert notices[-1] in daemon.client("status").stdout.replace("\n", " ")
    query = "select text from events where kind = 'ActorChanged'"
    eventually(lambda: (f"store fault: {notices[-1]}",) in daemon.rows(query))


def test_after_a_lock_the_first_ten_minutes_are_good_for_rules_alone(
    sim: SimulatorThread, start_daemon: StartDaemon
) -> None:
    price(sim, 25_000)
    daemon = start_daemon()
    assert daemon.client("panic", "--yes").returncode == 0
    eventually(lambda: daemon.account()["locks"])
    kept = daemon.data_dir / "settings.backup.json"
    eventually(lambda: '"was_locked": true' in kept.read_text(encoding="utf-8"))

    edit(daemon, '[session]\nunlock = "delayed"\n' + LOOSER)
    assert eventually(lambda: daemon.state()["pending"])
    daemon.kill()
    daemon.start()

    assert len(eventually(lambda: daemon.state()["pending"])) == 1
    assert daemon.state()["unlock"] == "never"
    assert eventually(lambda: rule(daemon, "daily-loss"))["limit"] == -5000.0


def test_the_log_tells_times_in_the_zone_in_force(start_daemon: StartDaemon) -> None:
    # A reset while the test runs would put the new zone in force.
    hour = (datetime.now(ZoneInfo("America/Chicago")) + timedelta(hours=12)).hour
    session = f'[session]\ndaily_reset = "0 {hour} * * *"\n'
    daemon = aged(start_daemon(rules=session + RULES))
    zone = session + 'timezone = "Asia/Tokyo"\n'
    (daemon.settings_dir / "risk.toml").write_text(zone + RULES, encoding="utf-8")
    eventually(lambda: daemon.state()["pending"])
    daemon.kill()
    daemon.output = ""
    daemon.start()
    assert daemon.state()["timezone"] == "America/Chicago"
    daemon.kill()

    assert "Waits until" in daemon.output
    assert "JST" not in daemon.output
    assert "+09:00" not in (daemon.data_dir / "risk_actors.log").read_text(encoding="utf-8")


def test_disarmed_nothing_is_sent_and_armed_again_it_is(
    sim: SimulatorThread, daemon: Daemon
) -> None:
    done = daemon.client("disarm", "--reason", "the platform is being repaired")
    assert done.returncode == 0, done.stderr
    eventually(lambda: daemon.state()["armed"] is False)
    eventually(lambda: is_guarding(daemon))
    buy(sim, 7)
    eventually(lambda: rule(daemon, "max-contracts")["verdict"] == "breach")
    daemon.let_ticks_pass(10)
    assert commands(sim) == []

    # It holds over a restart, or the next start would act on what the trader has stopped.
    daemon.kill()
    daemon.start()
    assert daemon.state()["armed"] is False

    assert daemon.client("arm").returncode == 0
    eventually(lambda: size(sim) == 5, what="enforced again")
