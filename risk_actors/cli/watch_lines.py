"""Lines of the terminal view: pieces that are never cut, but go on below where a line is full."""

import io
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.text import Text

from risk_actors.cli.screen_lines import fitted

type Piece = str | Text | tuple[str, str]
"""Text as it is, or with a style."""

_CONSOLE = Console(file=io.StringIO(), color_system=None)
"""What rich folds lines with; nothing is written to it."""
_GAP = "  "


def assembled(*pieces: Piece) -> Text:
    """Return pieces as one, that stays together on a line while there is room."""
    return Text.assemble(*pieces)


def folded(text: Text, width: int, indent: int = 0) -> list[Text]:
    """Return a text in as many lines as it takes; lines after the first are indented."""
    first, *rest = text.wrap(_CONSOLE, max(width, 1)) or [Text("")]
    if not rest:
        return [first]
    margin = " " * min(indent, width // 2)
    left = text[len(first.plain) :]
    left = left[len(left.plain) - len(left.plain.lstrip()) :]
    more = left.wrap(_CONSOLE, max(width - len(margin), 1))
    return [first, *(Text.assemble(margin, line) for line in more)]


def flowed(units: Iterable[Text], width: int, indent: int = 2) -> list[Text]:
    """Return units beside each other, and below where they do not fit; none is cut."""
    lines: list[Text] = []
    line: Text | None = None
    for unit in units:
        joined = unit if line is None else Text.assemble(line, _GAP, unit)
        if line is not None and joined.cell_len > width:
            lines.append(line)
            joined = Text.assemble(" " * indent, unit)
        if joined.cell_len > width:
            *full, joined = folded(joined, width, indent)
            lines += full
        line = joined
    return lines if line is None else [*lines, line]


def heading(title: str, width: int) -> Text:
    """Return a line that begins a part of the page."""
    begun = f"─ {title} " if title else ""
    return fitted(Text(begun + "─" * max(width - len(begun), 0), "dim"), width)


def beside(left: Sequence[Text], right: Sequence[Text], left_width: int) -> list[Text]:
    """Return two columns as lines."""
    count = max(len(left), len(right))
    blank = Text("")
    return [
        Text.assemble(
            fitted(left[place] if place < len(left) else blank, left_width),
            _GAP,
            right[place] if place < len(right) else blank,
        )
        for place in range(count)
    ]


def dimmed(lines: Iterable[Text]) -> list[Text]:
    """Return lines without their colours, as what is not of now is shown."""
    return [Text(line.plain, "dim") for line in lines]
