"""Each gate passes what is in order and fails on a fault that is planted, and says where."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from quality.benchmark import python_version

from tests.tools.quality.conftest import IN_ORDER, SIZE, JudgeBy, Plant

pytestmark = pytest.mark.real_time

ROOT = Path(__file__).parents[3]

LINT = {"risk_actors/core/size.py": SIZE.replace('"""How', 'import os\n\n"""How')}
UNFORMATTED = {"risk_actors/core/size.py": SIZE.replace("count > 9", "count>9")}
# Of another length, as mypy takes a file for the same that is as long and of the same second.
WRONG_TYPE = {"risk_actors/core/size.py": SIZE.replace('return "few"', "return -count")}
UNTYPED = {"risk_actors/core/size.py": SIZE.replace("count: int", "count")}
BRANCHES = "\n".join(f"    if count == {n}:\n        return {n}" for n in range(30))
MANY_WAYS = {"risk_actors/ways.py": f"def ways(count: int) -> int:  # noqa: C901\n{BRANCHES}\n"}
START = "import subprocess\n\nsubprocess.run('/bin/ls', shell=True, check=True)\n"
SHELL = {"risk_actors/shell.py": START}
# Put together here, so that nothing that looks like a key is in this file.
KEY = "AK" + "IAQ3EGRCYJ7VN5WXPL"
LEAKED = {"risk_actors/keys.py": f"WHERE = {KEY!r}\n"}
STALE = {"docs/rules.md": "one rule"}


@pytest.mark.parametrize(
    ("gate", "fault", "words"),
    [
        ("lint", LINT, "risk_actors/core/size.py:1:8: F401"),
        ("format", UNFORMATTED, "risk_actors/core/size.py"),
        ("types", WRONG_TYPE, "size.py:8: error: Incompatible return value type"),
        ("types", UNTYPED, "size.py:4: error: Function is missing a type annotation"),
        ("complexity", MANY_WAYS, "risk_actors/ways.py:1: `ways` is too complex (31 > 10)"),
        ("security", SHELL, "risk_actors/shell.py:3: B602"),
        ("secrets", LEAKED, "risk_actors/keys.py:1: AWS Access Key"),
        ("docs", STALE, "  rules.md is stale"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else "",
)
def test_a_planted_fault_fails(
    plant: Plant, judge_by: JudgeBy, gate: str, fault: Mapping[str, str], words: str
) -> None:
    before = judge_by(gate, plant({}))
    after = judge_by(gate, plant(fault))

    assert (before.verdict, before.advice) == ("passed", ())
    assert after.verdict == "failed"
    assert any(line.startswith(words) or words in line for line in after.advice), after.advice


def test_a_file_that_is_too_much_as_a_whole_fails(plant: Plant, judge_by: JudgeBy) -> None:
    steps = "\n".join(
        f"def step_{n}(a: int, b: int) -> int:\n"
        f"    if a > {n} and b < {n} or a == b:\n        return a * b + {n} - a % (b + {n})\n"
        f"    return (a + {n}) * (b - {n}) // (a * {n} + 1)\n"
        for n in range(1, 160)
    )
    found = judge_by("complexity", plant({"risk_actors/steps.py": steps}))

    assert found.verdict == "failed"
    assert found.figures["functions"] == 0
    assert found.advice[0].startswith("risk_actors/steps.py: maintainability ")


def test_a_finding_is_answered_by_the_reason_that_ruff_was_given(
    plant: Plant, judge_by: JudgeBy
) -> None:
    answered = START.replace(")\n", ")  # noqa: S602 - a constant\n")
    other = answered.replace("S602", "S101")

    assert judge_by("security", plant({"risk_actors/shell.py": answered})).verdict == "failed", (
        "its import has no answer"
    )
    settings = {"pyproject.toml": plant({}).joinpath("pyproject.toml").read_text()}
    settings["pyproject.toml"] += '\n[tool.bandit]\nskips = ["B404"]\n'
    for text, verdict in ((answered, "passed"), (other, "failed")):
        root = plant(settings | {"risk_actors/shell.py": text})
        assert judge_by("security", root).verdict == verdict


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("WORD = 'a'  # noqa: S105", "risk_actors/word.py:1: S105 is silenced; say why"),
        ("WORD = 'a'  # noqa: E501,S105  # type: ignore[misc]", "1: S105 is silenced; say why"),
        ("WORD = 'a'  # noqa", "1: `noqa` names no rule"),
        ("# ruff: noqa: S105", "1: S105 is silenced"),
        ("assert True  # nosec - it is well", "1: `nosec` is not taken"),
    ],
)
def test_security_is_not_silenced_without_a_reason(
    plant: Plant, judge_by: JudgeBy, line: str, words: str
) -> None:
    found = judge_by("security", plant({"risk_actors/word.py": f"{line}\n"}))

    assert found.verdict == "failed"
    assert any(words in each for each in found.advice), found.advice


def test_an_answer_with_a_reason_and_a_text_about_answers_are_well(
    plant: Plant, judge_by: JudgeBy
) -> None:
    text = '"""Writes `# noqa: S105`."""\n\nWORD = "# nosec"  # noqa: E501, S105 - a word\n'

    assert judge_by("security", plant({"risk_actors/word.py": text})).verdict == "passed"


def test_what_was_looked_at_is_no_secret_any_more(plant: Plant, judge_by: JudgeBy) -> None:
    import hashlib  # noqa: PLC0415

    row = {
        "type": "AWS Access Key",
        "hashed_secret": hashlib.sha1(KEY.encode()).hexdigest(),  # noqa: S324 - the tool's own
        "line_number": 40,
    }

    def baseline(**more: bool) -> dict[str, str]:
        results = {"risk_actors/keys.py": [row | more]}
        return {".secrets.baseline": json.dumps({"version": "1.5.0", "results": results})}

    assert judge_by("secrets", plant(LEAKED | baseline())).verdict == "failed"
    assert judge_by("secrets", plant(LEAKED | baseline(is_secret=True))).verdict == "failed"
    assert judge_by("secrets", plant(LEAKED | baseline(is_secret=False))).verdict == "passed"


def test_our_own_baseline_was_looked_at_and_names_no_machine() -> None:
    text = (ROOT / ".secrets.baseline").read_text(encoding="utf-8")
    results = json.loads(text)["results"]

    assert all(row["is_secret"] is False for rows in results.values() for row in rows)
    assert not any(Path(file).is_absolute() for file in results)
    assert '"/' not in text


def test_an_import_against_the_order_fails(
    plant: Plant, judge_by: JudgeBy, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Others that happen to be installed need seconds to start.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    # Of our own tests those on the one package that the small project has.
    of_core = "tests/architecture/test_imports.py::test_a_module_imports_its_own_package"
    command = f'["-m", "pytest", "-q", "{of_core}_and_those_before_it[core]"]'
    settings = IN_ORDER["pyproject.toml"].replace("docs =", f"imports = {command}\ndocs =")
    root = plant({"pyproject.toml": settings})
    (root / "tests" / "architecture").mkdir()
    for name in ("source.py", "test_imports.py"):
        shutil.copy(ROOT / "tests" / "architecture" / name, root / "tests" / "architecture" / name)

    before = judge_by("imports", root)
    planted = root / "risk_actors" / "core" / "planted.py"
    planted.write_text("from risk_actors.actors.rule import RuleActor\n")
    after = judge_by("imports", root)

    assert before.verdict == "passed", before.advice
    assert after.verdict == "failed"
    assert any("core.planted imports risk_actors.actors.rule" in line for line in after.advice)


@pytest.mark.parametrize(
    ("before", "verdict"), [(2.0, "passed"), (1.7, "passed"), (1.6, "failed"), (4.0, "passed")]
)
def test_slower_than_the_baseline_fails(
    plant: Plant, judge_by: JudgeBy, before: float, verdict: str
) -> None:
    baseline = {"python": python_version(), "figures": {"an event": before}}
    found = judge_by("benchmark", plant({"baseline.json": json.dumps(baseline)}))

    assert found.verdict == verdict
    assert (found.advice[:1] == ("an event is 25% slower: 2, was 1.6",)) == (verdict == "failed")


@pytest.mark.parametrize(
    ("baseline", "verdict", "words"),
    [
        (None, "failed", "no baseline"),
        ("{}", "failed", "no baseline"),
        ('{"python": "2.7", "figures": {}}', "skipped", "the baseline is of Python 2.7"),
    ],
)
def test_without_a_baseline_of_this_python_nothing_passes(
    plant: Plant, judge_by: JudgeBy, baseline: str | None, verdict: str, words: str
) -> None:
    found = judge_by("benchmark", plant({"baseline.json": baseline} if baseline else {}))

    assert found.verdict == verdict
    assert words in found.measured


def test_a_figure_that_is_not_measured_any_more_fails(plant: Plant, judge_by: JudgeBy) -> None:
    baseline = {"python": python_version(), "figures": {"an event": 2.0, "a start": 1.0}}
    found = judge_by("benchmark", plant({"baseline.json": json.dumps(baseline)}))

    assert found.verdict == "failed"
    assert found.advice[0] == "a start is not measured any more"
