"""Shows what came of a chaos run: what was injected, how long it took, and how it compares."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from risk_actors.chaos.compare import Comparison, compare
from risk_actors.cli.tables import make_table

if TYPE_CHECKING:
    from rich.console import Console

    from risk_actors.chaos.results import Injected, Result

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
    times = make_table(console, "protection returned", "since the>", "after>", "compared")
    for recovery in result.recoveries:
        comparison = compare(recovery, past)
        took = "never" if recovery.took_s is None else f"{recovery.took_s:.2f} s"
        said = Text(_compared(comparison), _STYLES[comparison.verdict])
        times.add_row(f"{recovery.step}: {recovery.what}", recovery.since, took, said)
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
