"""What was passed stands only as long as what it was passed with."""

from pathlib import Path

import msgspec
import pytest
from promotion.config import Config
from promotion.course import Course, Wanted
from promotion.production import Trader
from promotion.results import Results, StageResult

SPEC = Path(__file__).parents[3] / "specs" / "max_trades.md"
PASSED = StageResult(
    stage="specification", key="", verdict="passed", sentence="well", began="now", took_s=1.0
)


@pytest.mark.parametrize(
    ("stale", "said", "left"),
    [
        ((), "", ["specification", "tests", "gates"]),
        (("gates",), "it begins anew at tests", ["specification"]),
        (("specification",), "it begins anew", []),
    ],
)
def test_what_was_made_with_something_else_is_done_again(
    tmp_path: Path, stale: tuple[str, ...], said: str, left: list[str]
) -> None:
    results = Results(tmp_path / "results")
    trader = Trader(tmp_path, tmp_path, tmp_path / "reviewed.toml", None)
    wanted = Wanted(SPEC, "max_contracts", "staging", Config(), trader)
    lines: list[str] = []
    course = Course(wanted, results, lines.append)
    for stage in ("specification", "tests", "gates"):
        key = "another" if stage in stale else course.keys[stage]
        results.keep(msgspec.structs.replace(PASSED, stage=stage, key=key))

    course.forget_stale()

    assert [stage for stage in course.keys if results.of(stage) is not None] == left
    assert said in " ".join(lines)
    assert len(set(course.keys.values())) == 2
