"""The screen of `run`: what is guarded, how near each limit is, what is locked, what happened.

`render` is a plain function of the picture, the time and the size, so that the screen is tested
without a terminal. Everything is a line; a line that does not fit is cut with an ellipsis, and
lines that do not fit make room for more urgent ones.
"""

from collections.abc import Callable
from datetime import datetime
from threading import Event
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from risk_actors.cli import words
from risk_actors.cli.screen_accounts import account_panels
from risk_actors.cli.screen_banner import banner, footer
from risk_actors.cli.screen_events import event_lines
from risk_actors.cli.tables import PlainConsole

if TYPE_CHECKING:
    from risk_actors.actors.picture import Picture

_REFRESH_S = 0.5
"""Twice a second: quick for the eye, and next to nothing for the threads that guard."""

_BLIND = (
    "The screen cannot be drawn: {error}\n\n"
    "Rules are judged and breaches enforced as before; what is locked and open:"
    " `risk-actors status`. Please report this."
)

_ACCOUNTS_WIDTH = 78
"""What accounts take beside the events: enough for all that they say; the rest is the events'."""
_GAP = 2
_WIDE_COLUMNS = 180
"""From this width on, events beside the accounts have room for their sentences."""
_ENOUGH_COLUMNS = 150
"""From this width on, events stand beside the accounts if these leave few lines below them."""
_EVENTS_SHARE = 1 / 3
_MIN_EVENT_LINES = 5


class Size(NamedTuple):
    """A terminal's size in characters."""

    width: int
    height: int


class _Shown(NamedTuple):
    """What the screen was drawn from."""

    picture: "Picture"
    at_s: int
    size: Size


class Screen:
    """Shows the picture on the terminal until it is told to stop."""

    def __init__(
        self,
        picture: "Callable[[], Picture]",
        address: str,
        *,
        console: Console | None = None,
    ) -> None:
        """Prepare the screen.

        Args:
            picture: returns the present picture.
            address: where the HTTP side answers, shown at the bottom.
            console: the terminal; standard output when None.
        """
        self._picture = picture
        self._address = address
        self._console = console or PlainConsole(highlight=False, markup=False, emoji=False)

    def run_until(self, stop: Event) -> None:
        """Take the whole terminal until `stop` is set, then give it back as it was."""
        with Live(
            console=self._console,
            screen=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        ) as live:
            shown: _Shown | None = None
            while not stop.is_set():
                try:
                    shown = self._show(live, shown)
                except Exception as error:  # noqa: BLE001 - protection does not end with a picture
                    live.update(Text(_BLIND.format(error=repr(error))), refresh=True)
                    shown = None
                stop.wait(_REFRESH_S)

    def _show(self, live: Live, shown: "_Shown | None") -> "_Shown":
        """Draw what has changed; return what is shown."""
        picture, size = self._picture(), Size(*self._console.size)
        now = words.now_in(picture)
        # The countdowns move once a second even when nothing else does.
        frame = _Shown(picture, int(now.timestamp()), size)
        if shown is None or shown.picture is not picture or shown[1:] != frame[1:]:
            live.update(render(picture, now, size, self._address), refresh=True)
        return frame


def render(picture: "Picture", now: datetime, size: Size, address: str = "") -> RenderableType:
    """Return the screen of exactly this size.

    Args:
        picture: what to show.
        now: the present, in the zone in which times are shown.
        size: columns and lines of the terminal.
        address: where the HTTP side answers.
    """
    top = banner(picture, now, size.width)
    bottom = footer(picture, address, size.width)
    body_height = max(size.height - len(top) - 1, 1)
    body_size = Size(size.width, body_height)
    is_beside = size.width >= _WIDE_COLUMNS or _leaves_few_lines(picture, now, body_size)
    body = (_beside if is_beside else _below)(picture, now, body_size)
    return Group(*top, body, bottom)


def _leaves_few_lines(picture: "Picture", now: datetime, size: Size) -> bool:
    """Tell whether events fare better in a narrow column of the full height than below."""
    if size.width < _ENOUGH_COLUMNS:
        return False
    taken = len(account_panels(picture, now, size.width, size.height))
    return size.height - taken < size.height * _EVENTS_SHARE


def _beside(picture: "Picture", now: datetime, size: Size) -> RenderableType:
    left_width = _ACCOUNTS_WIDTH
    left = account_panels(picture, now, left_width, size.height)
    right_width = size.width - left_width - _GAP
    right = event_lines(picture, now, right_width, size.height)
    grid = Table.grid(padding=(0, _GAP, 0, 0))
    grid.add_column(width=left_width)
    grid.add_column(width=right_width)
    grid.add_row(_filled(left, size.height), _filled(right, size.height))
    return grid


def _below(picture: "Picture", now: datetime, size: Size) -> RenderableType:
    accounts = account_panels(picture, now, size.width, max(size.height - _MIN_EVENT_LINES, 3))
    events = event_lines(picture, now, size.width, size.height - len(accounts))
    return _filled([*accounts, *events], size.height)


def _filled(lines: list[Text], height: int) -> Group:
    """Return exactly `height` lines."""
    blank = [Text("")] * max(height - len(lines), 0)
    return Group(*lines[:height], *blank)
