"""The worked example of docs/writing_a_rule.md: its files are written, registered and tried."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "writing_a_rule.md").read_text(encoding="utf-8")
KIND = "max_instruments"
WITHIN_S = 100.0


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a directory with every file of the page."""
    directory = tmp_path_factory.mktemp("worked_rule")
    (directory / "rules").mkdir()
    rule, tests = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    day, scenario = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    for name, text in (
        ("rules/__init__.py", '"""Rules."""\n'),
        (f"rules/{KIND}.py", rule),
        (f"test_{KIND}.py", tests),
        ("day.toml", day),
        (f"024_{KIND}.toml", scenario),
    ):
        (directory / name).write_text(text, encoding="utf-8")
    kit = (ROOT / "tests" / "docs" / "worked_rule_kit.py").read_text(encoding="utf-8")
    (directory / "test_worked_rule_kit.py").write_text(kit, encoding="utf-8")
    return directory


def test_the_rule_of_the_page_passes_its_tests_and_the_kit(files: Path) -> None:
    # The kit first: it puts the rule into the catalogue.
    words = [sys.executable, "-m", "pytest", "-q", "--no-cov", "-p", "no:cacheprovider"]
    words += ["-p", "no:randomly", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT)]
    words += [str(files / "test_worked_rule_kit.py"), str(files / f"test_{KIND}.py")]
    paths = os.pathsep.join(map(str, (ROOT, ROOT / "tests", ROOT / "tests" / "system")))
    ours = {
        **os.environ,
        "PYTHONPATH": paths,
        "PYTHONUTF8": "1",
        "WORKED_RULE": str(files),
        "WORKED_RULE_TYPE": KIND,
    }
    done = subprocess.run(
        words, cwd=ROOT, env=ours, capture_output=True, text=True, timeout=WITHIN_S, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (passed,) = re.findall(r"^(\d+) passed", done.stdout, re.MULTILINE)
    assert int(passed) >= 15


def test_the_number_is_the_next_one() -> None:
    from risk_actors.core.rules import catalogue  # noqa: PLC0415

    assert f"number = {len(catalogue()) + 1}\n" in PAGE


@pytest.mark.parametrize("command", [["ruff", "check"], ["ruff", "format", "--diff"]])
def test_the_files_are_as_the_house_wants_them(files: Path, command: list[str]) -> None:
    words = [sys.executable, "-m", *command, "--config", str(ROOT / "pyproject.toml")]
    rule = subprocess.run(
        [*words, "--no-cache", str(files / "rules")], capture_output=True, text=True, check=False
    )
    assert rule.returncode == 0, rule.stdout + rule.stderr
