"""A tiny project of its own: the tests of the tool never run the suite that they are part of."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
SETTINGS = """
[tool.pytest.ini_options]
testpaths = ["tests"]
addopts = ["--import-mode=importlib", "--strict-markers"]
markers = ["real_time: x", "integration: x", "system: x", "slow: x"]

[tool.coverage.run]
branch = true
source = ["thing"]
"""
PLAIN = {
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # plugins that the tiny tests need not wait for
    "PYTEST_PLUGINS": "xdist.plugin,pytest_cov.plugin",
}


class Tiny:
    """A project with its tests, and the tool at work on it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("pyproject.toml", SETTINGS)
        self.environment = {**os.environ, **PLAIN, "TERM": "xterm-256color"}
        for name in ("COV_CORE_SOURCE", "PYTEST_ADDOPTS", "NO_COLOR", "PYTEST_XDIST_WORKER"):
            self.environment.pop(name, None)

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def run(self, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        """Run the tool with what is piped into it."""
        return self.start(
            ROOT / "tools/run_tests.py", "--root", str(self.root), *arguments, typed=typed
        )

    def start(self, *command: str | Path, typed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, *command],
            cwd=self.root,
            env=self.environment,
            input=typed,
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=100,
        )

    def latest(self) -> dict[str, Any]:
        told = json.loads((self.root / "test_reports/latest.json").read_text(encoding="utf-8"))
        assert isinstance(told, dict)
        return told


@pytest.fixture
def tiny(tmp_path: Path) -> Tiny:
    return Tiny(tmp_path / "project")
