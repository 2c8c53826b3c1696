"""A run shown: on the terminal, as a page with the trend of past runs; kept for the next one."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text
from workshop import page
from workshop.files import FileError, read_json, stamp, write_json

from quality.gate import Verdict
from quality.run import Run, as_json

DIRECTORY = Path("test_reports") / "gates"
KEPT = 100
"""Of so many runs the JSON is kept."""
SHOWN = 30
"""So many of the last runs are in a trend."""
_STYLES = {Verdict.PASSED: "green", Verdict.FAILED: "bold red", Verdict.SKIPPED: "yellow"}
_FOLLOWED = (
    ("coverage", "overall", "%"),
    ("tests", "passed", "tests"),
    ("tests", "seconds", "s"),
    ("complexity", "lowest maintainability", ""),
)
"""Gate, figure and unit of what a trend is drawn of, beside the benchmark's figures."""


def show(run: Run, console: Console) -> None:
    """Print the table, then the advice of what did not pass."""
    table = Table(title="Quality gates", title_justify="left")
    for header in ("gate", "verdict", "measured", "has to be"):
        table.add_column(header, overflow="fold")
    table.add_column("s", justify="right")
    for gate in run.gates:
        table.add_row(
            gate.name,
            Text(gate.verdict.value, _STYLES[gate.verdict]),
            Text(gate.measured),
            Text(gate.threshold),
            f"{gate.seconds:.1f}",
        )
    console.print(table)
    for gate in run.gates:
        if gate.advice:
            console.print(Text(f"{gate.name}: {gate.verdict.value}", _STYLES[gate.verdict]))
            for line in gate.advice:
                console.print(Text(f"  {line}"), soft_wrap=True)
    console.print(Text(ending(run), _STYLES[run.verdict]), soft_wrap=True)


def ending(run: Run) -> str:
    """Return a run in one line."""
    failed, skipped = run.of(Verdict.FAILED), run.of(Verdict.SKIPPED)
    words = [f"== {len(run.of(Verdict.PASSED))} passed"]
    if failed:
        words.append(f"failed: {', '.join(failed)}")
    if skipped:
        words.append(f"skipped, so not judged: {', '.join(skipped)}")
    return "; ".join(words) + f" ({run.seconds:.0f} s)"


def keep(run: Run, root: Path, now: datetime) -> Path:
    """Keep a run beside the past ones, with a page; return the page.

    Raises:
        workshop.files.FileError: it cannot be written.
    """
    directory = root / DIRECTORY
    name, number = stamp(now), 1
    while (directory / f"{name}.json").exists():
        number += 1
        name = f"{stamp(now)}-{number}"
    write_json(directory / f"{name}.json", as_json(run))
    for old in _files(directory)[:-KEPT]:
        old.unlink(missing_ok=True)
    newest = directory / "latest.html"
    write_html(run, root, newest)
    return newest


def past(root: Path) -> Iterator[Run]:
    """Yield the runs that are kept, oldest first; what is none is passed over."""
    for file in _files(root / DIRECTORY):
        try:
            yield msgspec.convert(read_json(file), Run)
        except (FileError, msgspec.ValidationError):
            continue


def _files(directory: Path) -> list[Path]:
    return sorted(directory.glob("2*Z*.json"), key=_when)


def _when(file: Path) -> tuple[str, int]:
    """Return when a run was, and of those in one second the which."""
    at, _, number = file.stem.partition("-")
    return at, int(number) if number.isdecimal() else 1


def write_html(run: Run, root: Path, file: Path) -> None:
    """Write a run as a page, with the trend of the last ones; the run itself is kept by then."""
    blocks: list[page.Block] = [
        page.Paragraph(f"{run.at}: {ending(run).removeprefix('== ')}."),
        page.Table(
            ("gate", "verdict", "measured", "has to be", "s"),
            [
                (row.name, row.verdict.value, row.measured, row.threshold, f"{row.seconds:.1f}")
                for row in run.gates
            ],
            verdict_column=1,
        ),
    ]
    advised = [row for row in run.gates if row.advice]
    if advised:
        blocks.append(page.Heading("What to do"))
        blocks += [
            page.Output(f"{row.name}: {row.verdict.value}", "\n".join(row.advice))
            for row in advised
        ]
    blocks.append(page.Heading("Past runs"))
    blocks += trends(list(past(root))[-SHOWN:])
    page.write_page(file, "Quality gates", blocks)


def _label(run: Run) -> str:
    """Return when a run was, to the minute of UTC."""
    return run.at.replace("T", " ")[: len("2026-11-22 10:15")]


def trends(runs: list[Run]) -> list[page.Trend]:
    """Return what can be followed over runs: gates that did not pass, and figures."""
    whole = [
        page.Point(_label(run), float(len(run.of(Verdict.FAILED))), run.verdict.value)
        for run in runs
    ]
    found = [page.Trend("gates that failed", whole)]
    timed = dict.fromkeys(
        name
        for run in runs
        for gate in run.gates
        if gate.name == "benchmark"
        for name in gate.figures
    )
    for gate_name, figure, unit in (*_FOLLOWED, *(("benchmark", name, "") for name in timed)):
        points = [
            page.Point(_label(run), gate.figures[figure], gate.verdict.value)
            for run in runs
            for gate in run.gates
            if gate.name == gate_name and figure in gate.figures
        ]
        if points:
            found.append(page.Trend(f"{gate_name}: {figure}", points, unit))
    return found
