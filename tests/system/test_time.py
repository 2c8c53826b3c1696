"""The daemon on a PC whose clock is wrong or is set, and on resets that come while it is down.

The simulator's clock is right. The daemon's process is started by a launcher that falsifies what
Python tells as the time, as a PC's clock does that somebody set; a file says by how much, so that
a test can set it while the daemon runs.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from daemon_process import Daemon, eventually

from risk_actors.simulator import SimulatorThread
from risk_actors.simulator.records import Side, Ticket

_LAUNCHER = """
import os, sys, time

real_ns, steady = time.time_ns, time.monotonic
looked, ahead_ns = 0.0, 0


def falsified_ns():
    global looked, ahead_ns
    if steady() - looked > 0.05:
        looked = steady()
        with open(os.environ["PC_AHEAD_S"], encoding="utf-8") as file:
            ahead_ns = int(float(file.read() or ahead_ns / 1e9) * 1e9)
    return real_ns() + ahead_ns


time.time_ns = falsified_ns
time.time = lambda: falsified_ns() / 1e9

from risk_actors.__main__ import main

sys.exit(main())
"""

pytestmark = pytest.mark.system

DAY_S = 86_400.0
LOCKING = """
[session]
timezone = "UTC"
daily_reset = "{daily}"
weekly_reset = "0 17 * * SUN"

[[rules]]
id = "max-contracts"
type = "max_contracts"
limit = 1
response = "flatten"
lock = {{ until = "daily_reset" }}
"""


class PcDaemon(Daemon):
    """A daemon on a PC whose clock a test sets."""

    def __init__(self, directory: Path, environment: dict[str, str], rules: str) -> None:
        self._launcher = directory / "launcher.py"
        self._launcher.write_text(_LAUNCHER, encoding="utf-8")
        self._ahead = directory / "ahead"
        if not self._ahead.exists():
            self.set_pc(0)
        super().__init__(directory, {**environment, "PC_AHEAD_S": str(self._ahead)}, rules=rules)

    def command(self, *words: str) -> list[str]:
        return [sys.executable, str(self._launcher), *words]

    def set_pc(self, ahead_s: float) -> None:
        """Set the PC's clock, so far ahead of what it should be."""
        swap = self._ahead.with_suffix(".new")
        swap.write_text(str(ahead_s), encoding="utf-8")
        swap.replace(self._ahead)

    def locks(self) -> list[dict[str, Any]]:
        locks: list[dict[str, Any]] = self.account()["locks"]
        return locks

    def clock_events(self) -> list[str]:
        return [event["text"] for event in self.state()["events"] if event["kind"] == "clock"]

    def schedule(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = next(
            each for each in self.state()["schedules"] if each["name"] == name
        )
        return found


type StartPc = Callable[..., PcDaemon]


@pytest.fixture
def start_pc(tmp_path: Path, sim: SimulatorThread) -> Iterator[StartPc]:
    with ExitStack() as stack:

        def start(rules: str, ahead_s: float = 0.0) -> PcDaemon:
            daemon = PcDaemon(tmp_path, sim.environment, rules)
            daemon.set_pc(ahead_s)
            return stack.enter_context(daemon)

        yield start


def far_reset() -> str:
    """Return a daily reset that is hours away from now, in UTC."""
    return f"0 {(datetime.now(UTC).hour + 6) % 24} * * *"


def break_the_rule(sim: SimulatorThread, daemon: Daemon) -> None:
    sim.place(Ticket(account_id=101, contract_id=sim.contract_id("MNQ"), side=Side.BUY, size=2))
    eventually(lambda: daemon.account()["locks"], what="a lock")
    eventually(lambda: sim.size(101, sim.contract_id("MNQ")) == 0, what="flat")


@pytest.mark.parametrize("ahead_s", [DAY_S, -DAY_S, 300.0])
def test_a_restart_on_a_pc_whose_clock_was_set_ends_no_lock(
    sim: SimulatorThread, start_pc: StartPc, ahead_s: float
) -> None:
    rules = LOCKING.format(daily=far_reset())
    first = start_pc(rules)
    break_the_rule(sim, first)
    (lock,) = first.locks()
    first.kill()

    second = start_pc(rules, ahead_s=ahead_s)

    (held,) = eventually(second.locks, what="the lock")
    assert (held["id"], held["until"]) == (lock["id"], lock["until"])
    (said,) = eventually(second.clock_events)
    assert "the broker's time counts" in said
    second.let_ticks_pass(5)
    assert [each["id"] for each in second.locks()] == [lock["id"]]
    assert second.terminate() == 0
    assert len(sim.requests("Auth/loginKey")) <= 4


def test_a_pc_clock_set_while_a_lock_is_in_force_ends_nothing_and_is_told(
    sim: SimulatorThread, start_pc: StartPc
) -> None:
    daemon = start_pc(LOCKING.format(daily=far_reset()))
    break_the_rule(sim, daemon)
    (lock,) = daemon.locks()
    daemon.let_ticks_pass(2)
    pings = len(sim.requests("Status/ping"))

    daemon.set_pc(DAY_S)

    (said,) = eventually(daemon.clock_events)
    assert said.startswith("The PC's clock was set ahead by 1 d 0 h; ours was not moved")
    eventually(lambda: len(sim.requests("Status/ping")) > pings, what="the broker is asked at once")
    daemon.let_ticks_pass(5)
    assert daemon.locks() == [lock]

    daemon.set_pc(0)
    eventually(lambda: len(daemon.clock_events()) == 2)
    assert daemon.locks() == [lock]
    assert daemon.terminate() == 0


def test_a_lock_ends_at_the_reset_and_a_reset_missed_while_down_is_caught_up_once(
    sim: SimulatorThread, start_pc: StartPc
) -> None:
    """The day begins anew with each minute of the broker's clock, by which all goes."""
    rules = LOCKING.format(daily="* * * * *")
    sim.gateway.clock_ahead_s = 45 - time.time() % 60 + DAY_S
    first = start_pc(rules)
    break_the_rule(sim, first)
    (lock,) = first.locks()
    until_s = datetime.fromisoformat(lock["until"]).timestamp()
    assert 0 < until_s - broker_s(sim) <= 15

    while broker_s(sim) < until_s - 0.5:
        assert first.locks(), "a lock ended before its time"
        time.sleep(0.05)
    eventually(lambda: not first.locks(), within_s=5)
    assert -0.1 < broker_s(sim) - until_s < 2.5
    assert datetime.fromisoformat(first.schedule("daily_reset")["last"]).timestamp() == until_s
    eventually(lambda: told_resets(first) == [BEGAN])
    eventually(lambda: first.rows("select * from resets"), what="the reset in the store")
    first.kill()

    sim.gateway.clock_ahead_s += 60
    second = start_pc(rules)
    second.let_ticks_pass(5)
    assert told_resets(second) == [CAUGHT_UP]
    second.kill()

    third = start_pc(rules)
    third.let_ticks_pass(5)
    assert told_resets(third) == []
    assert broker_s(sim) < until_s + 120, "the machine is too slow for this test"
    rows = third.rows("select name, at_ns / 1000000000, caught_up from resets order by at_ns")
    assert rows == [("daily_reset", until_s, 0), ("daily_reset", until_s + 60, 1)]
    assert third.terminate() == 0


BEGAN = "a new trading day began"
CAUGHT_UP = f"{BEGAN} while this program was not running"


def broker_s(sim: SimulatorThread) -> float:
    return sim.gateway.clock() / 1e9


def told_resets(daemon: Daemon) -> list[str]:
    return [event["text"] for event in daemon.state()["events"] if event["kind"] == "reset"]
