"""What must hold before a change is taken: lint, format, types, tests with coverage.

All steps run even when one fails, so that one look shows everything. `--fix` formats and fixes
instead; other arguments go to pytest.

The tests run in two parts, each on several processes. Those that need nothing but the processor
come first, one process for each core. Those that wait for others in real time follow on a machine
that is quiet then; they wait most of the time, so that one process more than there are cores is
right.
"""

import os
import subprocess
import sys

CORES = os.cpu_count() or 1
AT_ONCE_AT_LEAST = 2

NOTHING_TO_RUN = 5
"""What pytest returns when what was asked for is all in the other part."""

PARALLEL = ("pytest", "-m", "not real_time", "-n", str(max(CORES, AT_ONCE_AT_LEAST)))
REAL_TIME = ("pytest", "-m", "real_time", "-n", str(CORES + 1))

CHECKS = (
    ("lint", ("ruff", "check")),
    ("format", ("ruff", "format", "--check")),
    ("types", ("mypy",)),
    ("tests", (*PARALLEL, "--dist", "worksteal", "--cov", "--cov-report=")),
    (
        "tests in real time",
        (*REAL_TIME, "--dist", "loadgroup", "--cov", "--cov-append", "--cov-report=term"),
    ),
)
FIXES = (
    ("lint", ("ruff", "check", "--fix")),
    ("format", ("ruff", "format")),
)


def main() -> int:
    """Return 0 when every step passed, else 1."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--fix"]
    steps = FIXES if "--fix" in sys.argv[1:] else CHECKS
    failed = []
    for name, command in steps:
        print(f"== {name}: {' '.join(command)}", flush=True)
        more = arguments if command[0] == "pytest" else []
        code = subprocess.run([sys.executable, "-m", *command, *more], check=False).returncode
        if code and not (more and code == NOTHING_TO_RUN):
            failed.append(name)
    print(f"== failed: {', '.join(failed)}" if failed else "== all passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
