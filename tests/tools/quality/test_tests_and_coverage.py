"""The gates on the tests themselves, in a small project that is really run."""

import os
from pathlib import Path

import pytest

from tests.tools.quality.conftest import IN_ORDER, TEST, JudgeBy, Plant

pytestmark = pytest.mark.real_time


@pytest.fixture(autouse=True)
def _own_coverage(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what measures this very test away from the project that is judged."""
    for name in [name for name in os.environ if name.startswith(("COV_", "COVERAGE", "PYTEST"))]:
        monkeypatch.delenv(name)
    # Two is enough, and others that happen to be installed need seconds to start.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p xdist -p pytest_cov")


def test_all_pass_and_everything_is_covered(plant: Plant, judge_by: JudgeBy) -> None:
    root = plant({})

    assert judge_by("coverage", root).measured == "nothing was measured yet"
    tests = judge_by("tests", root)
    assert (tests.verdict, tests.measured) == ("passed", "1 passed")
    covered = judge_by("coverage", root)
    assert (covered.verdict, covered.advice) == ("passed", ())
    assert covered.figures == {"overall": 100.0, "core lines": 100.0, "core branches": 100.0}

    settings = IN_ORDER["pyproject.toml"] + 'lock = ["lock*"]\n'
    (root / "pyproject.toml").write_text(settings)
    without = judge_by("coverage", root)
    assert without.verdict == "failed"
    assert without.advice == ("lock: no module of lock* was measured",)

    # What is newer than the measurement was not measured.
    changed = root / "risk_actors" / "core" / "size.py"
    later_s = (root / ".coverage").stat().st_mtime + 60
    os.utime(changed, (later_s, later_s))
    stale = judge_by("coverage", root)
    assert stale.verdict == "failed"
    assert stale.measured == "measured before risk_actors/core/size.py was changed"


def test_a_failing_test_and_a_line_that_no_test_goes_through(
    plant: Plant, judge_by: JudgeBy
) -> None:
    fault = TEST.replace("[size_of(1), size_of(10)]", "[size_of(1)]").replace('"few", ', "")
    root = plant({"tests/test_size.py": fault})

    tests = judge_by("tests", root)
    assert tests.verdict == "failed"
    assert tests.figures["failed"] == 1
    assert tests.advice[0].startswith("tests/test_size.py::test_both: ")
    covered = judge_by("coverage", root)
    assert covered.verdict == "failed"
    assert "core: lines 75.00 %, branches 50.00 %" in covered.advice
    assert covered.advice[-1] == ("risk_actors/core/size.py: lines 75 %, branches 50 %; 7, 6->7")
    assert Path(root / "test_reports" / "latest.txt").is_file()
