"""One run: its parts one after another, a second try where that is fair, coverage, the report."""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from testing import child, covered, reports, results, second_try, suite
from testing.results import PartRun, Report, Try


class Plan(NamedTuple):
    """What one run does."""

    what: str
    parts: tuple[suite.Part, ...]
    coverage: bool = False
    html: bool = False


class Done(NamedTuple):
    """A run that came to its end, and where its report is."""

    report: Report
    file: Path


def run(plan: Plan, root: Path) -> Done:
    """Run a plan in a project's directory, show it, and save what came of it.

    All parts run even when one fails, so that one look shows everything; Ctrl-C ends the whole.
    """
    began = datetime.now(UTC)
    texts: list[str] = []
    parts: list[PartRun] = []
    for part in plan.parts:
        parts.append(_run_part(part, parts, plan, root, texts))
        if results.status(0, parts) == results.INTERRUPTED:
            break
    coverage = _coverage(plan, root, texts) if plan.coverage else None
    report = _report(plan, parts, coverage, began)
    _say("\n" + reports.ending(report), texts)
    file = reports.save(report, "".join(texts), root / reports.DIRECTORY)
    print(f"Saved in {file.relative_to(root)}", flush=True)
    return Done(report, file)


def _run_part(
    part: suite.Part, before: Sequence[PartRun], plan: Plan, root: Path, texts: list[str]
) -> PartRun:
    first = _try(part, root, texts)
    if not part.has_second_try or first.exit_code in (0, results.CODE_NOTHING_RAN):
        return PartRun(name=part.name, first=first)
    why_none = second_try.why_none(first, before)
    if why_none is not None:
        _say(f"== no second try: {why_none}\n", texts)
        return PartRun(name=part.name, first=first, no_second_try=why_none)
    tests = first.failed_tests
    _say(
        f"== {len(tests)} of the tests in real time failed, which a busy machine may explain: once"
        " more, alone\n",
        texts,
    )
    # One of a group may need what those before it in its file have left.
    again = first.with_neighbours(tests)
    second = _try(suite.second_try(again, part, root, coverage=plan.coverage), root, texts)
    if second.exit_code == 0 and not second.has_passed(tests):
        # Skipped now, or not found again as when a name is made of what changes: nothing is known.
        second = _failed(second)
    run = PartRun(name=part.name, first=first, second=second)
    _say(reports.second_try_words(run), texts)
    return run


def _failed(second: Try) -> Try:
    return msgspec.structs.replace(second, exit_code=results.CODE_FAILED)


def _try(part: suite.Part, root: Path, texts: list[str]) -> Try:
    words = suite.in_words(part)
    _say(f"== {part.name}: {words}\n", texts)
    with tempfile.TemporaryDirectory(prefix="tests-") as directory:
        record = Path(directory) / "record.jsonl"
        ended = child.run(suite.command(part, record), root)
        texts.append(ended.text)
        fields = results.read_record(record) if part.is_pytest else {}
    code = results.CODE_INTERRUPTED if ended.is_interrupted else ended.code
    return Try(
        command=words,
        exit_code=code,
        seconds=round(ended.seconds, 2),
        is_interrupted=ended.is_interrupted,
        **fields,
    )


def _coverage(plan: Plan, root: Path, texts: list[str]) -> results.Coverage | None:
    """Show coverage, and return it; None where nothing was measured."""
    found = covered.measured(root)
    if found is None:
        _say("== coverage: nothing was measured\n", texts)
        return None
    steps = [("report",), *([("html",)] if plan.html else [])]
    for step in steps:
        _say(f"== coverage: coverage {' '.join(step)}\n", texts)
        done = subprocess.run(
            [sys.executable, "-m", "coverage", *step],
            cwd=root,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        _say(done.stdout + done.stderr, texts)
    return found


def _report(
    plan: Plan, parts: Sequence[PartRun], coverage: results.Coverage | None, began: datetime
) -> Report:
    ended = datetime.now(UTC)
    code = results.exit_code(parts)
    return Report(
        what=plan.what,
        started=began.isoformat(timespec="seconds"),
        ended=ended.isoformat(timespec="seconds"),
        seconds=round((ended - began).total_seconds(), 2),
        status=results.status(code, parts),
        exit_code=code,
        counts=results.counts(parts),
        slowest=results.slowest(parts),
        parts=tuple(parts),
        failures=tuple(problem for part in parts for problem in part.problems),
        passed_at_second_try=tuple(test for part in parts for test in part.saved_tests),
        coverage=coverage,
    )


def _say(text: str, texts: list[str]) -> None:
    print(text, end="", flush=True)
    texts.append(text)
