"""Tables on paper of different widths."""

import io

import pytest
from rich.console import Console
from rich.text import Text

from risk_actors.cli.tables import NotedRow, PlainConsole, make_table, print_noted_rows

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


NAME = "loss\x1b[31m\x9b2J\x07\u202e\x00"


def test_names_with_control_characters_only_show() -> None:
    stream = io.StringIO()
    console = PlainConsole(
        file=stream, width=80, force_terminal=True, color_system="standard", highlight=False
    )
    table = make_table(console, "rule")
    table.add_row(NAME)
    console.print(NAME)
    console.print(Text(NAME, "red"))
    console.print(table)

    said = stream.getvalue()
    assert said.count("loss[31m2J") == 3
    assert "\x1b[31mloss[31m2J\x1b[0m\n" in said
    assert set("\x9b\x07\u202e\x00").isdisjoint(said)
