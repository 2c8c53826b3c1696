"""The daemon as a process of its own, on the settings of a scenario."""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

import msgspec

from risk_actors.cli.client import DaemonClient
from risk_actors.cli.options import CommandError

READY_WITHIN_S = 30.0
_LOOK_EVERY_S = 0.02
_END_WITHIN_S = 5.0


class GuardError(Exception):
    """The daemon did not start, or is not there."""


class Guard:
    """Starts `risk-actors run` in a directory with `settings` and `data`, and reads its state.

    Without a process of its own it reads the state of whatever daemon runs on that data.
    """

    def __init__(self, directory: Path, environment: dict[str, str], *, own: bool = True) -> None:
        """Take the directory and the variables that point the daemon at the simulator."""
        self.settings_dir = directory / "settings"
        self.data_dir = directory / "data"
        self.log_path = directory / "console.log"
        self.environment = environment
        self.is_own = own
        self.program: tuple[str, ...] = (sys.executable, "-m", "risk_actors")
        """What is started; a benchmark puts the same program there, looked at from outside."""
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Leave the start to the caller."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the process in order, or else at once."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(_END_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.kill()

    @property
    def words(self) -> list[str]:
        """Return the command line after the program's name."""
        directories = ["--settings", str(self.settings_dir), "--data", str(self.data_dir)]
        return ["run", "--live", "--port", "0", "--plain", *directories]

    def start(self) -> None:
        """Start the process and wait until it guards.

        Raises:
            GuardError: it ended, or took too long.
        """
        # A port that an earlier process left behind must not be taken for this one's.
        (self.data_dir / "daemon.json").unlink(missing_ok=True)
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [*self.program, *self.words],
                cwd=self._directory,
                env=self._whole_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self.wait_until_ready(READY_WITHIN_S)
        except BaseException:
            self.kill()
            raise

    def wait_until_ready(self, within_s: float) -> None:
        """Wait until hubs and REST are up and every account was read.

        Raises:
            GuardError: it ended, or took too long.
        """
        deadline_s = time.monotonic() + within_s
        while (state := self.state()) is None or state["phase"] != "armed":
            if self._process is not None and self._process.poll() is not None:
                raise GuardError(f"the daemon ended at once:\n{self.log()}")
            if time.monotonic() > deadline_s:
                raise GuardError(f"the daemon was not ready within {within_s:g} s:\n{self.log()}")
            time.sleep(_LOOK_EVERY_S)

    def kill(self) -> None:
        """End the process without warning."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def state(self) -> dict[str, Any] | None:
        """Return the body of `GET /api/state`, None while nobody answers."""
        try:
            answer = DaemonClient.find(self.data_dir).state()
        except CommandError:
            return None
        state: dict[str, Any] = msgspec.json.decode(answer)
        return state

    def log(self) -> str:
        """Return what the process has printed."""
        if not self.log_path.exists():
            return ""
        return self.log_path.read_text(encoding="utf-8", errors="replace")

    def _whole_environment(self) -> dict[str, str]:
        # No credentials, endpoints or proxy of the person's own may lead anywhere else.
        kept = {k: v for k, v in os.environ.items() if not k.startswith("PROJECT")}
        return {**kept, **self.environment, "PYTHONUTF8": "1", "NO_PROXY": "127.0.0.1"}
