"""Make the environment in .venv, then run a command in it.

    python tools/bootstrap.py COMMAND [ARGUMENTS]

COMMAND is what a target of the Makefile runs; without one they are listed.
Standard library only, and any Python from 3.8 can start it: it finds 3.12 or newer by itself. What
is installed is pinned with hashes in requirements/, once, and again when the pins change.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
IS_WINDOWS = os.name == "nt"
VENV_PYTHON = VENV / ("Scripts/python.exe" if IS_WINDOWS else "bin/python")

OLDEST = (3, 12)
NAMES = ("python3.14", "python3.13", "python3.12", "python3", "python")

LOCKS = {
    "run": ("requirements/run.txt",),
    "dev": ("requirements/run.txt", "requirements/dev.txt"),
}
"""What each kind of environment installs; dev holds all that run does."""

COMMANDS = {
    "install": ("run", []),
    "run": ("run", ["-m", "risk_actors", "run"]),
    "topology": ("run", ["-m", "risk_actors", "topology"]),
    "picture": ("run", ["tools/picture.py"]),
    "docs": ("run", ["-m", "tools.docs"]),
    "views": ("dev", ["tools/take_views.py"]),
    "marks": ("run", ["tools/measure_marks.py"]),
    "promote": ("dev", ["tools/promote.py"]),
    "smoke": ("run", ["tools/smoke.py"]),
    "soak": ("run", ["tools/soak.py"]),
    "trace": ("run", ["tools/trace_messages.py"]),
    "bench": ("dev", ["-m", "tools.bench"]),
    "test": ("dev", ["-m", "pytest"]),
    "tests": ("dev", ["tools/run_tests.py"]),
    "crash": ("dev", ["-m", "pytest", "-s", "tests/system/test_crash.py"]),
    "check": ("dev", ["tools/check.py"]),
    "fmt": ("dev", ["tools/check.py", "--fix"]),
    "gates": ("dev", ["tools/gates.py"]),
    "wheel": ("dev", ["-m", "tools.release", "wheel"]),
    "release": ("dev", ["-m", "tools.release"]),
}
"""For each command the environment it needs and what Python is started with."""

HOW_TO_GET_PYTHON = """\
risk_actors needs Python 3.12 or newer, and none was found. Install it, then try again:
  Windows        winget install Python.Python.3.12
  macOS          brew install python@3.12
  Debian/Ubuntu  sudo apt install python3.12 python3.12-venv
  any system     pyenv install 3.12
"""


def main() -> int:
    """Return the exit code of the command."""
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:  # noqa: PLR2004  # program, command
        print(__doc__)
        print(f"Commands: {', '.join(COMMANDS)}")
        return 2
    kind, arguments = COMMANDS[sys.argv[1]]
    os.chdir(ROOT)
    try:
        make_environment(kind)
    except subprocess.CalledProcessError as error:
        print(f"The environment could not be made: {error}", file=sys.stderr)
        return 1
    if not arguments:
        print("Ready. Next: make run")
        return 0
    return start([str(VENV_PYTHON), *arguments, *sys.argv[2:]])


def make_environment(kind: str) -> None:
    """Make .venv and install what it lacks; nothing when that was done for the same pins."""
    stamp = VENV / f"installed-{kind}"
    wanted = fingerprint(kind)
    if is_usable(str(VENV_PYTHON)) and stamp.is_file() and stamp.read_text() == wanted:
        return
    if not is_usable(str(VENV_PYTHON)):
        python = next(usable_pythons(), None)
        if python is None:
            sys.exit(HOW_TO_GET_PYTHON)
        print(f"Making .venv with {python}", flush=True)
        subprocess.run([python, "-m", "venv", "--clear", str(VENV)], check=True)
    print(f"Installing what requirements/ pins ({kind})", flush=True)
    pip = [str(VENV_PYTHON), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    for lock in LOCKS[kind]:
        subprocess.run([*pip, "--require-hashes", "-r", lock], check=True)
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "-e", "."], check=True)
    # The smaller environment is part of the larger one.
    for part in ("run", "dev") if kind == "dev" else ("run",):
        (VENV / f"installed-{part}").write_text(fingerprint(part))


def fingerprint(kind: str) -> str:
    """Return what changes whenever the environment must be made again."""
    digest = hashlib.sha256()
    for name in (*LOCKS[kind], "pyproject.toml"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def usable_pythons() -> Iterator[str]:
    """Yield Pythons that are new enough and can make environments, the likeliest first."""
    for candidate in candidates():
        if is_usable(candidate):
            yield candidate


def candidates() -> Iterator[str]:
    """Yield where a Python might be."""
    yield sys.executable
    for name in NAMES:
        found = shutil.which(name)
        if found:
            yield found
    pyenv_root = Path(os.environ.get("PYENV_ROOT", str(Path.home() / ".pyenv")))
    pattern = "*/python.exe" if IS_WINDOWS else "*/bin/python"
    for found_path in sorted((pyenv_root / "versions").glob(pattern), reverse=True):
        yield str(found_path)
    if IS_WINDOWS and shutil.which("py"):
        asked = subprocess.run(
            ["py", "-3", "-c", "import sys; print(sys.executable)"],  # noqa: S607  # the launcher
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if asked.returncode == 0:
            yield asked.stdout.strip()


def is_usable(python: str) -> bool:
    """Tell whether this Python starts, is new enough, and has what `venv` needs."""
    test = f"import ensurepip, sys, venv; sys.exit(sys.version_info < {OLDEST})"
    try:
        done = subprocess.run(
            [python, "-c", test],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
            timeout=60,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def start(command: list[str]) -> int:
    """Run the command in this process's place, so that signals reach it directly."""
    sys.stdout.flush()
    if not IS_WINDOWS:
        os.execv(command[0], command)  # noqa: S606  # no shell is wanted
    process = subprocess.Popen(command)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            # Ctrl+C reached the command too; it ends by itself.
            continue


if __name__ == "__main__":
    sys.exit(main())
