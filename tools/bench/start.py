"""From nothing to protecting: how long the daemon takes to start, and the commands to answer.

The daemon starts on paper with every rule and a data directory of its own, and is asked over HTTP
until it says that it guards: hubs and REST up, the first reconciliation complete. What only the
development environment has (pandas, which the store's library would import if it can) is hidden
from it, as it is not there where the program is installed. The first start of all, which compiles
every module, is not counted: that belongs to the environment's set-up.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import NamedTuple

from risk_actors.core.rules import catalogue
from risk_actors.core.rules.examples import example_of

from .figures import Figure, Part, Terms, median, percentile
from .parts import ROOT
from .programs import cpu_s

PROTECTING_WITHIN_S = 2.0
ANSWERS_WITHIN_S = 0.3
GIVEN_UP_AFTER_S = 60.0
POLL_EVERY_S = 0.01
_SHIPPED = "import sys; sys.modules['pandas'] = None; from risk_actors.cli.main import main; main()"
P99 = 0.99

COMMANDS: dict[str, list[str]] = {
    "bare interpreter": ["-c", "pass"],
    "import risk_actors": ["-c", "import risk_actors"],
    "risk-actors --help": ["-m", "risk_actors", "--help"],
}


class _Started(NamedTuple):
    wall_s: float
    cpu_s: float | None
    """The processor time until then: what would be left on an idle machine."""


def run(terms: Terms) -> Part:
    """Measure commands and starts in turn."""
    took: dict[str, list[float]] = {name: [] for name in COMMANDS}
    starts = []
    with tempfile.TemporaryDirectory(prefix="bench-compiled-") as compiled:
        environment = _environment(compiled)
        for arguments in COMMANDS.values():
            _run(arguments, environment)
        first = _start(environment)
        for _ in range(max(terms.rounds, 1)):
            for _ in range(1 if terms.is_quick else 5):
                for name, arguments in COMMANDS.items():
                    took[name].append(_run(arguments, environment))
            starts.append(_start(environment))
    bare_s = median(took["bare interpreter"])
    figures = [_protecting(starts)]
    for name in list(COMMANDS)[1:]:
        spent_s = median(took[name])
        figures.append(
            Figure(
                name=name,
                value=spent_s,
                unit="s",
                target=ANSWERS_WITHIN_S,
                note=f"median; {spent_s / bare_s:.1f} x a bare interpreter, p99"
                f" {percentile(took[name], P99):.2f} s",
            )
        )
        figures.append(Figure(name=f"{name} / bare interpreter", value=spent_s / bare_s, unit="x"))
    detail = {
        "commands_s": took,
        "first_start_s": first.wall_s,
        "starts_s": [each.wall_s for each in starts],
        "starts_cpu_s": [each.cpu_s for each in starts],
    }
    return Part("start", tuple(figures), detail)


def _protecting(starts: list[_Started]) -> Figure:
    processor = [each.cpu_s for each in starts if each.cpu_s is not None]
    spent = f"{median(processor):.2f} s of it processor time" if processor else "no processor time"
    return Figure(
        name="start to protecting",
        value=median([each.wall_s for each in starts]),
        unit="s",
        target=PROTECTING_WITHIN_S,
        note=f"median of {len(starts)}, {spent}; a new data directory, all rules, paper",
    )


def _environment(compiled: str) -> dict[str, str]:
    """Return ours, with compiled modules kept as an installed program has them."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled, "PYTHONPATH": str(ROOT)}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def _run(arguments: list[str], environment: dict[str, str]) -> float:
    command = [sys.executable, *arguments]
    since_s = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    return time.perf_counter() - since_s


def _start(environment: dict[str, str]) -> _Started:
    with tempfile.TemporaryDirectory(prefix="bench-start-") as directory:
        settings, data = Path(directory) / "settings", Path(directory) / "data"
        settings.mkdir()
        rules = "\n".join(example_of(name) for name in catalogue())
        (settings / "risk.toml").write_text(rules, encoding="utf-8")
        since_s = time.perf_counter()
        daemon = subprocess.Popen(
            [
                *(sys.executable, "-c", _SHIPPED, "run", "--paper", "--plain", "--port", "0"),
                *("--settings", str(settings), "--data", str(data)),
            ],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            while not _guards(data):
                if daemon.poll() is not None:
                    raise RuntimeError(f"the daemon ended with code {daemon.returncode}")
                if time.perf_counter() - since_s > GIVEN_UP_AFTER_S:
                    raise RuntimeError(f"nothing was guarded within {GIVEN_UP_AFTER_S:.0f} s")
                time.sleep(POLL_EVERY_S)
            return _Started(time.perf_counter() - since_s, cpu_s(daemon.pid))
        finally:
            daemon.terminate()
            try:
                daemon.wait(GIVEN_UP_AFTER_S)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()


def _guards(data: Path) -> bool:
    """Tell whether the daemon says that it is armed and knows what is open."""
    try:
        port = json.loads((data / "daemon.json").read_text(encoding="utf-8"))["port"]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/state", timeout=5) as answer:
            state = json.load(answer)
    except (OSError, ValueError, KeyError, urllib.error.URLError):
        return False
    return state["phase"] == "armed" and state["armed"] and bool(state["accounts"])
