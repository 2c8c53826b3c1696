"""The stand-alone program, as a process."""

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

import risk_actors
from risk_actors.simulator import SimulatorThread

PROGRAM = (
    "import sys\n"
    "from risk_actors.simulator.run import serve\n"
    "from risk_actors.simulator import SimulatorSettings\n"
    "sys.exit(serve(SimulatorSettings(port=int(sys.argv[1]))))\n"
)


def start(port: int = 0) -> subprocess.Popen:
    root = str(Path(risk_actors.__file__).parents[1])
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PROGRAM, str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": root},
    )


@pytest.mark.skipif(sys.platform == "win32", reason="signals of another process")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_prints_how_to_reach_it_and_ends_cleanly_on_a_signal(number: Any) -> None:
    with start() as program:
        variables = {}
        for line in program.stdout:
            if line.startswith("export "):
                name, _, value = line.removeprefix("export ").strip().partition("=")
                variables[name] = value
            if line.startswith("risk-actors arm"):
                break
        assert set(variables) == {
            "PROJECTX_API_URL",
            "PROJECTX_USER_HUB_URL",
            "PROJECTX_MARKET_HUB_URL",
            "PROJECT_X_USERNAME",
            "PROJECT_X_API_KEY",
        }
        ping = variables["PROJECTX_API_URL"] + "/Status/ping"
        with urllib.request.urlopen(ping, timeout=10) as answer:  # noqa: S310
            assert answer.read() == b'"pong"'
        program.send_signal(number)
        assert program.wait(timeout=10) == 0
        assert program.stderr.read() == ""


def test_a_taken_port_is_exit_code_1(sim: SimulatorThread) -> None:
    with start(sim.gateway.port) as program:
        _, errors = program.communicate(timeout=20)
    assert program.returncode == 1
    assert "cannot listen" in errors
