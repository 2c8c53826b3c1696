"""A daemon as a process of its own, for the tools that look at one: its lines, its HTTP side."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent
ADDRESS_FILE = "daemon.json"
LOOK_EVERY_S = 0.02
STOP_WITHIN_S = 15.0


class EndedError(Exception):
    """The process ended by itself."""


class WatchedProcess:
    """Starts a command, collects what it prints, and asks its HTTP side."""

    def __init__(
        self,
        command: Sequence[str],
        data_dir: Path,
        environment: dict[str, str] | None = None,
        on_line: Callable[[float, str], None] = lambda _at_s, _line: None,
    ) -> None:
        """Take what to run.

        Args:
            command: the program and its arguments.
            data_dir: where it leaves the address of its HTTP side.
            environment: what is added to ours; credentials of ours are never passed on.
            on_line: told each line with the seconds since the start, on a thread.
        """
        self._data_dir = data_dir
        self._on_line = on_line
        self.lines: list[str] = []
        self._began_s = time.monotonic()
        clean = {k: v for k, v in os.environ.items() if not k.startswith("PROJECT")}
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**clean, "PYTHONUTF8": "1", "NO_PROXY": "127.0.0.1", **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._reader.join()
        if self.process.stdout is not None:
            self.process.stdout.close()

    @property
    def age_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began_s

    def wait_for(self, condition: Callable[[], object], until_s: float) -> bool:
        """Wait for a condition until an age; tell whether it came true.

        Raises:
            EndedError: the process ended first.
        """
        while not condition():
            if self.process.poll() is not None:
                self._reader.join()
                if condition():
                    return True
                raise EndedError(f"it ended by itself with code {self.process.returncode}")
            if self.age_s > until_s:
                return False
            time.sleep(LOOK_EVERY_S)
        return True

    def get(self, path: str) -> Any:
        """Return what its HTTP side says; None while it does not answer."""
        try:
            address = json.loads((self._data_dir / ADDRESS_FILE).read_text(encoding="utf-8"))
            connection = http.client.HTTPConnection(address["host"], address["port"], timeout=5)
            try:
                connection.request("GET", path)
                return json.loads(connection.getresponse().read())
            finally:
                connection.close()
        except (OSError, ValueError, KeyError, http.client.HTTPException):
            return None

    def stop(self) -> int | None:
        """Ask it to end, as `kill` does; return its exit code, None when it does not end."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            return None

    def _read(self) -> None:
        assert self.process.stdout is not None  # noqa: S101 - it is a pipe
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            self._on_line(self.age_s, self.lines[-1])


def run_command(settings_dir: Path, data_dir: Path, *more: str) -> list[str]:
    """Return what starts the daemon as `make run` does, on a free port."""
    return [
        *(sys.executable, "-m", "risk_actors", "run", "--port", "0"),
        *("--settings", str(settings_dir), "--data", str(data_dir)),
        *more,
    ]
