"""The page on the fuzzer: every bug that was found, tests that exist, and figures that are so."""

import re
from pathlib import Path

from risk_actors.fuzz.day import from_json
from risk_actors.fuzz.kinds import KINDS

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "fuzz.md").read_text(encoding="utf-8")
DAYS = TESTS / "fuzz" / "days"
FOUND = re.findall(r"^\| (\d+) \| .* \| `(.+)::(\w+)` \|$", PAGE, re.MULTILINE)


def test_every_bug_that_was_found_has_a_row() -> None:
    kept = [from_json(path.read_bytes()).seed for path in DAYS.glob("*.json")]

    assert [int(seed) for seed, _, _ in FOUND] == sorted(kept)


def test_every_test_that_is_named_exists() -> None:
    for _, path, name in FOUND:
        assert f"def {name}(" in (TESTS / path).read_text(encoding="utf-8")


def test_the_figures_are_true() -> None:
    assert f"{len(KINDS)} kinds of things go wrong" in PAGE
    (seeds_of_ci,) = re.findall(
        r"^SEEDS_OF_CI = (\d+)$", (TESTS / "fuzz" / "test_days.py").read_text(), re.MULTILINE
    )
    assert f"plays {seeds_of_ci} days" in PAGE
