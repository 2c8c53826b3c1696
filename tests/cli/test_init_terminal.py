"""`init` at a terminal, as somebody new runs it."""

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from risk_actors.cli.main import main

if sys.platform == "win32":
    pytest.skip("there are no pseudo-terminals", allow_module_level=True)
import pty

pytestmark = pytest.mark.real_time

WITHIN_S = 30.0
TOKEN = "a-token-of-mine-0815"
TALK = (
    ("Preset [none]: ", "topstep-50k"),
    ("with commas) [all]: ", "50KTC-*"),
    ("a loss of $ [500]: ", "four hundred"),
    ("a loss of $ [500]: ", "400"),
    ("for the week at a loss of $ [none]: ", ""),
    ("at a gain of $ [none]: ", ""),
    ("at once [none]: ", "6"),
    ("Address for alerts [none]: ", f"nosuchthing://{TOKEN}"),
    ("Address for alerts [none]: ", f"json://127.0.0.1:9/{TOKEN}"),
    ("Write this? [Y/n]: ", "y"),
)


class Terminal:
    """Runs `init` on a pseudo-terminal, in a directory of its own."""

    def __init__(self, place: Path) -> None:
        self._ours, theirs = pty.openpty()
        clean = {name: v for name, v in os.environ.items() if not name.startswith("PROJECT")}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "risk_actors", "init"],
            cwd=place,
            env=clean | {"PYTHONUTF8": "1"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self.shown = ""
        self._read = 0

    def wait_for(self, words: str) -> None:
        """Read until the terminal shows some words behind those that were waited for before."""
        deadline = time.monotonic() + WITHIN_S
        while (at := self.shown.find(words, self._read)) < 0:
            assert time.monotonic() < deadline, self.shown
            if not self._more():
                raise AssertionError(self.shown)
        self._read = at + len(words)

    def type(self, line: str) -> None:
        os.write(self._ours, f"{line}\n".encode())

    def end(self) -> int:
        while self._more():
            pass
        os.close(self._ours)
        return self.process.wait(WITHIN_S)

    def _more(self) -> bool:
        if not select.select([self._ours], [], [], WITHIN_S)[0]:
            return False
        try:
            read = os.read(self._ours, 4096)
        except OSError:  # nobody is on the other side any more
            return False
        self.shown += read.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(read)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    running = Terminal(tmp_path)
    yield running
    if running.process.poll() is None:
        running.process.kill()
        running.process.wait()


def test_a_new_traders_talk_writes_settings_that_are_right(
    tmp_path: Path, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    for question, answer in TALK:
        terminal.wait_for(question)
        terminal.type(answer)
    assert terminal.end() == 0, terminal.shown
    assert TOKEN not in terminal.shown
    assert "'four hundred' is no amount" in terminal.shown
    assert "not one that apprise knows" in terminal.shown

    monkeypatch.chdir(tmp_path)
    for name in ("PROJECT_X_USERNAME", "PROJECT_X_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    checked = CliRunner().invoke(main, ["check"])
    assert checked.exit_code == 0, checked.output
    assert "no errors" in checked.output
    # Only what is really missing: nobody runs yet, and for live trading the credentials.
    doctor = CliRunner().invoke(main, ["doctor", "--live"])
    faults = [line for line in doctor.output.splitlines() if line.startswith("✗")]
    assert [fault.split()[1] for fault in faults] == ["credentials"]


@pytest.mark.parametrize("answered", [0, 3, len(TALK) - 1])
def test_ctrl_c_at_any_question_leaves_nothing(
    tmp_path: Path, terminal: Terminal, answered: int
) -> None:
    for question, answer in TALK[:answered]:
        terminal.wait_for(question)
        terminal.type(answer)
    terminal.wait_for(TALK[answered][0])
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == 1
    assert "Traceback" not in terminal.shown
    assert list(tmp_path.iterdir()) == []
