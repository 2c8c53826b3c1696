"""`risk-actors fuzz`: exit codes, and the command that plays a failing day again."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from risk_actors.cli.main import main
from risk_actors.core.enforcement import EnforcementPlan
from risk_actors.fuzz.campaign import play_seeds


def run(*arguments: str) -> Any:
    return CliRunner().invoke(main, ["fuzz", *arguments])


def break_the_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """No lock reaches it (breaks I4)."""
    monkeypatch.setattr(EnforcementPlan, "on_locks", lambda *_: [])


def a_failing_seed() -> int:
    return next(result.seed for result in play_seeds(range(60)) if result.findings)


def test_clean_days_end_with_0() -> None:
    result = run("--seeds", "2")

    assert result.exit_code == 0
    assert result.output.startswith("2 days, 0 failed, ")


def test_one_day_is_told_when_it_is_played_alone() -> None:
    result = run("--seed", "3")

    assert result.exit_code == 0
    assert result.output.startswith("seed 3: ")
    assert result.output.endswith("nothing broke\n")


def test_a_failing_day_is_told_and_saved_and_fails_again_from_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_the_plan(monkeypatch)
    seed = a_failing_seed()

    result = run("--from", str(seed), "--seeds", "1", "--shrink-for", "1", "--save", str(tmp_path))

    assert result.exit_code == 1
    assert f"play it again: risk-actors fuzz --seed {seed}" in result.output
    (path,) = tmp_path.glob("*.json")
    assert f"play it again: risk-actors fuzz --day {path}" in result.output
    assert run("--day", str(path)).exit_code == 1
    monkeypatch.undo()
    assert run("--day", str(path)).exit_code == 0


def test_a_seed_and_a_file_at_once_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "day.json"
    path.write_text("{}")

    assert run("--seed", "1", "--day", str(path)).exit_code == 2
