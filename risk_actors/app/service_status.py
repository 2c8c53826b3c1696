"""What a system says of the daemon it is to start, in its own words and no more than they say."""

import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from risk_actors.app.doctor_guard import ServiceLook

type Runner = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]

LAST_LINES = 8
"""Of what the daemon said before it ended."""
_NEVER_RUN = 267_011
_RUNNING = 267_009
"""Windows: no result of the daemon's but that the task has not run yet, or that it runs now."""


class Standing(NamedTuple):
    """How what is installed is doing."""

    is_active: bool | None
    """None where the system does not say."""
    says: str
    """Completes "it is installed ..."; empty where nothing is to be added."""
    is_failing: bool = False
    """Whether the daemon was started and ended by a fault, once or again and again."""


class Ways(NamedTuple):
    """How a system is asked, and how its answer is read."""

    asks: tuple[str, ...]
    reads: Callable[[str], Standing]
    absent: Standing | None = None
    """What an answer with a code other than 0 means; None where it means nothing."""
    tells: tuple[str, ...] | None = None
    """Prints what the daemon said last."""
    log: Path | None = None
    """Or the file in which that stands."""


def status_of(kind: str, file: Path, ways: Ways, run: Runner) -> ServiceLook:
    """Return whether it is installed, whether it runs, and what it said where it does not."""
    if not file.exists():
        return ServiceLook(kind, is_installed=False)
    standing = _standing(ways, run)
    lines = () if standing.is_active else _last_lines(ways, run)
    return ServiceLook(
        kind,
        is_installed=True,
        is_active=standing.is_active,
        is_failing=standing.is_failing,
        says=standing.says,
        lines=lines,
    )


def _standing(ways: Ways, run: Runner) -> Standing:
    try:
        done = run(ways.asks)
    except (OSError, subprocess.SubprocessError) as error:
        return Standing(None, f"{ways.asks[0]} cannot be asked ({type(error).__name__})")
    if done.returncode == 0:
        return ways.reads(done.stdout or "")
    if ways.absent is not None:
        return ways.absent
    said = " ".join((done.stderr or done.stdout or "").split()) or f"code {done.returncode}"
    return Standing(None, f"{ways.asks[0]} does not say: {said}")


def _last_lines(ways: Ways, run: Runner) -> tuple[str, ...]:
    text = ""
    try:
        if ways.tells is not None:
            done = run(ways.tells)
            text = done.stdout if done.returncode == 0 else ""
        elif ways.log is not None:
            text = ways.log.read_text(encoding="utf-8", errors="replace")
    except (OSError, subprocess.SubprocessError):
        return ()
    lines = [line.rstrip() for line in (text or "").splitlines() if line.strip()]
    return tuple(lines[-LAST_LINES:])


def read_systemd(text: str) -> Standing:
    """Read `systemctl show`: what holds now, and how the last run ended."""
    said = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    active, sub = said.get("ActiveState", ""), said.get("SubState", "")
    if not active:
        return Standing(None, "systemctl says nothing of it")
    if said.get("LoadState") == "not-found":
        todo = "systemd does not know it yet; see `systemctl --user daemon-reload`"
        return Standing(False, todo)
    code, result = said.get("ExecMainStatus", "0"), said.get("Result", "success")
    fault = _ended(code, result)
    again = said.get("NRestarts", "0")
    times = f", started again {again} times" if again not in ("", "0") else ""
    if active == "active":
        return Standing(True, f"running{times}")
    if sub == "auto-restart":
        return Standing(False, f"FAILING: {fault}{times}; it is tried again", is_failing=True)
    if active == "activating":
        return Standing(False, f"starting{times}: it does not guard yet")
    if active == "failed":
        return Standing(False, f"FAILED: {fault}{times}; not tried again", is_failing=True)
    return Standing(False, f"not running ({active})")


def _ended(code: str, result: str) -> str:
    meanings = {
        "1": "a fault",
        "2": "the settings are wrong",
        "3": "the gateway was not reached, or refused the login",
        "4": "another daemon runs on this data directory",
    }
    if result == "exit-code":
        meaning = meanings.get(code)
        return f"it ended with code {code}" + (f": {meaning}" if meaning else "")
    return f"it ended ({result})"


def read_launchd(text: str) -> Standing:
    """Read `launchctl print`: an agent may be loaded without running."""
    state = re.search(r"^\s*state = (.+)$", text, re.MULTILINE)
    code = re.search(r"^\s*last exit code = (\d+)", text, re.MULTILINE)
    if state is None:
        return Standing(None, "launchctl says nothing of its state")
    if state[1].strip() == "running":
        return Standing(True, "running")
    if code is not None and code[1] != "0":
        return Standing(False, f"FAILING: {_ended(code[1], 'exit-code')}", is_failing=True)
    return Standing(False, f"not running ({state[1].strip()})")


def read_windows(text: str) -> Standing:
    """Read the state and the last result of a scheduled task, a line each."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return Standing(None, "the task scheduler says nothing of it")
    if lines[0] == "Running":
        return Standing(True, "running")
    code = lines[1] if len(lines) > 1 else ""
    if code.isdigit() and int(code) not in (0, _NEVER_RUN, _RUNNING):
        return Standing(False, f"FAILING: {_ended(code, 'exit-code')}", is_failing=True)
    return Standing(False, f"not running ({lines[0]})")
