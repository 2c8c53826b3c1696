"""The page on traps: every test it names is there, and every test on traps is named."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "traps.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.strip("|").split(" | ")]
    for line in PAGE.splitlines()
    if line.startswith("| ") and "`" in line
]
NAMED = re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)


def names_in(path: Path) -> set[str]:
    return set(re.findall(r"^def (test_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("file", sorted({file for file, _ in NAMED}))
def test_every_test_it_names_exists(file: str) -> None:
    assert {name for other, name in NAMED if other == file} <= names_in(TESTS / file)


def test_every_test_on_traps_is_named_on_it() -> None:
    written = {
        (path.relative_to(TESTS).as_posix(), name)
        for path in TESTS.glob("*/test_traps_*.py")
        if path != Path(__file__)
        for name in names_in(path)
    }

    assert len(written) > 50
    assert written - set(NAMED) == set()


def test_every_trap_has_a_countermeasure_and_a_test_over_sockets() -> None:
    over_sockets = ("projectx/test_traps_", "projectx/test_hubs", "projectx/test_stream")
    over_sockets += (
        "projectx/test_lane.py",
        "projectx/test_login",
        "projectx/test_deaf_hubs",
        "system/",
    )
    for trap, countermeasure, tests in ROWS:
        assert countermeasure, trap
        named = re.findall(r"`([\w/]+\.py)::\w+`", tests)
        assert any(file.startswith(over_sockets) for file in named), trap


def test_every_module_it_names_exists() -> None:
    modules = set(re.findall(r"`((?:core|projectx)/\w+\.py)`", PAGE))

    assert modules
    for module in modules:
        assert (TESTS.parent / "risk_actors" / module).exists(), module
