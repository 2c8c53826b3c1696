"""Whether all tests pass, and how much of the code they go through."""

import tempfile
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple

from testing import session, suite
from workshop.files import read_json

from quality.gate import Found, shortened, verdict
from quality.project import NotRunError, Project

_DATA = ".coverage"
_LEAST_COVERED = 10
_LINES_SHOWN = 8


def judge_tests(project: Project) -> Found:
    """Run the whole suite, as `make test` does, with coverage for the next gate."""
    parts = suite.split_parts(suite.Wishes(coverage=True))
    report = session.run(
        session.Plan("all tests, for the gates", parts, coverage=True), project.root
    ).report
    counts = ", ".join(f"{count} {outcome}" for outcome, count in report.counts.items())
    failed = [f"{each.test or each.when}: {_last_line(each.text)}" for each in report.failures]
    again = [f"only at the second try: {test}" for test in report.passed_at_second_try]
    return Found(
        verdict(report.status == "passed"),
        counts or report.status,
        shortened([*failed, *again]),
        {
            "passed": report.counts.get("passed", 0),
            "failed": len(report.failures),
            "seconds": report.seconds,
        },
    )


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else ""


class _Share(NamedTuple):
    """How much of some modules was gone through, in percent."""

    lines: float
    branches: float


def judge_coverage(project: Project) -> Found:
    """Judge what the last run of all tests went through."""
    newer = _changed_since(project)
    if newer is not None:
        return Found(verdict(False), newer, ("run it with the tests: `--only tests coverage`",))
    told = _told(project)
    config, least = project.config, project.config.coverage_group_percent
    whole = float(told["totals"]["percent_covered"])
    problems: list[str] = []
    figures, words = {"overall": round(whole, 2)}, [f"overall {whole:.1f} %"]
    if whole < config.coverage_percent:
        problems.append(f"overall {whole:.2f} %; the least covered:")
        problems += _least_covered(told)
    names: list[str] = []
    for group, patterns in config.coverage_groups.items():
        files = [file for file in told["files"] if _is_one_of(file, patterns)]
        if not files:
            problems.append(f"{group}: no module of {', '.join(patterns)} was measured")
            continue
        share = _share(told["files"][file]["summary"] for file in files)
        figures[f"{group} lines"] = round(share.lines, 2)
        figures[f"{group} branches"] = round(share.branches, 2)
        words.append(f"{group} {share.lines:.1f}/{share.branches:.1f}")
        if min(share) < least:
            problems.append(f"{group}: lines {share.lines:.2f} %, branches {share.branches:.2f} %")
        names += files
    low = _low(told, names, least)
    return Found(verdict(not problems), ", ".join(words), (*problems, *shortened(low)), figures)


def _changed_since(project: Project) -> str | None:
    """Return why what was measured says nothing about the code as it is now."""
    data = project.root / _DATA
    if not data.is_file():
        return "nothing was measured yet"
    measured_at = data.stat().st_mtime
    for directory in (*project.config.sources, "tests"):
        for file in sorted((project.root / directory).rglob("*.py")):
            if file.stat().st_mtime > measured_at:
                shown = file.relative_to(project.root).as_posix()
                return f"measured before {shown} was changed"
    return None


def _told(project: Project) -> dict[str, Any]:
    """Return coverage.py's own report, with `/` in the names of files."""
    with tempfile.TemporaryDirectory(prefix="gates-") as directory:
        file = Path(directory) / "coverage.json"
        done = project.run("-m", "coverage", "json", "-q", "-o", str(file))
        # A least that the project sets has an exit code of its own: the file decides.
        if not file.is_file():
            raise NotRunError(f"coverage: {done.text.strip()}")
        told: dict[str, Any] = read_json(file)
    told["files"] = {name.replace("\\", "/"): each for name, each in told["files"].items()}
    return told


def _is_one_of(file: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch(file, pattern) for pattern in patterns)


def _share(summaries: Iterable[dict[str, Any]]) -> _Share:
    rows = list(summaries)
    return _Share(
        lines=_percent(rows, "covered_lines", "num_statements"),
        branches=_percent(rows, "covered_branches", "num_branches"),
    )


def _percent(rows: list[dict[str, Any]], covered: str, there: str) -> float:
    whole = sum(row.get(there, 0) for row in rows)
    return 100.0 * sum(row.get(covered, 0) for row in rows) / whole if whole else 100.0


def _least_covered(told: dict[str, Any]) -> list[str]:
    by_missing = sorted(
        told["files"].items(), key=lambda item: -int(item[1]["summary"]["missing_lines"])
    )
    return [_words(file, each) for file, each in by_missing[:_LEAST_COVERED]]


def _low(told: dict[str, Any], files: list[str], least: float) -> list[str]:
    """Return the modules of the groups that are under the threshold by themselves, worst first."""
    shares = {file: _share([told["files"][file]["summary"]]) for file in files}
    low = sorted((min(share), file) for file, share in shares.items() if min(share) < least)
    return [_words(file, told["files"][file]) for _, file in low]


def _words(file: str, each: dict[str, Any]) -> str:
    share = _share([each["summary"]])
    lines = each["missing_lines"]
    exits = [f"{a}->{'exit' if b < 0 else b}" for a, b in each.get("missing_branches", [])]
    more = ", ..." if max(len(lines), len(exits)) > _LINES_SHOWN else ""
    missing = ", ".join([*map(str, lines[:_LINES_SHOWN]), *exits[:_LINES_SHOWN]])
    return f"{file}: lines {share.lines:.0f} %, branches {share.branches:.0f} %; {missing}{more}"
