"""Lines of an exact width."""

from rich.cells import cell_len
from rich.text import Text

_FULL, _HALF, _EMPTY = "█", "▌", "░"


def fitted(line: Text, width: int) -> Text:
    """Return the line cut with an ellipsis or padded, so that it fills the width exactly."""
    line = line.copy()
    line.no_wrap = True
    line.truncate(width, overflow="ellipsis", pad=True)
    return line


def spread(left: Text, right: Text, width: int) -> Text:
    """Return a line with one part at each end; what does not fit is cut from the left part."""
    room = max(width - cell_len(right.plain), 0)
    if cell_len(left.plain) > room:
        left = fitted(left, max(room - 1, 0))
        left.append(" ")
    return fitted(Text.assemble(fitted(left, room), right), width)


def bar(fraction: float, width: int) -> str:
    """Return a bar of this many cells, filled to the fraction (full above 1), in half cells."""
    halves = round(min(fraction, 1.0) * width * 2)
    if fraction > 0:
        halves = max(halves, 1)
    full, half = divmod(halves, 2)
    return (_FULL * full + _HALF * half).ljust(width, _EMPTY)
