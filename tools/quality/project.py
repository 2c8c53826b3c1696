"""The project that is judged, and how tools are run in it."""

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from workshop.steady import Breaker, Transient, steadily

from quality.config import Config

TOOLS = Path(__file__).resolve().parents[1]
_FAILURES_IN_A_ROW = 3
_MINUTE_S = 60.0


class NotRunError(Exception):
    """A tool could not be run to its end; the text says why."""


class Done(NamedTuple):
    """What came of running a tool."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """All that it printed."""
        return f"{self.out}\n{self.err}"


class Project:
    """A directory with its thresholds, for one run of the gates."""

    def __init__(
        self, root: Path, config: Config, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.root = root
        self.config = config
        self.sleep = sleep
        self.network = Breaker(_FAILURES_IN_A_ROW)
        """Open when others could not be reached several times in a row."""
        self._tools = Breaker(_FAILURES_IN_A_ROW)
        """Open when tools died several times in a row, as where memory is short."""

    def run(
        self,
        *command: str,
        timeout_s: float = 15 * _MINUTE_S,
        environment: Mapping[str, str] | None = None,
    ) -> Done:
        """Run Python with these arguments and return what came of it.

        A tool that is ended by a signal is tried again: that was not its own decision.

        Raises:
            NotRunError: it is not installed, did not end in time, or died again and again.
            workshop.steady.BreakerOpenError: others died too; it was not tried.
        """
        if command[0] == "-m" and not self._is_there(command[1], environment or {}):
            raise NotRunError(f"{command[1]} is not installed; `make check` installs it")

        def once() -> Done:
            done = self._once(command, timeout_s, environment or {})
            if done.code < 0:
                raise Transient(f"{' '.join(command[:2])} was ended by signal {-done.code}")
            return done

        try:
            return steadily(once, breaker=self._tools, sleep=self.sleep)
        except Transient as error:
            raise NotRunError(str(error)) from error

    def _is_there(self, module: str, environment: Mapping[str, str]) -> bool:
        top = module.partition(".")[0]
        places = (self.root, *map(Path, environment.get("PYTHONPATH", "").split(os.pathsep)))
        if any((place / top).is_dir() or (place / f"{top}.py").is_file() for place in places):
            return True
        return importlib.util.find_spec(top) is not None

    def _once(
        self, command: tuple[str, ...], timeout_s: float, environment: Mapping[str, str]
    ) -> Done:
        try:
            done = subprocess.run(
                [sys.executable, *command],
                cwd=self.root,
                env={**os.environ, "PYTHONUTF8": "1", "NO_COLOR": "1", **environment},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                check=False,
                timeout=timeout_s,
            )
        except subprocess.TimeoutExpired as error:
            words = " ".join(command)
            raise NotRunError(f"{words} did not end within {timeout_s:g} s") from error
        return Done(done.returncode, done.stdout, done.stderr)
