"""The page on tests has a line for every directory of tests."""

from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "testing.md").read_text(encoding="utf-8")


def test_every_directory_of_tests_has_a_line() -> None:
    kept = {path for path in TESTS.iterdir() if path.is_dir() and path.name[0] not in "._"}
    directories = {path.name for path in kept if any(path.rglob("test_*.py"))}

    assert len(directories) > 15
    assert {name for name in directories if f"`tests/{name}" not in PAGE} == set()
