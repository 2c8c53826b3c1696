"""The reports of runs: written for people and for programs, kept, and read again.

test_reports/latest.txt                        the last run, as it was shown
test_reports/20261122T101500Z_passed.txt       each run
test_reports/20261122T101500Z_passed.json      the same for programs (also latest.json)
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from testing.results import PASSED, PartRun, Report, counts_in_words

DIRECTORY = "test_reports"
LATEST = "latest"
KEPT = 100
"""Of so many runs the reports are kept."""

_NAME = re.compile(r"\d{8}T\d{6}Z(?:-\d+)?_(?:passed|failed)\.json")
_SLOWEST = 5
_SLOW_S = 1.0


def header(report: Report) -> str:
    """Return what stands above a report: what ran, when, and what came of it."""
    lines = [
        f"What ran:   {report.what}",
        *(f"            {part.first.command}" for part in report.parts),
        f"Started:    {report.started}",
        f"Ended:      {report.ended} (after {report.seconds:.1f} s)",
        f"Status:     {report.status}",
        f"Exit code:  {report.exit_code}",
        f"Tests:      {counts_in_words(report.counts)}",
    ]
    if report.passed_at_second_try:
        lines.append(f"2nd try:    {', '.join(report.passed_at_second_try)}")
    if report.coverage is not None:
        low = len(report.coverage.low)
        lines.append(f"Coverage:   {report.coverage.percent:.1f} %, {low} modules under 80 %")
    return "\n".join(lines) + "\n" + "=" * 79 + "\n"


def ending(report: Report) -> str:
    """Return the last words of a run."""
    lines = []
    if report.passed_at_second_try:
        lines.append("!! Passed only at the second try, alone; if it happens often, look into it:")
        lines += [f"!!   {test}" for test in report.passed_at_second_try]
    if report.coverage is not None and report.coverage.low:
        lines.append("Covered less than 80 %:")
        modules = report.coverage.modules
        lines += [f"  {modules[file].percent:5.1f} %  {file}" for file in report.coverage.low]
    slow = [item for item in report.slowest.items() if item[1] >= _SLOW_S][:_SLOWEST]
    if slow:
        lines.append("Slowest:")
        lines += [f"  {took:5.1f} s  {test}" for test, took in slow]
    lines.append(
        f"== {report.what}: {report.status.upper()} (exit code {report.exit_code}),"
        f" {counts_in_words(report.counts)}, {report.seconds:.1f} s"
    )
    return "\n".join(lines) + "\n"


def second_try_words(run: PartRun) -> str:
    """Return what came of a second try."""
    if run.saved_tests:
        names = "\n".join(f"!!   {test}" for test in run.saved_tests)
        return f"!! {len(run.saved_tests)} passed only at the second try, alone:\n{names}\n"
    told = run.second.outcomes if run.second is not None else {}
    lines = [
        f"== {test}: {told.get(test, 'not found')} at the second try, so not passed\n"
        for test in run.first.failed_tests
        if told.get(test) != PASSED
    ]
    return "".join(lines) or "== the second try failed too: see above\n"


def save(report: Report, text: str, directory: Path) -> Path:
    """Write a report in both its forms, and as the latest; return the text's file."""
    directory.mkdir(parents=True, exist_ok=True)
    word = PASSED if report.status == PASSED else "failed"
    stamp = re.sub(r"[-:]", "", report.started).replace("+0000", "Z")
    name, number = f"{stamp}_{word}", 1
    while (directory / f"{name}.json").exists():
        number += 1
        name = f"{stamp}-{number}_{word}"
    shown = (header(report) + text).encode("utf-8", "replace")
    told = msgspec.json.format(msgspec.json.encode(report), indent=1)
    for each in (name, LATEST):
        _write(directory / f"{each}.txt", shown)
        _write(directory / f"{each}.json", told)
    for old in _files(directory)[KEPT:]:
        old.unlink(missing_ok=True)
        old.with_suffix(".txt").unlink(missing_ok=True)
    return directory / f"{name}.txt"


def _write(path: Path, content: bytes) -> None:
    """Replace a file as a whole: who reads it meanwhile sees the old one or the new one."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    new.write_bytes(content)
    new.replace(path)


def past(directory: Path) -> Iterator[Report]:
    """Yield the reports that are kept, the newest first; one that cannot be read is passed over."""
    for file in _files(directory):
        try:
            yield msgspec.json.decode(file.read_bytes(), type=Report)
        except (OSError, msgspec.MsgspecError):
            continue


def latest_text(directory: Path) -> str | None:
    """Return the last report; None where there is none."""
    try:
        return (directory / f"{LATEST}.txt").read_text(encoding="utf-8")
    except OSError:
        return None


def _files(directory: Path) -> list[Path]:
    """Return the JSON files of the runs, the newest first."""
    if not directory.is_dir():
        return []
    found = [path for path in directory.iterdir() if _NAME.fullmatch(path.name)]
    return sorted(found, key=lambda path: path.name, reverse=True)
