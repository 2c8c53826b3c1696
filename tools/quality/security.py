"""What could be misused: bandit's findings, and what looks like a secret.

Ruff's rules S are bandit's own under the same numbers, and a place with a reason to differ says so
for ruff (`# noqa: S608 - the table's name is ours`). What is answered there is not asked again. An
answer that says no reason is a finding itself, and so is bandit's own `nosec`, which ruff ignores.
"""

import json
from pathlib import Path
from typing import Any

from workshop.files import FileError, read_json

from quality.answers import answers_in, unreasoned
from quality.gate import Found, shortened, verdict
from quality.project import NotRunError, Project

type Secret = tuple[str, str, str]
"""File, kind, and the secret's hash."""

_FOUND_SOME = 1


def judge_security(project: Project) -> Found:
    """Judge by bandit, every severity."""
    done = project.run(
        *("-m", "bandit", "-q", "--ignore-nosec", "-r", *project.config.sources),
        *("-f", "json", *_settings(project.root)),
    )
    if done.code not in (0, _FOUND_SOME) or not done.out.strip():
        raise NotRunError(f"bandit: {done.err.strip() or 'it said nothing'}")
    told = json.loads(done.out)
    if told["errors"]:
        raise NotRunError(f"bandit could not read {told['errors'][0]}")
    open_ones = [row for row in told["results"] if not is_answered(row, project.root)]
    unsaid = unreasoned(_sources(project), project.root)
    lines = unsaid + [
        f"{row['filename']}:{row['line_number']}: {row['test_id']} {row['issue_text']}"
        for row in open_ones
    ]
    return Found(
        verdict(not lines),
        f"{len(lines)} findings, {len(told['results']) - len(open_ones)} answered in place",
        shortened(lines),
        {"findings": len(lines)},
    )


def _settings(root: Path) -> tuple[str, ...]:
    file = root / "pyproject.toml"
    return ("-c", file.name) if file.is_file() and "[tool.bandit" in file.read_text("utf-8") else ()


def is_answered(row: dict[str, Any], root: Path) -> bool:
    """Tell whether one of its lines says why ruff's rule of the same number may differ."""
    text = (root / row["filename"]).read_text(encoding="utf-8")
    rule = "S" + row["test_id"].removeprefix("B")
    first, last = min(row["line_range"]), max(row["line_range"])
    return any(first <= answer.line <= last and rule in answer.rules for answer in answers_in(text))


def _sources(project: Project) -> list[Path]:
    """Return the files that bandit read."""
    found: list[Path] = []
    for source in project.config.sources:
        found += sorted((project.root / source).rglob("*.py"))
    return found


def judge_secrets(project: Project) -> Found:
    """Judge by detect-secrets: whatever is not in the baseline, and looked at, fails."""
    baseline = project.root / project.config.secrets_baseline
    try:
        known = read_json(baseline)["results"] if baseline.is_file() else {}
    except (FileError, KeyError, TypeError) as error:
        raise NotRunError(f"{baseline.name} is no baseline: {error}") from error
    done = project.run("-m", "detect_secrets", "scan", *_files(project.root))
    if done.code:
        raise NotRunError(f"detect-secrets: {done.err.strip()}")
    found = json.loads(done.out)["results"]
    looked_at = {
        (_posix(file), row["type"], row["hashed_secret"])
        for file, rows in known.items()
        for row in rows
        if row.get("is_secret") is False
    }
    new = [
        f"{_posix(file)}:{row['line_number']}: {row['type']}"
        for file, rows in found.items()
        for row in rows
        if _posix(file) != baseline.name
        and (_posix(file), row["type"], row["hashed_secret"]) not in looked_at
    ]
    if not new:
        return Found(verdict(True), f"none; {len(looked_at)} look like one and were looked at")
    return Found(
        verdict(False),
        f"{len(new)} that nobody has looked at",
        (
            "a real one: take it out, and make it invalid where it was issued",
            f"none: `detect-secrets scan --baseline {baseline.name}`, then say so:",
            f"`detect-secrets audit {baseline.name}`",
            *shortened(new),
        ),
        {"found": len(new)},
    )


def _files(root: Path) -> tuple[str, ...]:
    """Return what makes detect-secrets look at what git knows; at everything without git."""
    return () if (root / ".git").exists() else ("--all-files",)


def _posix(file: str) -> str:
    return file.replace("\\", "/")
