"""What the trader looks at, and what each key makes of it. Pure: nothing is drawn or sent here.

No key loosens anything: the only one that acts is panic, and that tightens.
"""

from enum import StrEnum

import msgspec

from risk_actors.actors.picture import Picture
from risk_actors.watch.api import Answer, Fate


class View(StrEnum):
    """The pages."""

    OVERVIEW = "overview"
    ACCOUNT = "account"
    EVENTS = "events"
    SYSTEM = "system"
    HELP = "help"


class Panic(msgspec.Struct, frozen=True, kw_only=True):
    """The question before a panic, and what became of it."""

    account: int | None
    """Null means every account."""
    is_sent: bool = False
    answer: Answer | None = None


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """The page, the account, how far it is scrolled, and a panic that is asked about."""

    view: View = View.OVERVIEW
    account: int | None = None
    """Null means the first."""
    top: int = 0
    """How many lines of the page are above what is shown."""
    is_enforcement_only: bool = False
    panic: Panic | None = None


_VIEW_KEYS = {
    "o": View.OVERVIEW,
    "e": View.EVENTS,
    "s": View.SYSTEM,
    "question_mark": View.HELP,
    "enter": View.ACCOUNT,
    "escape": View.OVERVIEW,
}
_SCROLLS = {"up": -1, "down": 1}
_PAGES = {"pageup": -1, "pagedown": 1, "space": 1}
_SIDES = {"left": -1, "right": 1}
_TABS = {"shift+tab": -1, "tab": 1}
_ENDS = {"home": 0, "end": 1_000_000}
_NUMBERS = frozenset("123456789")


def pressed(look: Look, key: str, picture: Picture | None, page_lines: int) -> Look:
    """Return the look after a key.

    Args:
        look: before.
        key: as Textual names it.
        picture: the accounts that there are.
        page_lines: how many lines of a page are shown at once.
    """
    if look.panic is not None:
        return _in_panic(look, look.panic, key, picture)
    if key in _SCROLLS or key in _PAGES or key in _ENDS:
        return _scrolled(look, key, page_lines)
    if key in _VIEW_KEYS:
        return _changed(look, view=_VIEW_KEYS[key], top=0)
    if key in _SIDES:
        return _next_account(look, picture, _SIDES[key])
    if key in _TABS:
        return _next_view(look, picture, _TABS[key])
    if key == "p":
        return _changed(look, panic=_question(look, picture), top=0)
    if key == "f":
        return _changed(look, is_enforcement_only=not look.is_enforcement_only, top=0)
    return _numbered(look, picture, key)


def shown_view(look: Look, picture: Picture) -> View:
    """Return the page that is shown: of a single account, the overview is its own page."""
    if look.view is View.OVERVIEW and len(picture.accounts) == 1:
        return View.ACCOUNT
    return look.view


def account_index(look: Look, picture: Picture) -> int:
    """Return the place of the chosen account; the first when it is not guarded any more."""
    ids = [account.id for account in picture.accounts]
    return ids.index(look.account) if look.account in ids else 0


def _changed(look: Look, **changes: object) -> Look:
    return msgspec.structs.replace(look, **changes)


def _next_view(look: Look, picture: Picture | None, by: int) -> Look:
    views = [View.OVERVIEW, View.ACCOUNT, View.EVENTS, View.SYSTEM]
    view = look.view
    if picture is not None and len(picture.accounts) == 1:
        views.remove(View.OVERVIEW)
        view = shown_view(look, picture)
    place = views.index(view) + by if view in views else 0
    return _changed(look, view=views[place % len(views)], top=0)


def _next_account(look: Look, picture: Picture | None, by: int) -> Look:
    if picture is None or not picture.accounts:
        return look
    place = (account_index(look, picture) + by) % len(picture.accounts)
    return _changed(look, account=picture.accounts[place].id, top=0)


def _scrolled(look: Look, key: str, page_lines: int) -> Look:
    by = _SCROLLS.get(key) or _PAGES.get(key, 0) * max(page_lines - 1, 1)
    return _changed(look, top=_ENDS[key] if key in _ENDS else max(look.top + by, 0))


def _numbered(look: Look, picture: Picture | None, key: str) -> Look:
    if picture is None or key not in _NUMBERS or int(key) > len(picture.accounts):
        return look
    account = picture.accounts[int(key) - 1].id
    return _changed(look, view=View.ACCOUNT, account=account, top=0)


def _question(look: Look, picture: Picture | None) -> Panic:
    """Return the question: about the account that is looked at, or about all in the overview."""
    if picture is None or not picture.accounts:
        told = Answer(Fate.UNREACHED, "no account is known yet")
        return Panic(account=None, answer=told)
    if shown_view(look, picture) is View.ACCOUNT:
        return Panic(account=picture.accounts[account_index(look, picture)].id)
    return Panic(account=None)


def _in_panic(look: Look, panic: Panic, key: str, picture: Picture | None) -> Look:
    """Return the look after a key while panic is asked about; while it is under way none counts."""
    if panic.answer is not None and key not in _SCROLLS:
        return _changed(look, panic=None, top=0)
    if key in _SCROLLS:
        return _scrolled(look, key, 1)
    if panic.is_sent:
        return look
    if key in ("escape", "n", "q"):
        return _changed(look, panic=None, top=0)
    if key in ("y", "Y"):
        return _changed(look, panic=msgspec.structs.replace(panic, is_sent=True), top=0)
    by = 1 if key == "tab" else _SIDES.get(key, 0)
    if by and picture is not None and len(picture.accounts) > 1:
        choices = [None, *(account.id for account in picture.accounts)]
        place = choices.index(panic.account) if panic.account in choices else 0
        return _changed(look, panic=Panic(account=choices[(place + by) % len(choices)]))
    return look
