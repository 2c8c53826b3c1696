"""Run the daemon on a simulated broker, and write every message with its times into a file.

    python tools/trace_messages.py [--seconds N] [--settings DIR] [--out FILE]

Open the file in https://ui.perfetto.dev (it stays in your browser) or in chrome://tracing: a track
for each actor, a slice for each message it handled (with its correlation id, and how long it
waited), and an arrow from whoever sent it. Your settings are used, armed; the broker is the bundled
simulator, with a tilted trader who begins at once. Tracing makes everything somewhat slower.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from tool_arguments import seconds
from trace_recorder import Recorder

from risk_actors.actors.picture import Picture
from risk_actors.app import daemon
from risk_actors.app.settings import RunOptions, TradingMode
from risk_actors.simulator import SimulatorSettings, SimulatorThread, paper_accounts
from risk_actors.simulator.settings import TraderSettings

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 10.0


class _Wait:
    """Takes the place of the screen: it waits and shows nothing."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def __call__(self, _picture: Callable[[], Picture], _address: str) -> "_Wait":
        return self

    def run_until(self, stop: threading.Event) -> None:
        """Return when the time is over, or it is to stop."""
        stop.wait(self._seconds)


def main(arguments: list[str]) -> int:
    """Return the daemon's exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=seconds, default=SECONDS)
    parser.add_argument("--settings", type=Path, default=ROOT / "settings")
    parser.add_argument("--out", type=Path, default=Path("trace.json"))
    asked = parser.parse_args(arguments)
    recorder = Recorder()
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="risk-trace-")))
        settings_dir = directory / "settings"
        shutil.copytree(asked.settings, settings_dir)
        (settings_dir / "app.toml").write_text("armed = true\n", encoding="utf-8")
        simulator = stack.enter_context(SimulatorThread(_simulator()))
        os.environ.update({**simulator.environment, "NO_PROXY": "127.0.0.1"})
        os.environ.pop("PROJECT_X_ACCOUNT_NAME", None)
        stack.enter_context(recorder.installed())
        code = daemon.run(
            RunOptions(
                settings_dir=settings_dir,
                data_dir=directory / "data",
                port=0,
                mode=TradingMode.LIVE,
                display=_Wait(asked.seconds),
            )
        )
    asked.out.write_text(json.dumps(recorder.trace()), encoding="utf-8")
    print(f"wrote {asked.out}: {recorder.handled} messages; open it in https://ui.perfetto.dev")
    return code


def _simulator() -> SimulatorSettings:
    accounts = paper_accounts(1)
    trader = TraderSettings(account_id=accounts[0].id, start_after_s=0.5)
    return SimulatorSettings(accounts=accounts, seed=11, trader=trader)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
