"""The figures as a table on the terminal."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .baseline import Slower
from .figures import Figure
from .parts import Outcome

_PASS, _MISS, _NOT_MEASURED, _NO_TARGET = "pass", "miss", "not measured", ""
_STYLES = {_PASS: "green", _MISS: "bold red", _NOT_MEASURED: "yellow", _NO_TARGET: ""}
_MANY, _SOME = 100, 10


def verdict(figure: Figure) -> str:
    """Return `pass`, `miss`, `not measured`, or nothing for a figure without a target."""
    if figure.value is None:
        return _NOT_MEASURED
    if figure.target is None:
        return _NO_TARGET
    is_met = figure.value <= figure.target if figure.is_at_most else figure.value >= figure.target
    return _PASS if is_met else _MISS


def shown(value: float | None, unit: str) -> str:
    """Return a number with its unit, to three digits or so."""
    if value is None:
        return "-"
    size = abs(value)
    digits = 0 if size >= _MANY else 1 if size >= _SOME else 2
    return f"{value:,.{digits}f} {unit}"


def show(outcomes: list[Outcome], console: Console) -> None:
    """Print all parts, those without figures too, and how many targets were met."""
    table = Table(show_lines=False, expand=False)
    table.add_column("figure", overflow="fold")
    table.add_column("value", justify="right", no_wrap=True)
    table.add_column("target", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    counts = dict.fromkeys((_PASS, _MISS, _NOT_MEASURED), 0)
    for outcome in outcomes:
        table.add_section()
        if outcome.part is None:
            counts[_NOT_MEASURED] += 1
            table.add_row(_named(outcome.name, outcome.reason), "-", "", _styled(_NOT_MEASURED))
            continue
        for figure in outcome.part.figures:
            result = verdict(figure)
            counts[result] = counts.get(result, 0) + 1
            table.add_row(
                _named(f"{outcome.name}: {figure.name}", figure.note),
                shown(figure.value, figure.unit),
                _target(figure),
                _styled(result),
            )
    console.print(table)
    console.print(", ".join(f"{counts[name]} {name}" for name in (_PASS, _MISS, _NOT_MEASURED)))


def show_slower(found: list[Slower], of: str, console: Console) -> None:
    """Print what got slower, or that nothing did."""
    if not found:
        console.print(f"Nothing is slower than in {of} by more than 20 %.", markup=False)
        return
    console.print(f"Slower (or larger) than in {of} by more than 20 %:", markup=False)
    for each in found:
        before, now = shown(each.before, each.unit), shown(each.now, each.unit)
        console.print(
            f"  {each.part}: {each.name}: {before} -> {now} ({each.by:+.0%})", markup=False
        )


def _target(figure: Figure) -> str:
    if figure.target is None:
        return ""
    return f"{'<=' if figure.is_at_most else '>='} {shown(figure.target, figure.unit)}"


def _named(name: str, note: str) -> Text:
    text = Text(name)
    if note:
        text.append(f"\n{note}", style="dim")
    return text


def _styled(result: str) -> Text:
    return Text(result, style=_STYLES[result])
