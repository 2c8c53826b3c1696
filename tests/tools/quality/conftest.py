"""A small project in which everything is in order, for faults to be planted in."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from quality.catalogue import GATES
from quality.config import load_config
from quality.project import Project
from quality.run import Judged, judge

type Plant = Callable[[Mapping[str, str]], Path]
type JudgeBy = Callable[[str, Path], Judged]

PYPROJECT = """
[tool.ruff]
line-length = 100

[tool.mypy]
files = ["risk_actors"]

[tool.coverage.run]
branch = true
source = ["risk_actors"]

[tool.gates]
sources = ["risk_actors"]
docs = [["docs/check.py"]]
docs_fixes = [["docs/write.py"]]
benchmark = ["measure.py"]
benchmark_baseline = "baseline.json"

[tool.gates.coverage_groups]
core = ["risk_actors/core/*"]
"""

SIZE = '''"""How large something is."""


def size_of(count: int) -> str:
    """Return a count in a word."""
    if count > 9:
        return "many"
    return "few"
'''

TEST = """from risk_actors.core.size import size_of


def test_both() -> None:
    assert [size_of(1), size_of(10)] == ["few", "many"]
"""

CHECK = """import pathlib
import sys

sys.exit(pathlib.Path("docs/rules.md").read_text() != "two rules" and "rules.md is stale")
"""
WRITE = """import pathlib

pathlib.Path("docs/rules.md").write_text("two rules")
"""

IN_ORDER = {
    "pyproject.toml": PYPROJECT,
    "risk_actors/__init__.py": "",
    "risk_actors/core/__init__.py": "",
    "risk_actors/core/size.py": SIZE,
    "tests/test_size.py": TEST,
    "docs/rules.md": "two rules",
    "docs/check.py": CHECK,
    "docs/write.py": WRITE,
    "measure.py": "print('{\"an event\": 2.0}')\n",
}


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    """Write the small project, with some of its files as they are given; return its directory."""

    def write(changed: Mapping[str, str]) -> Path:
        for name, text in (IN_ORDER | changed).items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return tmp_path

    return write


@pytest.fixture
def judge_by() -> JudgeBy:
    """Judge a directory by one gate, without the pauses between tries."""
    gates = {gate.name: gate for gate in GATES}

    def one(name: str, root: Path) -> Judged:
        return judge(gates[name], Project(root, load_config(root), sleep=lambda _: None))

    return one
