"""Builds wheel and source archive with the pinned build tools, and tries the wheel.

Nothing is fetched to build: hatchling is in the environment, in the version of the locks.
"""

import os
import subprocess
import sys
from pathlib import Path

from .changelog import ReleaseError

DIST_VARIABLE = "RISK_ACTORS_DIST"
"""Names a directory with a wheel that was built already; the tests of packaging take that one."""


def build(root: Path, into: Path) -> list[Path]:
    """Build from a source tree; return the wheel and the source archive.

    Raises:
        ReleaseError: it could not be built.
    """
    into.mkdir(parents=True, exist_ok=True)
    for old in (*into.glob("risk_actors-*.whl"), *into.glob("risk_actors-*.tar.gz")):
        old.unlink()
    command = (sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-t", "sdist")
    done = subprocess.run(
        (*command, "-d", str(into)), cwd=root, capture_output=True, encoding="utf-8", check=False
    )
    made = [*into.glob("risk_actors-*.whl"), *into.glob("risk_actors-*.tar.gz")]
    if done.returncode or len(made) != len(("wheel", "source archive")):
        raise ReleaseError(f"it could not be built:\n{done.stdout}{done.stderr}")
    return made


def try_out(root: Path, dist: Path) -> int:
    """Install the wheel in an empty environment and guard with it; return pytest's exit code."""
    tests = ("tests/packaging/test_archives.py", "tests/packaging/test_wheel.py")
    command = (sys.executable, "-m", "pytest", "--no-cov", "-v", *tests)
    environment = {**os.environ, DIST_VARIABLE: str(dist)}
    return subprocess.run(command, cwd=root, env=environment, check=False).returncode
