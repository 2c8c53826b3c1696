"""What is known of coverage, and how the last runs went."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from testing import reports
from testing.results import PASSED, Report, counts_in_words

SHOWN = 10
_STYLES = {PASSED: "green"}


def show(directory: Path, console: Console) -> None:
    """Print the last runs, and the modules that the last measurement found wanting."""
    kept = list(islice(reports.past(directory), reports.KEPT))
    if not kept:
        console.print("No run has left a report yet.")
        return
    console.print(_runs(kept[:SHOWN]))
    measured = [report for report in kept if report.coverage is not None]
    if not measured:
        console.print("No run has measured coverage yet: choose a run with coverage.")
        return
    console.print(_trend(measured[:SHOWN]))
    console.print(_low(measured[0]))


def _runs(kept: Sequence[Report]) -> Table:
    table = Table("when (UTC)", "what", "status", "tests", box=None, pad_edge=False)
    table.add_column("took", justify="right")
    for report in kept:
        table.add_row(
            _when(report),
            report.what,
            Text(report.status, _STYLES.get(report.status, "bold red")),
            counts_in_words(report.counts),
            f"{report.seconds:.0f} s",
        )
    return table


def _trend(measured: Sequence[Report]) -> Text:
    """Return total coverage of the last measurements, each against the last one of its kind."""
    text = Text("\nCoverage, the newest first:\n", "bold")
    for number, report in enumerate(measured):
        percent = _percent(report)
        earlier = next((each for each in measured[number + 1 :] if each.what == report.what), None)
        change = "     " if earlier is None else f"{percent - _percent(earlier):+5.1f}"
        text.append(f"  {_when(report)}  {percent:5.1f} % {change}  {report.what}\n", "not bold")
    return text


def _low(report: Report) -> Text:
    assert report.coverage is not None  # noqa: S101 - it was chosen for it
    if not report.coverage.low:
        return Text("No module is covered less than 80 %.")
    text = Text("Covered less than 80 %:\n", "bold")
    for file in report.coverage.low:
        text.append(f"  {report.coverage.modules[file].percent:5.1f} %  {file}\n", "not bold")
    return text


def _percent(report: Report) -> float:
    return 0.0 if report.coverage is None else report.coverage.percent


def _when(report: Report) -> str:
    return report.started[:16].replace("T", " ")
