"""Which tests a change affects: by what each file of the project needs (see import_graph.py).

    python tools/testing/changed.py [--base REF] [--root DIRECTORY]

Prints the test files, one a line, or `all`. Where it is not sure, it is more of them: what no test
is known to read, and what decides how all tests run, means all.
"""

import argparse
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from testing.import_graph import SOURCES, Modules, Needs, closed, needs_of, reads

ROOT = Path(__file__).resolve().parents[2]
EVERYTHING = ("pyproject.toml", "tests/conftest.py", "tests/hypothesis_profiles.py")
"""Decide how all tests run."""
EVERYTHING_IN = ("requirements/",)
GIT_WITHIN_S = 60


class UnknownBaseError(Exception):
    """Git knows no such commit; the text says so."""


class Affected(NamedTuple):
    """What is to be run."""

    tests: tuple[str, ...]
    """Test files, relative to the project; all of them where `is_all`."""
    is_all: bool
    why: str
    """In words; for all tests, what made it so."""


def affected(root: Path, base: str = "HEAD") -> Affected:
    """Return the tests that are affected by what changed since a commit, new files too.

    Raises:
        UnknownBaseError: there is no such commit, as where its name was misspelt.
    """
    every = tuple(sorted(file for file in _python_files(root) if is_test(file)))
    try:
        changed = changes(root, base)
    except (OSError, subprocess.SubprocessError) as error:
        return Affected(every, is_all=True, why=f"git does not say what changed ({_words(error)})")
    return affected_by(root, changed)


def affected_by(root: Path, changed: Iterable[str]) -> Affected:
    """Return the tests that are affected by changes to some files (relative, with slashes)."""
    changed = sorted(set(changed))
    present = _python_files(root)
    every = tuple(sorted(file for file in present if is_test(file)))
    if not changed:
        return Affected((), is_all=False, why="nothing changed")
    for file in changed:
        if file in EVERYTHING or file.startswith(EVERYTHING_IN):
            return Affected(every, is_all=True, why=f"{file} concerns all tests")
    deleted = {file for file in changed if file.endswith(".py") and not (root / file).exists()}
    modules = Modules(present | deleted)
    needs = {
        file: needs_of(file, (root / file).read_text(encoding="utf-8", errors="replace"), modules)
        for file in present
    }
    return _of_needs(root, changed, needs, every)


def _of_needs(
    root: Path, changed: list[str], needs: dict[str, Needs], every: tuple[str, ...]
) -> Affected:
    direct = {file: each.modules for file, each in needs.items()}
    found: set[str] = set()
    for file in changed:
        readers = {reader for reader, each in needs.items() if reads(reader, each, file)}
        touched = closed(direct, {file, *readers})
        touched_tests = {each for each in touched if is_test(each)}
        is_gone_test = is_test(file) and not (root / file).exists()
        if not touched_tests and not is_gone_test:
            return Affected(every, is_all=True, why=f"nothing tells which tests read {file}")
        found |= touched_tests
    tests = tuple(sorted(test for test in found if (root / test).exists()))
    count = "1 file" if len(changed) == 1 else f"{len(changed)} files"
    return Affected(tests, is_all=False, why=f"{count} changed: {', '.join(changed)}")


def changes(root: Path, base: str) -> list[str]:
    """Return the files that changed since a commit, those not committed and the new ones included.

    Of a branch, what it changed itself counts, and not what its base changed meanwhile.

    Raises:
        subprocess.SubprocessError: git has no answer, as outside of a repository.
        OSError: there is no git.
        UnknownBaseError: there is no such commit.
    """
    _git(root, "rev-parse", "--verify", "HEAD")
    try:
        _git(root, "rev-parse", "--verify", "--end-of-options", f"{base}^{{commit}}")
    except subprocess.CalledProcessError as error:
        raise UnknownBaseError(f"git knows no commit `{base}`") from error
    common = _git(root, "merge-base", base, "HEAD")
    of_commit = _git(root, "diff", "--name-only", "--no-renames", "--relative", "-z", common[0])
    new = _git(root, "ls-files", "--others", "--exclude-standard", "-z")
    return sorted({*of_commit, *new})


def _git(root: Path, *arguments: str) -> list[str]:
    done = subprocess.run(
        ["git", *arguments],  # noqa: S607 - wherever it is
        cwd=root,
        capture_output=True,
        encoding="utf-8",
        check=True,
        timeout=GIT_WITHIN_S,
    )
    return [line for line in done.stdout.strip("\n").split("\0") if line]


def _words(error: Exception) -> str:
    if isinstance(error, subprocess.CalledProcessError) and error.stderr:
        return str(error.stderr).strip().splitlines()[-1]
    return str(error) or type(error).__name__


def is_test(file: str) -> bool:
    """Tell whether a file holds tests."""
    path = PurePosixPath(file)
    return file.startswith("tests/") and path.name.startswith("test_") and path.suffix == ".py"


def _python_files(root: Path) -> set[str]:
    return {
        path.relative_to(root).as_posix()
        for source in SOURCES
        for path in (root / source).rglob("*.py")
    }


def main(arguments: list[str]) -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", default="HEAD", metavar="REF")
    parser.add_argument("--root", type=Path, default=ROOT)
    asked = parser.parse_args(arguments)
    try:
        found = affected(asked.root, asked.base)
    except UnknownBaseError as error:
        parser.error(str(error))
    print(found.why, file=sys.stderr)
    print("all" if found.is_all else "\n".join(found.tests))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
