"""The daemon as a process of its own, as a trader starts it, against a simulator over sockets."""

import http.client
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from risk_actors.simulator.thread import SimulatorThread

DEADLINE_S = 60.0
"""For what nobody promised a time; a busy machine may take this long to start a process."""


def eventually[T](condition: Callable[[], T], within_s: float = DEADLINE_S, what: str = "") -> T:
    """Wait until a condition is true; return its value."""
    deadline = time.monotonic() + within_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s} s: {what or condition}")
        time.sleep(0.01)


RULES = """
[[rules]]
id = "max-contracts"
type = "max_contracts"
limit = 5

[[rules]]
id = "daily-loss"
type = "daily_loss_limit"
limit_usd = 500.0
"""


class Daemon:
    """Starts `risk-actors run` on a settings directory of its own, and stops it."""

    def __init__(
        self,
        directory: Path,
        environment: dict[str, str],
        *,
        rules: str = RULES,
        app: str = "armed = true\n",
        arguments: tuple[str, ...] = ("--live",),
    ) -> None:
        self.settings_dir = directory / "settings"
        self.data_dir = directory / "data"
        self.settings_dir.mkdir(parents=True, exist_ok=True)
        (self.settings_dir / "risk.toml").write_text(rules, encoding="utf-8")
        (self.settings_dir / "app.toml").write_text(app, encoding="utf-8")
        self._directory = directory
        self._arguments = arguments
        clean = {k: v for k, v in os.environ.items() if not k.startswith("PROJECT")}
        self._environment = {**clean, **environment, "PYTHONUTF8": "1", "NO_PROXY": "127.0.0.1"}
        self.process: subprocess.Popen[str] | None = None
        self.output = ""

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.finish()

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "risk_actors", *words]

    def start(self, *, until_armed: bool = True) -> None:
        words = self.command("run", "--port", "0", *self._arguments, *self.directories())
        self.process = subprocess.Popen(
            words,
            cwd=self._directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )
        if until_armed:
            eventually(self._is_armed_or_dead, what="armed")
            assert self.process.poll() is None, self.finish()

    def directories(self) -> tuple[str, ...]:
        return ("--settings", str(self.settings_dir), "--data", str(self.data_dir))

    def run_to_end(self) -> int:
        self.start(until_armed=False)
        return self.wait()

    def client(self, *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        """Run a client command on this daemon's data directory, with lines on standard input."""
        return subprocess.run(
            [*self.command(*words), "--data", str(self.data_dir)],
            cwd=self._directory,
            env=self._environment,
            input=typed,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
            timeout=DEADLINE_S,
        )

    def get(self, path: str) -> tuple[int, Any]:
        address = json.loads((self.data_dir / "daemon.json").read_text(encoding="utf-8"))
        connection = http.client.HTTPConnection(address["host"], address["port"], timeout=5)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, json.loads(response.read() or b"null")
        finally:
            connection.close()

    def state(self) -> dict[str, Any]:
        return self.get("/api/state")[1]

    def account(self, index: int = 0) -> dict[str, Any]:
        return self.state()["accounts"][index]

    def _is_armed_or_dead(self) -> bool:
        assert self.process is not None
        if self.process.poll() is not None:
            return True
        try:
            state = self.state()
            # A line that only now connects would outlive a cut of all there are.
            connects = state["connection"]["second_line"] is False
            return bool(state["phase"] == "armed" and not connects)
        except (OSError, ValueError, http.client.HTTPException):
            return False

    def wait(self, within_s: float = DEADLINE_S) -> int:
        assert self.process is not None
        try:
            self.output += self.process.communicate(timeout=within_s)[0]
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.finish()
            raise AssertionError(f"did not end within {within_s} s:\n{self.output}") from None
        return self.process.returncode

    def terminate(self, within_s: float = 5.0) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.wait(within_s)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.finish()

    def finish(self) -> str:
        assert self.process is not None
        self.output += self.process.communicate()[0]
        return self.output

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Read the store as any SQLite tool would."""
        database = sqlite3.connect(f"file:{self.data_dir / 'risk.db'}?mode=ro", uri=True)
        try:
            return database.execute(query, values).fetchall()
        finally:
            database.close()

    def ticks(self) -> int:
        """Return how many pulses of the clock the daemon has handled."""
        actors = self.get("/api/topology")[1]["actors"]
        return int(next(actor["handled"] for actor in actors if actor["id"] == "timer"))

    def let_ticks_pass(self, count: int) -> None:
        """Wait until the daemon has lived through so many ticks of its clock."""
        target = self.ticks() + count
        eventually(lambda: self.ticks() >= target, what="ticks")


type StartDaemon = Callable[..., Daemon]


def commands(simulator: SimulatorThread) -> list[str]:
    """Return the endpoints of all closes and cancels that arrived, in order."""
    wanted = ("Position/closeContract", "Position/partialCloseContract", "Order/cancel")
    return [r.endpoint for r in simulator.requests() if r.endpoint in wanted]
