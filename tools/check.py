"""What must hold before a change is taken: lint, format, types, tests with coverage.

All steps run even when one fails, so that one look shows everything. `--fix` formats and fixes
instead; other arguments go to pytest.
"""

import subprocess
import sys

CHECKS = (
    ("lint", ("ruff", "check")),
    ("format", ("ruff", "format", "--check")),
    ("types", ("mypy",)),
    ("tests", ("pytest", "--cov", "--cov-report=term")),
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
        more = arguments if name == "tests" else []
        if subprocess.run([sys.executable, "-m", *command, *more], check=False).returncode:
            failed.append(name)
    print(f"== failed: {', '.join(failed)}" if failed else "== all passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
