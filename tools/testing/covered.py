"""How much of each module the tests went through, as coverage.py measured it."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from testing.results import LOW_PERCENT, Coverage, ModuleCoverage


def measured(root: Path) -> Coverage | None:
    """Return what a project's coverage file holds; None where there is none."""
    with tempfile.TemporaryDirectory(prefix="coverage-") as directory:
        file = Path(directory) / "coverage.json"
        done = subprocess.run(
            [sys.executable, "-m", "coverage", "json", "-q", "-o", str(file)],
            cwd=root,
            capture_output=True,
            check=False,
        )
        # Where a least is set in the project, less than that has an exit code of its own.
        if not file.is_file():
            return None
        del done
        return from_json(json.loads(file.read_text(encoding="utf-8")))


def from_json(told: dict[str, Any]) -> Coverage:
    """Return what a JSON report of coverage.py says."""
    modules = {
        Path(file).as_posix(): _module(each["summary"]) for file, each in told["files"].items()
    }
    low = sorted(
        (file for file, module in modules.items() if module.percent < LOW_PERCENT),
        key=lambda file: (modules[file].percent, file),
    )
    percent = round(told["totals"]["percent_covered"], 2)
    return Coverage(percent=percent, modules=modules, low=tuple(low))


def _module(summary: dict[str, Any]) -> ModuleCoverage:
    return ModuleCoverage(
        percent=round(summary["percent_covered"], 2),
        lines=summary["num_statements"],
        missing_lines=summary["missing_lines"],
        branches=summary.get("num_branches", 0),
        missing_branches=summary.get("missing_branches", 0),
    )
