"""How hard code is to follow: ways through a function, and a file as a whole.

The ways are counted by ruff (C901, PLR0911, PLR0912, PLR0915) and not by radon, whose count takes
each `and` and `or` for a way of its own: a condition that names five facts is not hard to follow,
and the lint in the editor should say the same as the gate. An exception by comment does not count
here. What ruff has no measure for is a file that is too much as a whole: that is radon's
maintainability index (0 to 100; from its volume, its ways, and its length).
"""

import json
import re

from quality.gate import Found, shortened, verdict
from quality.project import NotRunError, Project

_RULES = "C901,PLR0911,PLR0912,PLR0915"
_FOUND_SOME = 1


def judge_complexity(project: Project) -> Found:
    """Judge functions and files."""
    functions = _functions(project)
    index = _maintainability(project)
    least = project.config.maintainability_at_least
    low = sorted((value, file) for file, value in index.items() if value < least)
    files = [f"{file}: maintainability {value:.0f}; divide it by ideas" for value, file in low]
    if not index:
        return Found(verdict(False), "no file found", ("is `sources` in [tool.gates] right?",))
    lowest = min(index.values())
    return Found(
        verdict(not functions and not low),
        f"{len(functions)} functions too complex; lowest maintainability of a file {lowest:.0f}",
        shortened([*functions, *files]),
        {"lowest maintainability": round(lowest, 1), "functions": len(functions)},
    )


def _functions(project: Project) -> list[str]:
    done = project.run(
        *("-m", "ruff", "check", "--select", _RULES, "--ignore-noqa", "--output-format", "json"),
        *("--config", f"lint.mccabe.max-complexity={project.config.complexity_at_most}"),
        *project.config.sources,
    )
    if done.code not in (0, _FOUND_SOME):
        raise NotRunError(f"ruff: {done.err.strip()}")
    return [
        f"{_shown(row['filename'], project)}:{row['location']['row']}: {row['message']}"
        for row in json.loads(done.out)
    ]


def _shown(file: str, project: Project) -> str:
    return file.removeprefix(str(project.root)).lstrip("/\\")


def _maintainability(project: Project) -> dict[str, float]:
    """Return the index of each file with code in it."""
    done = project.run("-m", "radon", "mi", "-j", *project.config.sources)
    # Radon colours its JSON where it thinks that somebody looks.
    rows = json.loads(re.sub(r"\x1b\[[0-9;]*m", "", done.out) or "{}")
    broken = {file: row["error"] for file, row in rows.items() if "error" in row}
    if broken:
        file, why = next(iter(broken.items()))
        raise NotRunError(f"radon cannot read {file}: {why}")
    return {file: float(row["mi"]) for file, row in rows.items()}
