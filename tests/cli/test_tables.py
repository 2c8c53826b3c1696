"""Tables on paper of different widths."""

import io

import pytest
from rich.console import Console

from risk_actors.cli.tables import NotedRow, print_noted_rows

ROWS = [
    NotedRow(("1", "50KTC-SIM-101", "until 17:00"), "Day P&L reached the limit"),
    NotedRow(("12", "B", "until its condition ends"), "gold [is] closed"),
]
ON_ONE_LINE = """\
lock  account        ends
   1  50KTC-SIM-101  until 17:00
      Day P&L reached the limit
  12  B              until its condition ends
      gold [is] closed
"""
ON_TWO_LINES = """\
lock  account
      ends
   1  50KTC-SIM-101
      until 17:00
      Day P&L reached the
      limit
  12  B
      until its condition ends
      gold [is] closed
"""


@pytest.mark.parametrize(("width", "text"), [(45, ON_ONE_LINE), (30, ON_TWO_LINES)])
def test_a_note_stands_below_its_row_and_no_cell_is_broken(width: int, text: str) -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=width, highlight=False, markup=False)

    print_noted_rows(console, ("lock>", "account", "ends"), ROWS)

    told = stream.getvalue().splitlines()
    assert [line.rstrip() for line in told] == text.splitlines()
