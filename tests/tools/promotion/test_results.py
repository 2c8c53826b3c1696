"""What a stage left is found again, and what was damaged or is of another rule proves nothing."""

import shutil
from pathlib import Path

import pytest
from promotion.config import Config, StagingConfig
from promotion.key import checkout_of, key_of, sources_of
from promotion.results import Results, StageResult
from recorded_world import rule_settings

from risk_actors.core.rules import Mode

SPEC = Path(__file__).parents[3] / "specs" / "max_trades.md"
RESULT = StageResult(
    stage="tests", key="k", verdict="passed", sentence="well", began="now", took_s=1.0
)


def test_a_stage_that_was_broken_off_is_known_until_it_is_over(tmp_path: Path) -> None:
    results = Results(tmp_path)
    results.begin("tests", "k", "now")
    running = Results(tmp_path).running()
    results.keep(RESULT)

    assert running is not None
    assert running.stage == "tests"
    assert Results(tmp_path).running() is None
    assert Results(tmp_path).of("tests") == RESULT
    results.forget()
    assert results.of("tests") is None


@pytest.mark.parametrize("text", ["", "{", '{"stage": "tests"}', "[]"])
def test_a_damaged_result_proves_nothing(tmp_path: Path, text: str) -> None:
    (tmp_path / "tests.json").write_text(text, encoding="utf-8")

    assert Results(tmp_path).of("tests") is None


def test_the_key_changes_with_all_that_is_promoted_and_not_with_the_mode(tmp_path: Path) -> None:
    def settings(per_day: int, mode: Mode) -> object:
        return rule_settings("max_trades", id="mine", per_day=per_day, mode=mode)

    other = tmp_path / "max_trades.md"
    shutil.copy(SPEC, other)
    key = key_of(SPEC, "max_trades", Config(), settings(2, Mode.SHADOW))
    same = key_of(other, "max_trades", Config(), settings(2, Mode.ENFORCE))
    other.write_text(SPEC.read_text(encoding="utf-8") + "\nMore.\n", encoding="utf-8")
    changed = {
        key_of(other, "max_trades", Config(), settings(2, Mode.SHADOW)),
        key_of(SPEC, "max_trades", Config(), settings(3, Mode.SHADOW)),
        key_of(SPEC, "max_contracts", Config(), settings(2, Mode.SHADOW)),
        key_of(SPEC, "max_trades", Config(staging=StagingConfig(days=1)), None),
    }

    assert same == key
    assert len(changed | {key}) == 5


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("risk_actors/actors/enforcer.py", True),
        ("tests/scenarios/001.toml", True),
        ("tools/gates.py", True),
        ("pyproject.toml", True),
        ("docs/conf.py", False),
        ("tests/notes.md", False),
    ],
)
def test_a_checkout_is_another_with_any_change_of_code_tests_or_tools(
    tmp_path: Path, name: str, counts: bool
) -> None:
    file = tmp_path / name
    file.parent.mkdir(parents=True, exist_ok=True)
    fingerprints = [checkout_of(tmp_path)]
    for text in ("a = 1\n", "a = 2\n"):
        file.write_text(text, encoding="utf-8")
        fingerprints.append(checkout_of(tmp_path))

    assert len(set(fingerprints)) == (3 if counts else 1)


def test_the_source_of_a_rule_is_its_file_and_what_of_the_core_it_uses() -> None:
    names = {path.name for path in sources_of("max_trades")}

    assert {"max_trades.py", "trade_counts.py", "trade_history.py"} <= names
    assert "symbol_block.py" not in names
