"""Boot the daemon as `make run` does (paper, a data directory of its own) and see it come to life.

    python tools/smoke.py [--within S] [--armed-within S] [--settings DIR] [-- COMMAND ...]

Prints each checkpoint with its time. Exit codes: 0 it came up, saw its first event, was armed and
ended in order; 1 something of that went wrong; 2 it stalled: no event within 8 s of its start.
A COMMAND takes the daemon's place; {data} in it is the data directory.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from watched_process import ROOT, EndedError, WatchedProcess, run_command

OK, ERROR, STALLED = 0, 1, 2
WITHIN_S = 8.0
ARMED_WITHIN_S = 10.0
"""After the first event."""

CHECKPOINTS = (
    "🚀 Service Start",
    "✅ Config Loaded",
    "✅ SDK Connected",
    "✅ Rules Initialized",
    "✅ Event Loop Running",
    "📨 Event Received",
)
"""In the order in which they have to come; later ones depend on what the broker does."""
LAST_LINES = 20


class Failed(Exception):  # noqa: N818 - it is a verdict
    """It did not do what it has to; the text says what."""


class Passed:
    """The checkpoints that were seen."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def take(self, at_s: float, line: str) -> None:
        """Take a line of the log."""
        for words in CHECKPOINTS:
            if words in line and words not in self.seen:
                self.seen.append(words)
                print(f"{at_s:6.2f} s  {line[line.index(words) :]}", flush=True)

    def check_order(self) -> None:
        """Raise unless they all came, in order."""
        if tuple(self.seen) != CHECKPOINTS:
            missing = [words for words in CHECKPOINTS if words not in self.seen]
            if missing:
                raise Failed(f"these checkpoints did not come: {', '.join(missing)}")
            raise Failed(f"the checkpoints came in another order: {', '.join(self.seen)}")


def main(arguments: list[str]) -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--within", type=float, default=WITHIN_S, metavar="SECONDS")
    parser.add_argument("--armed-within", type=float, default=ARMED_WITHIN_S, metavar="SECONDS")
    parser.add_argument("--settings", type=Path, default=ROOT / "settings")
    parser.add_argument("command", nargs="*")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="risk-actors-smoke-") as directory:
        data_dir = Path(directory)
        command = [word.replace("{data}", directory) for word in asked.command]
        passed = Passed()
        with WatchedProcess(
            command or run_command(asked.settings, data_dir, "--paper"),
            data_dir,
            on_line=passed.take,
        ) as daemon:
            try:
                code = watch(daemon, passed, asked.within, asked.armed_within)
            except (Failed, EndedError) as error:
                print(f"FAILED: {error}")
                code = ERROR
            if code != OK:
                print("\n".join(("Its last lines:", *daemon.lines[-LAST_LINES:])))
        return code


def watch(daemon: WatchedProcess, passed: Passed, within_s: float, armed_within_s: float) -> int:
    """Return the exit code of a daemon that came up or stalled.

    Raises:
        Failed: it did something else than it has to.
        EndedError: it ended by itself.
    """
    if not daemon.wait_for(lambda: CHECKPOINTS[-1] in passed.seen, within_s):
        print(f"STALLED: no event within {within_s:g} s; seen: {', '.join(passed.seen) or '-'}")
        return STALLED
    passed.check_order()
    phases: list[str] = []

    def is_armed() -> bool:
        state = daemon.get("/api/state")
        phases.append("no answer" if state is None else state["phase"])
        return phases[-1] == "armed"

    if not daemon.wait_for(is_armed, daemon.age_s + armed_within_s):
        raise Failed(f"GET /api/state: the phase is {phases[-1]}, not armed")
    print(f"{daemon.age_s:6.2f} s  GET /api/state: phase armed")
    code = daemon.stop()
    if code is None:
        raise Failed("it did not end after SIGTERM")
    # Windows has no SIGTERM: there the process is ended at once.
    if code != 0 and os.name != "nt":
        raise Failed(f"it ended with code {code} after SIGTERM")
    print(f"{daemon.age_s:6.2f} s  ended in order")
    return OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
