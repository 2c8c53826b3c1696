"""Which parts there are, and how one is run: in a process of its own, whatever becomes of it."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from .figures import Part, Terms

ROOT = Path(__file__).resolve().parents[2]
_EXPECTED = ("wire", "inside", "idle", "flood", "storm", "accounts", "core", "start", "micro")
"""Those that carry the targets, in the order in which they are run."""
_BEGINS_RUN = re.compile(r"^def run\(terms\b", re.MULTILINE)
_LONGEST_S = 3_600.0
_LAST_CHARACTERS = 600


class Outcome(NamedTuple):
    """What became of one part."""

    name: str
    part: Part | None
    """None: it could not be measured."""
    reason: str = ""
    """Why not."""


def part_names(directory: Path = Path(__file__).parent) -> tuple[str, ...]:
    """Return the names of all parts: those expected, and other modules here that are one."""
    others = (
        file.stem
        for file in sorted(directory.glob("*.py"))
        if file.stem not in _EXPECTED and _BEGINS_RUN.search(file.read_text(encoding="utf-8"))
    )
    return (*_EXPECTED, *others)


def run_part(name: str, terms: Terms, package: str = "bench") -> Outcome:
    """Run one part and return its figures, or why there are none."""
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        result = Path(directory) / "part.json"
        command = [
            *(sys.executable, "-m", "bench.one_part", f"{package}.{name}"),
            *(msgspec.json.encode(terms).decode(), str(result)),
        ]
        try:
            done = subprocess.run(
                command,
                cwd=ROOT,
                env=tools_environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                encoding="utf-8",
                errors="replace",
                check=False,
                timeout=_LONGEST_S,
            )
        except subprocess.TimeoutExpired:
            return Outcome(name, None, f"it was not done within {_LONGEST_S:g} s")
        if done.returncode or not result.is_file():
            return Outcome(name, None, _last_words(done.stdout) or f"code {done.returncode}")
        return Outcome(name, msgspec.json.decode(result.read_bytes(), type=Part))


def tools_environment() -> dict[str, str]:
    """Return the environment in which this package is called `bench`, as type checkers call it."""
    paths = [str(ROOT / "tools"), str(ROOT), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}


def _last_words(output: str) -> str:
    lines: Sequence[str] = [line for line in output.splitlines() if line.strip()]
    return " / ".join(lines[-3:])[-_LAST_CHARACTERS:]
