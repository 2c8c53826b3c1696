"""What must hold before a change is taken: lint, format, types, complexity, tests, coverage.

    python tools/check.py [--fix] [--only STEP,STEP] [PYTEST ARGUMENTS]

All steps run even when one fails, so that one look shows everything; where nothing ran, nothing
has passed. `--fix` formats and fixes instead; `--only` takes some of the steps, by their names. How
the tests are run in two parts, and when a few of them get a second try, is in tools/testing; they
leave a report in test_reports/. Complexity and coverage are judged by the quality gates of these
names (tools/gates.py): coverage by what these very tests went through, and not where only some of
them were run.
"""

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from testing import session, suite
from testing.results import CODE_NOTHING_RAN
from testing.unbroken import outlive_reader

PASSED, FAILED, WRONG_USAGE = 0, 1, 2
GATES = str(Path(__file__).resolve().with_name("gates.py"))
CHECKS = (
    ("lint", ("-m", "ruff", "check")),
    ("format", ("-m", "ruff", "format", "--check")),
    ("types", ("-m", "mypy")),
    ("complexity", (GATES, "--root", ".", "--only", "complexity")),
)
TESTS = tuple(part.name for part in suite.split_parts(suite.Wishes()))
COVERAGE = ("coverage", (GATES, "--root", ".", "--only", "coverage"))
NAMES = (*(name for name, _ in CHECKS), *TESTS, COVERAGE[0])
FIXES = (
    ("lint", ("-m", "ruff", "check", "--fix")),
    ("format", ("-m", "ruff", "format")),
)


class Tally:
    """What ran, and what of it failed."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.failed: list[str] = []

    def run(self, name: str, command: Sequence[str]) -> None:
        """Run a step that is a command of Python's."""
        print(f"== {name}: {' '.join(command)}", flush=True)
        self.note(name, subprocess.run([sys.executable, *command], check=False).returncode)

    def note(self, name: str, code: int) -> None:
        """Take that a step ran, and its exit code."""
        self.ran.append(name)
        if code:
            self.failed.append(name)

    def verdict(self) -> int:
        """Say what came of it, and return the exit code."""
        if self.failed:
            print(f"== failed: {', '.join(self.failed)}")
        else:
            print("== all passed" if self.ran else "== nothing ran, so nothing has passed")
        return PASSED if self.ran and not self.failed else FAILED


def main(arguments: list[str]) -> int:
    """Return 0 when every step passed, 1 when one did not or none ran, 2 for wrong arguments."""
    asked, for_pytest = _parser().parse_known_args(arguments)
    only = [name.strip() for name in asked.only.split(",")] if asked.only else list(NAMES)
    if not set(only) <= set(NAMES):
        print(f"There is no such step; the steps are: {', '.join(NAMES)}", file=sys.stderr)
        return WRONG_USAGE
    if for_pytest and (asked.fix or set(only).isdisjoint(TESTS)):
        print(f"No tests are run that could take {' '.join(for_pytest)}", file=sys.stderr)
        return WRONG_USAGE
    tally = Tally()
    for name, command in FIXES if asked.fix else CHECKS:
        if name in only:
            tally.run(name, command)
    if not asked.fix:
        is_measured = _tests(only, for_pytest, tally)
        if COVERAGE[0] in only and is_measured:
            tally.run(*COVERAGE)
        elif COVERAGE[0] in only:
            print("== coverage: not judged, for not all tests were run")
    return tally.verdict()


def _tests(only: list[str], for_pytest: list[str], tally: Tally) -> bool:
    """Run the parts of the tests that are wanted; return whether coverage says something of all."""
    wishes = suite.Wishes(coverage=True, more=tuple(for_pytest))
    parts = tuple(part for part in suite.split_parts(wishes) if part.name in only)
    if not parts:
        # What was measured last; the gate itself sees whether that is still true.
        return True
    report = session.run(session.Plan("check", parts, coverage=True), Path.cwd()).report
    codes = {part.name: part.exit_code for part in report.parts}
    # What was asked for may be all in the other part, but not in none.
    is_somewhere = for_pytest and set(codes.values()) != {CODE_NOTHING_RAN}
    for part in parts:
        code = codes.get(part.name, FAILED)
        if code == CODE_NOTHING_RAN and is_somewhere:
            continue
        if code == CODE_NOTHING_RAN:
            print(f"== {part.name}: nothing ran")
        tally.note(part.name, code)
    return not for_pytest and set(codes) == set(TESTS)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--fix", action="store_true", help="format and fix instead")
    parser.add_argument("--only", metavar="STEP,STEP", help="run some of the steps")
    return parser


if __name__ == "__main__":
    outlive_reader()
    sys.exit(main(sys.argv[1:]))
