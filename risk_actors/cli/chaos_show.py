"""Shows what came of a chaos run: what was injected, how long it took, and how it compares."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from risk_actors.chaos.compare import Comparison, compare
from risk_actors.cli.tables import make_table

if TYPE_CHECKING:
    from rich.console import Console

    from risk_actors.chaos.results import Injected, Recovery, Result

_COLUMNS = {
    "breach": ("after the breach", "locked after>", "flat after>"),
    "heal": ("after the broker healed", "armed again after>"),
}
_STYLES = {
    "first": "",
    "same": "",
    "faster": "green",
    "slower": "bold yellow",
    "missing": "bold red",
}


def show_result(console: "Console", result: "Result", past: "Sequence[Result]") -> None:
    """Print a result, and each of its times against those of earlier runs."""
    injected = make_table(console, "injected", "at>", "until>", "struck>")
    for fault in result.injected:
        injected.add_row(fault.what, f"{fault.at_s:.1f} s", _until(fault), str(fault.strikes))
    console.print()
    console.print(injected)
    for since, columns in _COLUMNS.items():
        times = make_table(console, *columns, "compared")
        for recovery in result.recoveries:
            if recovery.since == since:
                comparison = compare(recovery, past)
                said = Text(_compared(comparison), _STYLES[comparison.verdict])
                times.add_row(f"{recovery.step}: {recovery.what}", *_times(recovery), said)
        if times.row_count:
            console.print()
            console.print(times)
    console.print()
    if result.passed:
        line = f"PASSED: {result.scenario}, {result.commands} commands"
        console.print(Text(line, "bold green"))
        return
    console.print(Text(f"FAILED: {result.scenario}", "bold red"))
    for failure in result.failures:
        console.print(Text(f"  {failure}", "red"), soft_wrap=True)


def _times(recovery: "Recovery") -> tuple[str, ...]:
    """Return a row's times: of a breach until locked and until flat, else until armed again."""
    if recovery.since == "heal":
        return (_seconds(recovery.took_s, "never"),)
    return (_seconds(recovery.locked_s, "no lock seen"), _seconds(recovery.flat_s, "never"))


def _seconds(seconds: float | None, otherwise: str) -> str:
    return otherwise if seconds is None else f"{seconds:.2f} s"


def _until(fault: "Injected") -> str:
    return "the end" if fault.ended_at_s is None else f"{fault.ended_at_s:.1f} s"


def _compared(comparison: Comparison) -> str:
    if comparison.median_s is None:
        return "no earlier runs to compare with"
    runs = "1 earlier run" if comparison.runs == 1 else f"{comparison.runs} earlier runs"
    usual = f"{comparison.median_s:.2f} s in {runs}"
    match comparison.verdict:
        case "slower":
            return f"SLOWER than {usual}"
        case "faster":
            return f"faster than {usual}"
        case "missing":
            return f"NOT AT ALL, after {usual}"
    return f"as usual: {usual}"
