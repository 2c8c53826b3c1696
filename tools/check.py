"""What must hold before a change is taken: lint, format, types, tests with coverage.

    python tools/check.py [--fix] [--only STEP,STEP] [PYTEST ARGUMENTS]

All steps run even when one fails, so that one look shows everything. `--fix` formats and fixes
instead; `--only` takes some of the steps, by their names. How the tests are run in two parts, and
when a few of them get a second try, is in tools/testing; they leave a report in test_reports/.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from testing import session, suite
from testing.results import CODE_NOTHING_RAN

TESTS = suite.split_parts(suite.Wishes(coverage=True))
CHECKS = (
    ("lint", ("ruff", "check")),
    ("format", ("ruff", "format", "--check")),
    ("types", ("mypy",)),
    *((part.name, ("pytest", *part.arguments)) for part in TESTS),
)
FIXES = (
    ("lint", ("ruff", "check", "--fix")),
    ("format", ("ruff", "format")),
)


def main(arguments: list[str]) -> int:
    """Return 0 when every step passed, else 1."""
    asked, for_pytest = _parser().parse_known_args(arguments)
    names = [name for name, _ in CHECKS]
    only = [name.strip() for name in asked.only.split(",")] if asked.only else names
    if not set(only) <= set(names):
        print(f"There is no such step; the steps are: {', '.join(names)}", file=sys.stderr)
        return 2
    failed = []
    for name, command in FIXES if asked.fix else CHECKS:
        if name in only and command[0] != "pytest":
            print(f"== {name}: {' '.join(command)}", flush=True)
            if subprocess.run([sys.executable, "-m", *command], check=False).returncode:
                failed.append(name)
    if not asked.fix:
        failed += _tests(only, for_pytest)
    print(f"== failed: {', '.join(failed)}" if failed else "== all passed")
    return 1 if failed else 0


def _tests(only: list[str], for_pytest: list[str]) -> list[str]:
    """Run the parts of the tests that are wanted; return which failed."""
    wishes = suite.Wishes(coverage=True, more=tuple(for_pytest))
    parts = tuple(part for part in suite.split_parts(wishes) if part.name in only)
    if not parts:
        return []
    report = session.run(session.Plan("check", parts, coverage=True), Path.cwd()).report
    # What was asked for may be all in the other part.
    well = {0, CODE_NOTHING_RAN} if for_pytest else {0}
    ran = {part.name: part.exit_code for part in report.parts}
    return [part.name for part in parts if ran.get(part.name) not in well]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--fix", action="store_true", help="format and fix instead")
    parser.add_argument("--only", metavar="STEP,STEP", help="run some of the steps")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
