"""What happened lately, newest at the bottom, each with the id that ties cause and effect.

All rows share their columns, and the id stands on the first row of its chain alone: rows below it
without an id belong to the same chain.
"""

import textwrap
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from rich.text import Text

from risk_actors.actors.picture import EventPicture, Picture
from risk_actors.cli import words
from risk_actors.cli.screen_lines import fitted, spread

_STYLES = {
    "breach": "bold red",
    "lock": "bold red",
    "fault": "bold white on red",
    "unlock": "bold green",
    "ok": "green",
    "request": "bold cyan",
    "command": "cyan",
    "outcome": "cyan",
    "enforcement": "bold magenta",
    "warning": "yellow",
    "unknown": "magenta",
    "settings": "bold blue",
    "connection": "blue",
    "clock": "yellow",
    "balance": "yellow",
    "reconciliation": "yellow",
    "reset": "green",
    "event": "dim",
}
_USUAL_KIND_WIDTH = len("enforcement")
_FEW = 12
_MAX_WRAPPED = 3
_MIN_TEXT_WIDTH = 8
_ID_WIDTHS = ((130, 16), (90, 12), (0, 8))
"""From how many columns on an id takes how many: the ids of a day in full, of the first thousand
events in full, and the end alone, which is what tells the ids of a run apart."""
_LATEST = datetime.max.replace(tzinfo=UTC)


class _Columns(NamedTuple):
    """Widths that all rows share, so that no id or kind moves the text of its row."""

    time: int
    kind: int
    text: int
    id: int


def event_lines(picture: Picture, now: datetime, width: int, height: int) -> list[Text]:
    """Return a heading and the newest events, `height` lines at most.

    Events stand in the order of their times, whenever they were told. A long one takes several
    lines while there is room for a dozen events, or all of them, all the same.
    """
    if height <= 0:
        return []
    heading = Text("─ last events " + "─" * max(width - 15, 0) + " ", "dim")
    if not picture.events:
        return [fitted(heading, width), fitted(Text(" nothing yet", "dim"), width)][:height]
    room = height - 1
    events = sorted(picture.events, key=lambda event: words.instant(event.at, now) or _LATEST)
    events = events[-room:] if room else []
    columns = _columns(events, now, width)
    names = {account.id: account.name for account in picture.accounts}
    texts = [_text(event, names) for event in events]
    told = _newest(texts, columns.text, room, _MAX_WRAPPED)
    if len(told) < min(_FEW, len(events)):
        told = _newest(texts, columns.text, room, 1)
    lines = [fitted(heading, width)]
    last_id = None
    for event, chunks in zip(events[len(events) - len(told) :], told, strict=True):
        shown_id = "" if event.correlation_id == last_id else event.correlation_id
        last_id = event.correlation_id
        lines += _block(event, chunks, shown_id, names, now, columns, width)
    return lines


def _columns(events: Sequence[EventPicture], now: datetime, width: int) -> _Columns:
    time = max((len(_time(event, now)) for event in events), default=0)
    kind = max((len(event.kind) for event in events), default=0)
    kind = min(max(kind, _USUAL_KIND_WIDTH), max(map(len, _STYLES)))
    id_width = next(id_width for least, id_width in _ID_WIDTHS if width >= least)
    gaps = 5
    text = max(width - time - kind - id_width - gaps, _MIN_TEXT_WIDTH)
    return _Columns(time=time, kind=kind, text=text, id=id_width)


def _newest(texts: Sequence[str], width: int, room: int, max_lines: int) -> list[list[str]]:
    """Return the lines of the newest texts that have room, oldest first."""
    told: list[list[str]] = []
    left = room
    for text in reversed(texts):
        chunks = textwrap.wrap(
            text, width, max_lines=max_lines, placeholder=" …", break_on_hyphens=False
        ) or [""]
        left -= len(chunks)
        if left < 0:
            break
        told.append(chunks)
    return told[::-1]


def _text(event: EventPicture, names: dict[int, str]) -> str:
    return f"{_account(event, names)}{event.text}"


def _account(event: EventPicture, names: dict[int, str]) -> str:
    """Return whose event it is, where there are several accounts."""
    if event.account is None or len(names) <= 1:
        return ""
    return f"{names.get(event.account, event.account)} "


def _block(
    event: EventPicture,
    chunks: list[str],
    shown_id: str,
    names: dict[int, str],
    now: datetime,
    columns: _Columns,
    width: int,
) -> list[Text]:
    style = _STYLES.get(event.kind, "")
    head = Text(f" {_time(event, now):>{columns.time}} ", "dim", no_wrap=True)
    head = Text.assemble(head, fitted(Text(event.kind, style), columns.kind), " ")
    indent = " " * head.cell_len
    first = Text(chunks[0])
    first.stylize("bold", 0, len(_account(event, names)))
    head.append_text(first)
    rest = [fitted(Text(indent + chunk), width) for chunk in chunks[1:]]
    right = Text(f" {_short(shown_id, columns.id):<{columns.id}} ", "dim")
    return [spread(head, right, width), *rest]


def _time(event: EventPicture, now: datetime) -> str:
    """Return the time without its zone, which the clock at the top has."""
    at = words.instant(event.at, now)
    if at is None:
        return event.at
    return at.strftime("%H:%M:%S" if at.date() == now.date() else "%a %H:%M:%S")


def _short(correlation_id: str, width: int) -> str:
    """Return an id in this width; of a long one the end, where the ids of a run differ."""
    if len(correlation_id) <= width:
        return correlation_id
    return "…" + correlation_id[-(width - 1) :]
