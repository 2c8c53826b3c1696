"""What a system says of a service, read without taking it for more than it says."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from risk_actors.app.doctor_guard import ServiceLook, judge_service
from risk_actors.app.doctor_words import State
from risk_actors.app.service import manager_of
from risk_actors.app.service_status import status_of
from risk_actors.app.settings import TradingMode

FAILED = "LoadState=loaded\nActiveState=failed\nSubState=failed\nResult=exit-code\n"
AGAIN = "ActiveState=activating\nSubState=auto-restart\nResult=exit-code\nExecMainStatus=3\n"
STARTS = "ActiveState=activating\nSubState=start\nResult=success\nNRestarts=2\n"
JOURNAL = "".join(f"line {number}\n\n" for number in range(20))
CASES: list[tuple[str, str, bool | None, bool, str]] = [
    ("linux", "ActiveState=active\nNRestarts=0\n", True, False, "running"),
    ("linux", "ActiveState=active\nNRestarts=3\n", True, False, "running, started again 3 times"),
    ("linux", "ActiveState=inactive\nSubState=dead\n", False, False, "not running (inactive)"),
    ("linux", STARTS, False, False, "starting, started again 2 times: it does not guard yet"),
    (
        "linux",
        f"{AGAIN}NRestarts=7",
        False,
        True,
        "code 3: the gateway was not reached, or refused",
    ),
    ("linux", f"{AGAIN}NRestarts=7", False, True, "started again 7 times; it is tried again"),
    ("linux", f"{FAILED}ExecMainStatus=2\n", False, True, "code 2: the settings are wrong"),
    ("linux", f"{FAILED}ExecMainStatus=2\n", False, True, "not tried again"),
    ("linux", "ActiveState=failed\nResult=watchdog\n", False, True, "it ended (watchdog)"),
    ("linux", "LoadState=not-found\nActiveState=inactive\n", False, False, "does not know it yet"),
    ("linux", "", None, False, "says nothing"),
    ("darwin", "\tstate = running\n", True, False, "running"),
    ("darwin", "\tstate = waiting\n\tlast exit code = 0\n", False, False, "not running (waiting)"),
    ("darwin", "\tstate = waiting\n\tlast exit code = 4\n", False, True, "another daemon runs"),
    ("darwin", "\tpid = 5\n", None, False, "says nothing of its state"),
    ("win32", "Running\n267009\n", True, False, "running"),
    ("win32", "Ready\n267011\n", False, False, "not running (Ready)"),
    ("win32", "Ready\n0\n", False, False, "not running (Ready)"),
    ("win32", "Ready\n1\n", False, True, "code 1: a fault"),
    ("win32", "", None, False, "says nothing"),
]


def look(system: str, home: Path, answer: str, code: int = 0) -> ServiceLook:
    """Return what is seen of an installed service where the system gives an answer."""
    manages = manager_of(system, home, {}, 501, "me")
    manages.file.parent.mkdir(parents=True, exist_ok=True)
    manages.file.write_text("")

    def run(words: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        said = JOURNAL if words[0] == "journalctl" else answer
        fault = "Failed to connect to bus: No medium found"
        return subprocess.CompletedProcess(list(words), code, said, fault)

    return status_of(manages.kind, manages.file, manages.ways, run)


@pytest.mark.parametrize(("system", "answer", "is_active", "is_failing", "says"), CASES)
def test_how_it_stands_is_read(
    tmp_path: Path, system: str, answer: str, is_active: bool | None, is_failing: bool, says: str
) -> None:
    seen = look(system, tmp_path, answer)
    assert (seen.is_active, seen.is_failing) == (is_active, is_failing)
    assert says in seen.says


def test_the_last_lines_are_shown_where_it_does_not_run(tmp_path: Path) -> None:
    assert look("linux", tmp_path, FAILED).lines == tuple(f"line {n}" for n in range(12, 20))
    assert look("linux", tmp_path, "ActiveState=active\n").lines == ()


def test_on_macos_they_stand_in_a_file(tmp_path: Path) -> None:
    log = tmp_path / "Library" / "Logs" / "risk-actors.guard.log"
    log.parent.mkdir(parents=True)
    log.write_text("one\n\ntwo\n")
    assert look("darwin", tmp_path, "\tstate = waiting\n").lines == ("one", "two")


@pytest.mark.parametrize(
    ("system", "is_active", "says"),
    [
        ("linux", None, "systemctl does not say: Failed to connect to bus: No medium found"),
        ("darwin", False, "not loaded"),
        ("win32", None, "powershell does not say: Failed to connect"),
    ],
)
def test_a_system_that_does_not_answer_is_not_taken_for_a_service_that_does_not_run(
    tmp_path: Path, system: str, is_active: bool | None, says: str
) -> None:
    seen = look(system, tmp_path, "", code=1)
    assert seen.is_active is is_active
    assert says in seen.says


def test_a_service_that_fails_is_a_failing_line_with_what_it_said(tmp_path: Path) -> None:
    finding = judge_service(look("linux", tmp_path, AGAIN), TradingMode.PAPER)
    assert finding.state is State.FAILED
    assert "line 19" in finding.says
    unknown = judge_service(look("linux", tmp_path, "", code=1), TradingMode.LIVE)
    assert unknown.state is State.WARNING
