"""What a promotion starts ends with it, and says what it said."""

import subprocess
import sys
from pathlib import Path

import pytest
from promotion.config import GatesConfig
from promotion.gates_stage import check_gates
from promotion.processes import Done, Processes

from tests.conftest import eventually

pytestmark = pytest.mark.real_time

TOOLS = Path(__file__).parents[3] / "tools"
WITHIN_S = 60
WAITS = """
import pathlib, sys, threading
here = pathlib.Path(sys.argv[1])
try:
    here.touch()
    threading.Event().wait()
finally:
    here.unlink()
"""
STARTS = """
import sys
sys.path.insert(0, sys.argv[1])
from promotion.processes import Processes
Processes().run(sys.argv[2:], timeout_s=300)
"""


def test_a_kill_leaves_nothing_running(tmp_path: Path) -> None:
    script, here = tmp_path / "waits.py", tmp_path / "here"
    script.write_text(WAITS, encoding="utf-8")
    command = [sys.executable, "-c", STARTS, str(TOOLS), str(script), str(here)]
    with subprocess.Popen(command) as owner:
        eventually(here.is_file, WITHIN_S)
        owner.kill()

    eventually(lambda: not here.exists(), WITHIN_S)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [(["-m", "json.tool", "--help"], 0, "usage"), (["-m", "there_is_none"], 1, "there_is_none")],
)
def test_a_module_is_run_as_python_would(arguments: list[str], code: int, said: str) -> None:
    done = Processes().run(arguments, timeout_s=WITHIN_S)

    assert done.code == code
    assert said in done.output


class Gates(Processes):
    """Gates that were judged before."""

    def __init__(self, told: str) -> None:
        super().__init__()
        self._told = told

    def run(self, arguments: object, *, timeout_s: float) -> Done:
        """Write what was judged where it is asked for."""
        del timeout_s
        words = list(map(str, arguments)) if isinstance(arguments, list) else []
        Path(words[words.index("--json") + 1]).write_text(self._told, encoding="utf-8")
        return Done(0, "")


SKIPPED = '{"name": "vulnerabilities", "verdict": "skipped", "measured": "no network"}'
PASSED = '{"name": "lint", "verdict": "passed", "measured": "no findings"}'


def test_a_skipped_gate_is_noted_and_skipped_alone_is_not_passed(tmp_path: Path) -> None:
    some = check_gates(GatesConfig(), tmp_path, Gates(f'{{"gates": [{PASSED}, {SKIPPED}]}}'))
    none = check_gates(GatesConfig(), tmp_path, Gates(f'{{"gates": [{SKIPPED}]}}'))
    unsaid = check_gates(GatesConfig(), tmp_path, Gates("{}"))

    assert some.problems == []
    assert some.sentence == "1 gate passed, 1 skipped"
    assert some.notes == ["the gate vulnerabilities was skipped: no network"]
    assert "none passed" in none.problems[0]
    assert "none passed" in unsaid.problems[0]
