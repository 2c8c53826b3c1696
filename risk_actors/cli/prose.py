"""Text for people: headings, sentences and keys with their meaning, folded to a readable width."""

import textwrap

from rich.console import Console
from rich.text import Text

_READABLE = 100
"""Longer lines are hard to read, however wide the terminal is."""
_STEP = 2


class Page:
    """What is written under one another, on a terminal with emphasis, in a pipe without."""

    def __init__(self, console: Console) -> None:
        """Take where to write."""
        self._console = console
        self._width = min(console.width, _READABLE)

    def blank(self) -> None:
        """Leave a line empty."""
        self._console.print()

    def section(self, title: str) -> None:
        """Begin a part under a heading."""
        self.blank()
        self.line((title.upper(), "bold"))
        self.blank()

    def line(self, *parts: tuple[str, str]) -> None:
        """Write one line of styled parts."""
        self._console.print(Text.assemble(*parts), soft_wrap=True)

    def entry(self, name: str, details: str, *, indent: int = 0) -> None:
        """Write a name in bold with what is said of it beside it, folded further in."""
        margin = " " * indent * _STEP
        first, *more = textwrap.wrap(
            f"{name}  {details}",
            self._width,
            initial_indent=margin,
            subsequent_indent=margin + " " * 2 * _STEP,
            break_on_hyphens=False,
            break_long_words=False,
        )
        head = margin + name
        self.line((head, "bold"), (first.removeprefix(head), "dim"))
        for line in more:
            self.line((line, "dim"))

    def paragraph(self, text: str, *, indent: int = 0, mark: str = "", style: str = "") -> None:
        """Write sentences, folded under one another; `mark` stands before the first line."""
        margin = " " * indent * _STEP
        lines = textwrap.wrap(
            text,
            self._width,
            initial_indent=margin + mark,
            subsequent_indent=margin + " " * len(mark),
            break_on_hyphens=False,
            break_long_words=False,
        )
        for line in lines:
            self._console.print(Text(line, style), soft_wrap=True)

    def pairs(self, rows: list[tuple[str, str]], *, indent: int = 1) -> None:
        """Write labels with what belongs to them in a column of its own."""
        width = max((len(label) for label, _ in rows), default=0)
        for label, text in rows:
            self.paragraph(text, indent=indent, mark=f"{label:<{width}}  ")

    def code(self, text: str, *, indent: int = 1) -> None:
        """Write lines as they are."""
        for line in text.rstrip("\n").splitlines():
            self._console.print(Text(" " * indent * _STEP + line), soft_wrap=True)
