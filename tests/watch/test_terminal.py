"""The terminal view as a trader has it: on a terminal, of a real guard of a simulated broker."""

import re
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

import pytest

if sys.platform == "win32":
    pytest.skip("there is no pseudo-terminal on Windows", allow_module_level=True)

from daemon_process import Daemon, eventually

from risk_actors.simulator import (
    Side,
    SimulatorSettings,
    SimulatorThread,
    Ticket,
    paper_accounts,
)
from risk_actors.simulator.checker import check
from tests.watch.terminal import Terminal

pytestmark = [
    pytest.mark.system,
    pytest.mark.real_time,
    # One guard, one broker and one terminal are shared; any choice of these tests passes, in this
    # order, as each makes of them what it needs.
    pytest.mark.xdist_group("watch-terminal"),
]

LOSER, PANICKER = 101, 102
LOSS = "reached the limit of -500.00"


class Desk(NamedTuple):
    """What a trader has before him."""

    sim: SimulatorThread
    daemon: Daemon
    terminal: Terminal

    def look_at(self, account_id: int) -> None:
        """Turn to the account, and see it guarded."""
        number = account_id - LOSER + 1
        self.terminal.press(str(number))
        self.terminal.shows(f"account {number} of 2")

    def open_long(self, account_id: int, size: int) -> None:
        """Hold so many, at a price that breaks no rule, and see them."""
        self.price(25_000)
        if self.sim.size(account_id, self.sim.contract_id("MNQ")) == 0:
            self.buy(account_id, size)
        self.look_at(account_id)
        self.terminal.shows(f"LONG {size} MNQ @ 25,000.25")

    def lock_loser(self) -> str:
        """Have the account locked for its loss if it is not yet; return what is shown then."""
        if not self.is_locked(LOSER):
            self.open_long(LOSER, 2)
            self.price(24_860)
        self.look_at(LOSER)
        return self.terminal.shows("■ LOCKED", "50KTC-SIM-101 LOCKED", LOSS)

    def lock_both(self) -> None:
        """Have both accounts locked."""
        self.lock_loser()
        if not self.is_locked(PANICKER):
            self.look_at(PANICKER)
            self.terminal.press("py")
            self.terminal.shows("PANIC TAKEN for 50KTC-SIM-102")
            self.terminal.press(" ")
        self.terminal.shows("50KTC-SIM-101 LOCKED", "50KTC-SIM-102 LOCKED")

    def is_locked(self, account_id: int) -> bool:
        return bool(self.daemon.account(account_id - LOSER)["locks"])

    def start_again(self) -> None:
        """Start the guard, if it does not run."""
        if self.daemon.process is None or self.daemon.process.poll() is not None:
            self.daemon.start()

    def buy(self, account_id: int, size: int) -> None:
        contract_id = self.sim.contract_id("MNQ")
        self.sim.place(
            Ticket(account_id=account_id, contract_id=contract_id, side=Side.BUY, size=size)
        )

    def price(self, bid: float) -> None:
        self.sim.set_price(self.sim.contract_id("MNQ"), bid, bid + 0.25, bid)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    directory: Path = tmp_path_factory.mktemp("watch")
    settings = SimulatorSettings(
        auto_prices=False, contract_date=date(2026, 11, 21), accounts=paper_accounts(2)
    )
    with SimulatorThread(settings) as sim, Daemon(directory, sim.environment) as daemon:
        command = [*daemon.command("watch"), "--data", str(daemon.data_dir)]
        with Terminal(command, width=110, height=36, directory=directory) as terminal:
            terminal.shows("A R M E D")
            yield Desk(sim, daemon, terminal)
            terminal.press("q")
            assert terminal.wait() == 0
        assert check(sim.journal(), sim.requests(), sim.events()) == []


def test_it_shows_the_accounts_and_what_is_open(desk: Desk) -> None:
    desk.price(25_000)
    desk.buy(LOSER, 2)

    shown = desk.terminal.shows("A R M E D", "LIVE", "LONG 2 MNQ @ 25,000.25")
    assert "50KTC-SIM-101" in shown
    assert "50KTC-SIM-102" in shown
    assert "left to daily-loss" in shown
    desk.price(25_010)
    desk.terminal.shows("+39.00")


def test_panic_asks_once_and_then_flattens_and_locks(desk: Desk) -> None:
    desk.open_long(LOSER, 2)
    desk.open_long(PANICKER, 1)

    desk.terminal.press("p")
    shown = desk.terminal.shows("PANIC: flatten and lock 50KTC-SIM-102?")
    assert "until the daily reset" in shown
    desk.terminal.press("n")
    desk.terminal.shows("LONG 1 MNQ")
    assert desk.sim.size(PANICKER, desk.sim.contract_id("MNQ")) == 1

    desk.terminal.press("py")
    desk.terminal.shows("PANIC TAKEN for 50KTC-SIM-102")
    desk.terminal.press(" ")
    desk.terminal.shows("L O C K E D", "You pressed panic at", "flat")
    eventually(lambda: desk.sim.size(PANICKER, desk.sim.contract_id("MNQ")) == 0)
    assert desk.sim.size(LOSER, desk.sim.contract_id("MNQ")) == 2


def test_a_breach_shows_as_locked_with_its_reason_and_how_long(desk: Desk) -> None:
    shown = desk.lock_loser()
    assert "by daily-loss" in shown
    assert " in " in shown
    desk.terminal.shows("✗ breach", "◇ flat")


def test_on_the_smallest_terminal_state_and_reason_stay_in_sight(desk: Desk) -> None:
    desk.lock_both()
    desk.look_at(LOSER)
    desk.terminal.resize(40, 12)

    shown = desk.terminal.shows("■ LOCKED 2 OF 2", "50KTC-SIM-101", "reached the limit", "p panic")
    head = shown.splitlines()[:5]
    desk.terminal.press("\x1b[6~" * 3)
    desk.terminal.until(lambda: desk.terminal.text() != shown, "scrolled")
    assert desk.terminal.text().splitlines()[0] == head[0]
    desk.terminal.resize(110, 36)
    desk.terminal.shows("L O C K E D")


def test_only_what_changes_is_painted(desk: Desk) -> None:
    """On a slow line: with nothing but the clock and countdowns moving, some hundred bytes."""

    def let_seconds_pass(count: int) -> None:
        seen: set[str] = set()

        def have_passed() -> bool:
            seen.update(re.findall(r"\d\d:\d\d:\d\d [A-Z]{3}\b", desk.terminal.text())[:1])
            return len(seen) > count

        desk.terminal.until(have_passed, f"{count} seconds on the clock")

    let_seconds_pass(2)
    before = len(desk.terminal.received)
    let_seconds_pass(3)
    assert len(desk.terminal.received) - before < 4 * 1_000


def test_a_guard_that_ends_is_gone_and_returns_by_itself(desk: Desk) -> None:
    desk.lock_both()
    desk.look_at(LOSER)
    port = (desk.daemon.data_dir / "daemon.json").read_text()
    desk.daemon.kill()
    shown = desk.terminal.shows("G O N E", "NO ANSWER from the guard", "old", "WAS LOCKED")
    assert "✓ ok" not in shown
    assert "■ LOCKED 2" not in shown

    desk.terminal.press("py")
    desk.terminal.shows("PANIC NOT SENT", "platform")
    desk.terminal.press(" ")

    desk.daemon.start()
    assert (desk.daemon.data_dir / "daemon.json").read_text() != port
    desk.terminal.until(lambda: "G O N E" not in desk.terminal.text(), "back")
    # Until the broker is read it shows what the run before knew, and says so.
    desk.terminal.until(lambda: "WAS" not in desk.terminal.text(), "nothing that only was")
    desk.terminal.shows("L O C K E D", LOSS)


def test_no_color_is_honoured(desk: Desk) -> None:
    desk.start_again()
    desk.lock_loser()
    command = [*desk.daemon.command("watch"), "--data", str(desk.daemon.data_dir)]
    plain = {"NO_COLOR": "1"}
    directory = desk.daemon.data_dir
    with Terminal(command, width=80, height=24, directory=directory, variables=plain) as terminal:
        terminal.shows("■", "LOCKED")
        colours = {
            (char.fg, char.bg) for row in terminal.screen.buffer.values() for char in row.values()
        }
        assert colours == {("default", "default")}
        terminal.press("\x03")
        assert terminal.wait() == 0
