"""The terminal view as a plain function: what is seen, what is looked at and the size make lines.

The header never scrolls away, the last line has the keys, and the page between them scrolls; how
much of it is below is said.
"""

from collections.abc import Sequence

from rich.text import Text

from risk_actors.actors.picture import Picture
from risk_actors.cli.screen_lines import fitted, spread
from risk_actors.cli.watch_account import account_page
from risk_actors.cli.watch_events import events_page
from risk_actors.cli.watch_header import header, seeking, small_header
from risk_actors.cli.watch_lines import beside, heading
from risk_actors.cli.watch_overview import overview_page
from risk_actors.cli.watch_panic import help_page, panic_page
from risk_actors.cli.watch_scene import Scene, scene
from risk_actors.cli.watch_state import GONE, NOT_LET_IN, SEEKING
from risk_actors.cli.watch_system import system_page
from risk_actors.watch.drawn import Drawn, Size
from risk_actors.watch.look import Look, View, account_index, shown_view
from risk_actors.watch.sight import Moment, Sight, Way

_BESIDE_FROM = 124
"""From this width on, events stand beside the accounts."""
_ACCOUNT_SHARE = 0.55
_MOST_ACCOUNT_WIDTH = 104
_GAP = 2
_NUMBER_KEYS = 9

_KEYS = ("p panic", "? help", "q quit", "tab page", "←→ account", "↑↓ scroll")
_QUESTION_KEYS = ("y yes", "n no", "↑↓ scroll")
_ANSWERED_KEYS = ("any key back", "↑↓ scroll")


def draw(sight: Sight, look: Look, moment: Moment, size: Size) -> Drawn:
    """Return the lines of the whole terminal."""
    if sight.picture is None:
        state = {Way.REFUSED: NOT_LET_IN, Way.GONE: GONE}.get(sight.way, SEEKING)
        return _put_together(seeking(sight, state, size.width), [], look, size, "")
    seen = scene(sight, sight.picture, look, moment)
    if look.panic is not None:
        page, title = panic_page(seen, look.panic, size.width), "panic"
    else:
        page, title = _page(seen, size.width), _title(seen)
    return _put_together(header(seen, size), page, look, size, title)


def plain_page(picture: Picture, moment: Moment, width: int) -> list[Text]:
    """Return everything on one page: what `--once` prints."""
    sight = Sight(way=Way.LIVE, picture=picture, heard=moment)
    seen = scene(sight, picture, Look(), moment)
    lines = small_header(seen, width)
    if len(seen.picture.accounts) != 1:
        lines += overview_page(seen, width)
    for account in seen.picture.accounts:
        lines += [heading(account.name, width), *account_page(seen, account, width)]
    return [*lines, *events_page(seen, width), *system_page(seen, width)]


def _page(seen: Scene, width: int) -> list[Text]:
    view = shown_view(seen.look, seen.picture)
    match view:
        case View.EVENTS:
            return events_page(seen, width)
        case View.SYSTEM:
            return system_page(seen, width)
        case View.HELP:
            return help_page(width)
    left_width = width
    if width >= _BESIDE_FROM:
        left_width = min(int(width * _ACCOUNT_SHARE), _MOST_ACCOUNT_WIDTH)
    if view is View.ACCOUNT and seen.picture.accounts:
        chosen = seen.picture.accounts[account_index(seen.look, seen.picture)]
        left = account_page(seen, chosen, left_width)
    else:
        left = overview_page(seen, left_width)
    if left_width == width:
        return [*left, *events_page(seen, width)]
    right = events_page(seen, width - left_width - _GAP)
    return beside(left, right, left_width)


def _title(seen: Scene) -> str:
    view, count = shown_view(seen.look, seen.picture), len(seen.picture.accounts)
    place = account_index(seen.look, seen.picture) + 1
    if view is View.ACCOUNT and count > 1:
        return f"account {place} of {count}"
    if view is View.OVERVIEW and count > _NUMBER_KEYS:
        # The chosen one may be out of sight, and has no key of its own.
        return f"overview ▸{place} of {count}"
    return view.value


def _put_together(
    head: Sequence[Text], page: Sequence[Text], look: Look, size: Size, title: str
) -> Drawn:
    """Return header, page from where it is scrolled to, and keys: as high as the terminal."""
    head = head[: max(size.height - 1, 0)]
    room = max(size.height - len(head) - 1, 0)
    top = min(look.top, max(len(page) - room, 0))
    shown = page[top : top + room]
    blank = [Text("")] * (room - len(shown))
    below = len(page) - top - len(shown)
    foot = _footer(_keys(look), title, top, below, size.width)
    lines = [fitted(line, size.width) for line in (*head, *shown, *blank, foot)]
    return Drawn(lines[-size.height :] if size.height else [], top, room)


def _keys(look: Look) -> Sequence[str]:
    if look.panic is None:
        return _KEYS
    if look.panic.answer is not None:
        return _ANSWERED_KEYS
    return () if look.panic.is_sent else _QUESTION_KEYS


def _footer(keys: Sequence[str], title: str, above: int, below: int, width: int) -> Text:
    """Return how much is above and below, and as many keys as there is room for."""
    parts = (title, f"↑{above}" if above else "", f"↓{below}" if below else "")
    right = " ".join(part for part in parts if part)
    left = ""
    for key in keys:
        longer = f"{left}  {key}" if left else key
        if len(longer) + len(right) + 2 > width:
            break
        left = longer
    return spread(Text(left, "reverse"), Text(right, "bold"), width)
