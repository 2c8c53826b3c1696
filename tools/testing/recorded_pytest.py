"""Run pytest as `python -m pytest` does, and write down what came of each test, one JSON a line.

    python tools/testing/recorded_pytest.py RECORD [PYTEST ARGUMENTS]

Each line is written at once, so that a run that is broken off leaves what it came to. It ends when
standard input does (see tethered.py).
"""

import json
import os
import sys
from pathlib import Path
from typing import Any, TextIO

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from testing.tethered import tether


class Recorder:
    """A plugin of the process that shows the results; those that only run tests have none."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write down a phase of a test: setup, call or teardown."""
        outcome = report.outcome
        expected = "x" if hasattr(report, "wasxfail") else ""
        self._write(
            kind="phase",
            test=report.nodeid,
            when=report.when,
            outcome=f"{expected}{outcome}",
            seconds=report.duration,
            text=report.longreprtext if outcome == "failed" else "",
        )

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Write down what could not be collected."""
        if report.failed:
            self._write(kind="uncollected", test=report.nodeid, text=report.longreprtext)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Write down that a process which ran tests died."""
        if error:
            self._write(kind="crash", text=f"{node.gateway.id}: {error}")

    def pytest_sessionfinish(self, exitstatus: int) -> None:
        """Write down that it came to an end of its own."""
        self._write(kind="end", code=int(exitstatus))

    def _write(self, **told: object) -> None:
        self._file.write(json.dumps(told) + "\n")
        self._file.flush()


def main() -> int:
    """Return pytest's exit code."""
    tether()
    record, *arguments = sys.argv[1:]
    # As `python -m pytest` has it: the project's own packages can be imported.
    sys.path[:2] = [os.getcwd()]  # noqa: PTH109 - as a text
    sys.argv = ["pytest", *arguments]
    with Path(record).open("w", encoding="utf-8") as file:
        return int(pytest.main(arguments, plugins=[Recorder(file)]))


if __name__ == "__main__":
    sys.exit(main())
