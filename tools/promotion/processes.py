"""Runs other tools as processes; what goes wrong by chance alone is tried again.

Each is tethered (see testing/tethered.py): it ends in order when this process does, even by a kill.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from workshop.steady import Breaker, Transient, steadily

from promotion.places import ROOT

PYTHON = sys.executable
_TETHERED = Path(__file__).resolve().parents[1] / "testing" / "tethered.py"
_BY_CHANCE = (
    "Address already in use",
    "Only one usage of each socket address",
    "Resource temporarily unavailable",
    "did not come up within",
    "it was not armed within",
)
"""What a process says of a machine that was busy, or of a port that was taken."""
_LAST_LINES = 12
_FAILURES_AT_MOST = 6


class Done(NamedTuple):
    """A process that ended."""

    code: int
    output: str

    def last_lines(self, number: int = _LAST_LINES) -> list[str]:
        """Return the end of what it said."""
        return [line for line in self.output.splitlines() if line.strip()][-number:]


class Processes:
    """Starts processes from the root of the checkout, one after the other."""

    def __init__(self) -> None:
        self._breaker = Breaker(_FAILURES_AT_MOST)

    def run(self, arguments: Sequence[str], *, timeout_s: float) -> Done:
        """Run a script, or a module as `-m NAME`, with this Python until it ends.

        Raises:
            Transient: it could not be started, or failed by chance, several times.
        """
        return steadily(lambda: _once(arguments, timeout_s), breaker=self._breaker)


def _once(arguments: Sequence[str], timeout_s: float) -> Done:
    its_end, our_end = os.pipe()
    try:
        ended = subprocess.run(
            [PYTHON, str(_TETHERED), *arguments],
            cwd=ROOT,
            stdin=its_end,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            check=False,
            timeout=timeout_s,
        )
    except OSError as error:
        raise Transient(f"{arguments[0]} could not be started: {error}") from error
    except subprocess.TimeoutExpired as error:
        return Done(-1, f"{error.output or ''}\nit did not end within {timeout_s:.0f} s")
    finally:
        os.close(its_end)
        os.close(our_end)
    if ended.returncode != 0 and any(text in ended.stdout for text in _BY_CHANCE):
        raise Transient(Done(ended.returncode, ended.stdout).last_lines(1)[0])
    return Done(ended.returncode, ended.stdout)
