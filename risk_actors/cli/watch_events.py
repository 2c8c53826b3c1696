"""The page of what happened, newest first, each with the id that ties cause and effect."""

from datetime import UTC, datetime

from rich.text import Text

from risk_actors.actors.picture import EventPicture
from risk_actors.cli import words
from risk_actors.cli.screen_lines import spread
from risk_actors.cli.watch_lines import assembled, flowed, folded, heading
from risk_actors.cli.watch_scene import Scene

_SIGNS = {
    "breach": ("✗", "bold red"),
    "lock": ("■", "bold red"),
    "fault": ("✗", "bold white on red"),
    "unlock": ("□", "bold green"),
    "ok": ("✓", "green"),
    "request": ("☞", "bold cyan"),
    "command": ("→", "cyan"),
    "outcome": ("←", "cyan"),
    "enforcement": ("▶", "bold magenta"),
    "warning": ("!", "yellow"),
    "unknown": ("?", "magenta"),
}
_ENFORCEMENT = frozenset(_SIGNS) - {"ok", "unknown", "fault"}
_NARROW = 56
"""Below this width an event's sentence stands below its time and kind."""
_KIND_WIDTH = len("enforcement")
_EARLIEST = datetime.min.replace(tzinfo=UTC)


def events_page(scene: Scene, width: int) -> list[Text]:
    """Return the events, all or those of enforcement; they stay true when all else is old."""
    events = [
        event
        for event in scene.picture.events
        if event.kind in _ENFORCEMENT or not scene.look.is_enforcement_only
    ]
    title = "enforcement" if scene.look.is_enforcement_only else "what happened"
    lines = [heading(f"{title}, newest first", width)]
    if not events:
        return [*lines, Text("nothing yet", "dim")]
    events.sort(key=lambda event: words.instant(event.at, scene.as_of) or _EARLIEST)
    last_id = ""
    for event in reversed(events):
        block = _event(scene, event, width)
        shown_id = Text(f"  [{event.correlation_id}]", "dim")
        # Rows below it without an id belong to the same chain; no sentence makes room for one.
        if event.correlation_id != last_id and block[0].cell_len + shown_id.cell_len <= width:
            block[0] = spread(block[0], shown_id, width)
            last_id = event.correlation_id
        lines += block
    return lines


def _event(scene: Scene, event: EventPicture, width: int) -> list[Text]:
    sign, style = _SIGNS.get(event.kind, ("•", "dim"))
    time = Text(_time(event, scene.as_of), "dim")
    names = {account.id: account.name for account in scene.picture.accounts}
    whose = names.get(event.account or 0, "") if len(names) > 1 else ""
    told = assembled((f"{whose} " if whose else "", "bold"), event.text)
    if width < _NARROW:
        above = [time, Text(f"{sign} {event.kind}", style)]
        return [*flowed(above, width), *folded(Text.assemble("  ", told), width, 2)]
    head = assembled(time, " ", (f"{sign} {event.kind:<{_KIND_WIDTH}} ", style))
    return folded(Text.assemble(head, told), width, head.cell_len)


def _time(event: EventPicture, now: datetime) -> str:
    """Return the time without its zone, which the clock at the top has."""
    at = words.instant(event.at, now)
    if at is None:
        return event.at
    return at.strftime("%H:%M:%S" if at.date() == now.date() else "%a %H:%M:%S")
