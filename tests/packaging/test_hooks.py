"""The hooks for pre-commit run the steps of the check, and refuse what those refuse."""

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.packaging.conftest import ROOT

CONFIG = ROOT / ".pre-commit-config.yaml"

FAKE_BOOTSTRAP = """
import pathlib, sys
with pathlib.Path("calls").open("a") as calls:
    print(" ".join(sys.argv[1:]), file=calls)
sys.exit("format" in sys.argv)
"""


def hooks() -> list[dict[str, Any]]:
    (repository,) = YAML(typ="safe").load(CONFIG.read_text(encoding="utf-8"))["repos"]
    assert repository["repo"] == "local"
    return list(repository["hooks"])


def test_they_are_the_steps_of_the_check() -> None:
    wanted = list(runpy.run_path(str(ROOT / "tools/check.py"))["NAMES"])
    run: list[str] = []
    for hook in hooks():
        _, is_step, steps = hook["entry"].partition("check --only ")
        if is_step:
            run += steps.strip('"').split(",")
    assert run == wanted


def test_nothing_is_fetched() -> None:
    assert {hook["language"] for hook in hooks()} == {"script"}


@pytest.mark.skipif(os.name == "nt" or shutil.which("git") is None, reason="needs git and sh")
def test_a_commit_is_refused_when_a_step_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PRE_COMMIT_HOME", str(tmp_path / "home"))
    work = tmp_path / "work"
    (work / "tools").mkdir(parents=True)
    shutil.copy(CONFIG, work)
    shutil.copy(ROOT / "tools/hook.sh", work / "tools")
    (work / "tools/bootstrap.py").write_text(FAKE_BOOTSTRAP)
    for command in (("init", "-q"), ("add", ".")):
        subprocess.run(["git", *command], cwd=work, check=True)  # noqa: S607  # whichever there is

    done = subprocess.run(
        [sys.executable, "-m", "pre_commit", "run", "--all-files", "--color", "never"],
        cwd=work,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=60,
    )

    assert done.returncode == 1, done.stdout + done.stderr
    verdicts = {line.split(".")[0]: line.rpartition(".")[2] for line in done.stdout.splitlines()}
    assert verdicts["lint"] == "Passed"
    assert verdicts["format"] == "Failed"
    calls = (work / "calls").read_text().splitlines()
    steps = ("lint", "format", "types", "complexity")
    assert calls == [f"check --only {step}" for step in steps]
