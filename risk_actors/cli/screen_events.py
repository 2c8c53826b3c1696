"""What happened lately, newest at the bottom, each with the id that ties cause and effect."""

import textwrap
from datetime import datetime

from rich.text import Text

from risk_actors.actors.picture import EventPicture, Picture
from risk_actors.cli import words
from risk_actors.cli.screen_lines import fitted, spread

_STYLES = {
    "breach": "bold red",
    "lock": "bold red",
    "fault": "bold white on red",
    "unlock": "bold green",
    "command": "cyan",
    "outcome": "cyan",
    "enforcement": "bold magenta",
    "warning": "yellow",
    "unknown": "magenta",
    "connection": "blue",
    "clock": "yellow",
    "event": "dim",
}
_KIND_WIDTH = max(map(len, _STYLES))
_FEW = 12
_MAX_WRAPPED = 3
_MIN_WRAP_WIDTH = 20


def event_lines(picture: Picture, now: datetime, width: int, height: int) -> list[Text]:
    """Return a heading and the newest events, `height` lines at most.

    A long event takes several lines while there is room for a dozen events, or all of them, all
    the same.
    """
    if height <= 0:
        return []
    heading = Text("─ last events " + "─" * max(width - 15, 0) + " ", "dim")
    if not picture.events:
        return [fitted(heading, width), fitted(Text(" nothing yet", "dim"), width)][:height]
    room = height - 1
    blocks = _newest(picture, now, width, room, _MAX_WRAPPED)
    if len(blocks) < min(_FEW, len(picture.events)):
        blocks = _newest(picture, now, width, room, 1)
    return [fitted(heading, width), *(line for block in reversed(blocks) for line in block)]


def _newest(
    picture: Picture, now: datetime, width: int, room: int, max_lines: int
) -> list[list[Text]]:
    """Return the lines of each event that has room, newest first."""
    names = {account.id: account.name for account in picture.accounts}
    blocks: list[list[Text]] = []
    for event in reversed(picture.events[-room:] if room else ()):
        block = _block(event, names, now, width, max_lines)
        if sum(map(len, blocks)) + len(block) > room:
            break
        blocks.append(block)
    return blocks


def _block(
    event: EventPicture, names: dict[int, str], now: datetime, width: int, max_lines: int
) -> list[Text]:
    head = Text(no_wrap=True)
    head.append(f" {words.clock(event.at, now)} ", "dim")
    head.append(f"{event.kind:<{_KIND_WIDTH}} ", _STYLES.get(event.kind, ""))
    indent = head.cell_len
    if event.account is not None and len(names) > 1:
        head.append(f"{names.get(event.account, event.account)} ", "bold")
    correlation_id = Text(f" {event.correlation_id} ", "dim")
    first_room = width - head.cell_len - correlation_id.cell_len
    chunks = [event.text]
    if max_lines > 1 and first_room > _MIN_WRAP_WIDTH:
        chunks = textwrap.wrap(event.text, first_room, max_lines=max_lines, placeholder=" …")
    head.append(chunks[0] if chunks else "")
    rest = [fitted(Text(" " * indent + chunk), width) for chunk in chunks[1:]]
    return [spread(head, correlation_id, width), *rest]
