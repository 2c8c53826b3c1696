"""`doctor` as a program: its lines, its exit code, and no credential in anything it says."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from risk_actors.core.rules.examples import example_of
from risk_actors.simulator.settings import SimulatorSettings
from risk_actors.simulator.thread import SimulatorThread

pytestmark = pytest.mark.real_time

KEY = "doctor-cli-key-5"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "settings").mkdir()
    rules = tmp_path / "settings" / "risk.toml"
    rules.write_text(example_of("daily_loss_limit"), encoding="utf-8")
    return tmp_path


@pytest.fixture
def simulator() -> Iterator[SimulatorThread]:
    with SimulatorThread(SimulatorSettings(api_key=KEY)) as running:
        yield running


def doctor(
    place: Path, *arguments: str, environment: dict[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PROJECT")}
    kept |= {"NO_PROXY": "127.0.0.1", "PYTHONUTF8": "1", "HOME": str(place)}
    return subprocess.run(
        [sys.executable, "-m", "risk_actors", "doctor", *arguments],
        cwd=place,
        env=kept | (environment or {}),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=90,
        check=False,
    )


def lines(done: "subprocess.CompletedProcess[str]") -> dict[str, dict[str, Any]]:
    assert done.stderr == ""
    return {check["id"]: check for check in json.loads(done.stdout)["checks"]}


def test_all_is_well_with_credentials_of_a_dotenv_file(
    place: Path, simulator: SimulatorThread
) -> None:
    dotenv = place / ".env"
    text = "".join(f"{name}={value}\n" for name, value in simulator.environment.items())
    dotenv.write_text(text, encoding="utf-8")
    dotenv.chmod(0o600)
    done = doctor(place)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert KEY not in done.stdout
    assert "eyJ" not in done.stdout
    assert "✓ login" in done.stdout
    assert "(live trading)" in done.stdout
    assert str(dotenv) in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="files have other rights there")
def test_a_dotenv_file_that_others_may_read_is_pointed_out(
    place: Path, simulator: SimulatorThread
) -> None:
    text = "".join(f"{name}={value}\n" for name, value in simulator.environment.items())
    (place / ".env").write_text(text, encoding="utf-8")
    (place / ".env").chmod(0o644)
    found = lines(doctor(place, "--json"))["credentials"]

    assert (found["state"], found["todo"]) == ("warning", f"chmod 600 {place / '.env'}")


def test_a_wrong_key_fails_and_is_not_shown(place: Path, simulator: SimulatorThread) -> None:
    wrong = simulator.environment | {"PROJECT_X_API_KEY": "the-wrong-key-3"}
    done = doctor(place, environment=wrong)

    assert done.returncode == 1
    assert "✗ login" in done.stdout
    assert "FAILED: the gateway refused the login" in done.stdout
    assert "? token end" in done.stdout
    assert "the-wrong-key-3" not in done.stdout + done.stderr


def test_live_without_credentials_fails(place: Path) -> None:
    done = doctor(place, "--live", "--json")
    found = lines(done)

    assert done.returncode == 1
    assert found["credentials"]["state"] == "failed"
    assert found["login"]["state"] == "not checked"


def test_a_program_reads_the_same(place: Path) -> None:
    done = doctor(place, "--paper", "--json")
    told = json.loads(done.stdout)

    assert done.returncode == 0
    assert (told["mode"], told["ok"]) == ("paper", True)
    states = {check["state"] for check in told["checks"]}
    assert states <= {"ok", "warning", "not checked"}
    assert all(check["todo"] for check in told["checks"] if check["state"] != "ok")


def test_wrong_usage_is_told_apart(place: Path) -> None:
    assert doctor(place, "--paper", "--live").returncode == 2
    assert doctor(place, "--no-such").returncode == 2


def test_a_daemon_that_guards_and_one_that_was_killed(
    place: Path, simulator: SimulatorThread
) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PROJECT")}
    daemon = subprocess.Popen(
        [sys.executable, "-m", "risk_actors", "run", "--plain", "--live", "--port", "0"],
        cwd=place,
        env=kept | simulator.environment | {"NO_PROXY": "127.0.0.1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(place / "data" / "heartbeat.json", daemon)
        running = lines(doctor(place, "--json", environment=simulator.environment))
    finally:
        daemon.kill()
        daemon.wait()
    killed = lines(doctor(place, "--json", environment=simulator.environment))

    # Live begins not armed, which is wise to know.
    assert running["daemon"]["state"] == "warning"
    assert f"process {daemon.pid} runs: live, NOT ARMED" in running["daemon"]["says"]
    assert running["store"]["state"] == running["login"]["state"] == "ok"
    assert killed["daemon"]["state"] == ("warning" if sys.platform == "win32" else "failed")
    assert killed["store"]["state"] == "ok"
    assert daemon.returncode == -signal.SIGKILL or sys.platform == "win32"


def _wait_for(path: Path, daemon: "subprocess.Popen[bytes]") -> None:
    """Wait until a daemon guards, at most for a minute."""
    import threading  # noqa: PLC0415

    tick = threading.Event()
    for _ in range(600):
        if path.exists() and (path.parent / "daemon.json").exists():
            return
        assert daemon.poll() is None
        tick.wait(0.1)
    raise AssertionError(f"no {path} within a minute")
