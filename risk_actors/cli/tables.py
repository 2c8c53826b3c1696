"""Tables for people on a terminal, and for pipes."""

import os
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from risk_actors.app.plain_text import without_controls

_PIPE_WIDTH = 200
"""Nothing is cut or wrapped for a reader that has no width and names none in COLUMNS."""
_GAP = 2


class NotedRow(NamedTuple):
    """A row of a table, and the sentence that stands below it."""

    cells: tuple[str, ...]
    note: str


class PlainConsole(Console):
    """A console on which names can do nothing but be read: it sends no control character of theirs.

    Rich leaves out only a few of them; none of those left out here has a width.
    """

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Return what is to be written; what moves the cursor is rich's own and stays."""
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                yield segment._replace(text=without_controls(segment.text))


def make_console() -> Console:
    """Return a console on standard output: coloured on a terminal, plain and wide in a pipe."""
    console = PlainConsole(highlight=False, markup=False, emoji=False)
    if console.is_terminal:
        return console
    columns = os.environ.get("COLUMNS", "")
    width = int(columns) if columns.isdecimal() and int(columns) > 0 else _PIPE_WIDTH
    return PlainConsole(highlight=False, markup=False, emoji=False, width=width, color_system=None)


def make_table(console: Console, *headings: str) -> Table:
    """Return an empty table; a heading that ends with `>` makes its column align right."""
    lines = box.SIMPLE_HEAD if console.is_terminal else None
    table = Table(box=lines, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(
            heading.removesuffix(">"),
            justify="right" if heading.endswith(">") else "left",
            overflow="fold",
        )
    return table


def print_noted_rows(console: Console, headings: Sequence[str], rows: Sequence[NotedRow]) -> None:
    """Print rows whose cells stand below each other, and below each row its sentence.

    A sentence as a cell would make a column of single words, and break the names beside it. Cells
    that do not fit the line begin another one, so that no name or number is broken either.

    Args:
        console: where to.
        headings: one that ends with `>` makes its column align right.
        rows: with as many cells each as there are headings.
    """
    names = tuple(heading.removesuffix(">") for heading in headings)
    columns = zip(names, *(row.cells for row in rows), strict=True)
    widths = [max(map(cell_len, column)) for column in columns]
    are_right = [heading.endswith(">") for heading in headings]
    indent = widths[0] + _GAP
    spans = _spans(widths, console.width, indent)

    def print_cells(cells: Sequence[str], style: str = "") -> None:
        padded = [
            " " * (width - cell_len(cell)) + cell
            if is_right
            else cell + " " * (width - cell_len(cell))
            for cell, width, is_right in zip(cells, widths, are_right, strict=True)
        ]
        for span in spans:
            line = (" " * _GAP).join(padded[span]).rstrip()
            _print_indented(console, line, indent if span.start else 0, style)

    print_cells(names, "bold")
    for row in rows:
        print_cells(row.cells)
        _print_indented(console, row.note, indent)


def _spans(widths: Sequence[int], line_width: int, indent: int) -> list[slice]:
    """Return which columns stand on each line; lines after the first are indented."""
    starts, used = [0], widths[0]
    for number, width in enumerate(widths[1:], start=1):
        used += _GAP + width
        if used > line_width:
            starts.append(number)
            used = indent + width
    return [slice(start, end) for start, end in pairwise([*starts, len(widths)])]


def _print_indented(console: Console, line: str, indent: int, style: str = "") -> None:
    """Print a line that, where it is too long, wraps at words and stays indented."""
    room = max(console.width - indent, 1)
    for part in Text(line, style).wrap(console, room):
        console.print(Text.assemble(" " * indent, part))
