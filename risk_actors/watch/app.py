"""The terminal itself, by Textual: takes keys and sizes, paints the lines that changed."""

from typing import ClassVar, NamedTuple

import msgspec
from rich.text import Text
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from risk_actors.watch.drawn import Draw, Drawn, Size, changed_lines
from risk_actors.watch.link import Link
from risk_actors.watch.look import Look, pressed
from risk_actors.watch.sight import Moment, Sight

_PAINT_EVERY_S = 0.25
"""Four times a second at most, as the daemon tells; each time only the lines that changed."""

_BLIND = (
    "This page cannot be drawn: {error!r}. The guard is another process and guards as before:"
    " see `risk-actors status`. Please report this. q quits."
)


class Sheet(Widget, can_focus=True):
    """Lines over the whole terminal."""

    DEFAULT_CSS = """
    Sheet { width: 100%; height: 100%; background: ansi_default; color: ansi_default; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[Text] = []

    def put(self, lines: list[Text]) -> None:
        """Show these lines; only those that differ are painted."""
        changed = changed_lines(self._lines, lines)
        self._lines = lines
        if changed:
            self.refresh(*(Region(0, place, self.size.width, 1) for place in changed))

    def render_line(self, y: int) -> Strip:
        """Return one line, for Textual."""
        if y >= len(self._lines):
            return Strip.blank(self.size.width)
        return Strip(self._lines[y].render(self.app.console)).adjust_cell_length(self.size.width)


class WatchApp(App[None]):
    """Shows what a link sees until it is told to quit."""

    ENABLE_COMMAND_PALETTE = False
    CSS = "Screen { background: ansi_default; overflow: hidden; }"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c", "quit", show=False, priority=True),
    ]

    def __init__(self, link: Link, draw: Draw) -> None:
        """Take what sees, and what lays out.

        Args:
            link: the way to the daemon.
            draw: returns the lines of the whole terminal.
        """
        # The terminal's own colours: they suit its background, and take few bytes.
        super().__init__(ansi_color=True)
        self._link = link
        self._draw = draw
        self._look = Look()
        self._page_lines = 1
        self._sheet = Sheet()
        self._frame: _Frame | None = None

    def compose(self) -> ComposeResult:
        """Give Textual the only widget."""
        yield self._sheet

    def on_mount(self) -> None:
        """Begin to listen and to paint."""
        self._sheet.focus()
        self.run_worker(self._link.run())
        self.set_interval(_PAINT_EVERY_S, self._paint)

    def on_resize(self, event: events.Resize) -> None:
        """Lay out anew for another size."""
        self._paint(event.size.width, event.size.height)

    def on_key(self, event: events.Key) -> None:
        """Let a key change what is looked at; `q` quits, but not out of the panic question."""
        event.stop()
        event.prevent_default()
        if event.key == "q" and self._look.panic is None:
            self.exit()
            return
        was_sent = self._look.panic is not None and self._look.panic.is_sent
        picture = self._link.sight.picture
        self._look = pressed(self._look, event.key, picture, self._page_lines)
        panic = self._look.panic
        if panic is not None and panic.is_sent and not was_sent:
            self.run_worker(self._send_panic(panic.account))
        self._paint()

    async def _send_panic(self, account_id: int | None) -> None:
        answer = await self._link.panic(account_id)
        panic = self._look.panic
        if panic is not None:
            answered = msgspec.structs.replace(panic, answer=answer)
            self._look = msgspec.structs.replace(self._look, panic=answered)
        self._paint()

    def _paint(self, width: int | None = None, height: int | None = None) -> None:
        now, size = Moment.now(), Size(width or self.size.width, height or self.size.height)
        sight = self._link.sight
        frame = _Frame(sight, self._look, int(now.wall_s + sight.skew_s), size)
        if frame == self._frame:
            return
        try:
            drawn = self._draw(sight, self._look, now, size)
        except Exception as error:  # noqa: BLE001 - what cannot be drawn must be said, not end it
            told = Text(_BLIND.format(error=error)).wrap(self.console, max(size.width, 1))
            drawn = Drawn(list(told), self._look.top, 1)
        self._look = msgspec.structs.replace(self._look, top=drawn.top)
        self._page_lines = drawn.page_lines
        self._frame = frame._replace(look=self._look)
        self._sheet.put(drawn.lines)


class _Frame(NamedTuple):
    """What the terminal was drawn from; of the time, only whole seconds are shown."""

    sight: Sight
    look: Look
    at_s: int
    size: Size
