"""Tables for people on a terminal, and for pipes."""

import os

from rich import box
from rich.console import Console
from rich.table import Table

_PIPE_WIDTH = 200
"""Nothing is cut or wrapped for a reader that has no width and names none in COLUMNS."""


def make_console() -> Console:
    """Return a console on standard output: coloured on a terminal, plain and wide in a pipe."""
    console = Console(highlight=False, markup=False, emoji=False)
    if console.is_terminal:
        return console
    columns = os.environ.get("COLUMNS", "")
    width = int(columns) if columns.isdecimal() and int(columns) > 0 else _PIPE_WIDTH
    return Console(highlight=False, markup=False, emoji=False, width=width, color_system=None)


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
