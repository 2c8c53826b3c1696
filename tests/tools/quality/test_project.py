"""How tools are run: again when they were ended from outside, and no longer when all are."""

import sys
from pathlib import Path

import pytest
from quality.config import Config
from quality.gate import Found, Gate, Verdict
from quality.project import NotRunError, Project
from quality.run import judge
from workshop.steady import BreakerOpenError

pytestmark = pytest.mark.real_time

KILLED = """
import os, pathlib, signal
count = pathlib.Path("count")
tries = len(count.read_text()) if count.exists() else 0
count.write_text("x" * (tries + 1))
if tries < {times}:
    os.kill(os.getpid(), signal.SIGKILL)
print("done")
"""
needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="no signals there")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, Config(), sleep=lambda _: None)


@needs_signals
def test_a_tool_that_was_ended_from_outside_is_tried_again(project: Project) -> None:
    (project.root / "tool.py").write_text(KILLED.format(times=2))

    assert project.run("tool.py").out == "done\n"


@needs_signals
def test_where_every_tool_is_ended_the_others_are_not_even_tried(project: Project) -> None:
    (project.root / "tool.py").write_text(KILLED.format(times=9))

    with pytest.raises(NotRunError, match=r"tool\.py was ended by signal 9"):
        project.run("tool.py")
    with pytest.raises(BreakerOpenError, match="not tried after 3 failures in a row"):
        project.run("tool.py")
    assert (project.root / "count").read_text() == "xxx"


def test_a_tool_that_is_not_there_or_does_not_end_is_told(project: Project) -> None:
    (project.root / "tool.py").write_text("import threading\nthreading.Event().wait()\n")

    with pytest.raises(NotRunError, match="no_such_tool is not installed"):
        project.run("-m", "no_such_tool")
    with pytest.raises(NotRunError, match=r"tool\.py did not end within 0\.3 s"):
        project.run("tool.py", timeout_s=0.3)


def test_an_error_in_a_gate_is_its_own_failure(project: Project) -> None:
    def broken(_: Project) -> Found:
        raise KeyError("results")

    found = judge(Gate("broken", lambda _: "nothing", broken), project)

    assert found.verdict is Verdict.FAILED
    assert found.advice == ("KeyError: 'results'",)
