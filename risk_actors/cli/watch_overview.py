"""The page of all accounts: the sums, and for each account what counts most."""

from datetime import datetime

from rich.text import Text

from risk_actors.actors.picture import AccountPicture
from risk_actors.cli import words
from risk_actors.cli.watch_account import money_lines, to_limits
from risk_actors.cli.watch_lines import assembled, dimmed, flowed, folded, heading
from risk_actors.cli.watch_scene import Scene
from risk_actors.cli.watch_state import account_state
from risk_actors.watch.look import account_index


def overview_page(scene: Scene, width: int) -> list[Text]:
    """Return the sums and every account."""
    if not scene.picture.accounts:
        return [Text("No account yet: waiting for the broker", "dim")]
    lines = _sums(scene, width) if len(scene.picture.accounts) > 1 else []
    for number, account in enumerate(scene.picture.accounts, start=1):
        lines += _account(scene, account, number, width)
    return dimmed(lines) if scene.is_old else lines


def _sums(scene: Scene, width: int) -> list[Text]:
    """Return the sums; one is unknown as soon as one of its parts is, and old as soon as one is."""
    accounts = scene.picture.accounts
    columns = (
        ("All: day ", [account.day.equity for account in accounts]),
        ("open ", [account.day.unrealized for account in accounts]),
        ("week ", [account.week.realized for account in accounts]),
    )
    seen = [account for account in accounts if account.seen_at is not None]
    units = []
    if seen:
        oldest = min(seen, key=lambda account: _instant(account, scene.as_of))
        units.append(
            Text(f"▲ {_part(seen, accounts)}{words.last_seen(oldest, scene.as_of)}", "bold yellow")
        )
    for label, amounts in columns:
        known = [amount for amount in amounts if amount is not None]
        total = sum(known) if len(known) == len(amounts) else None
        style = "dim" if seen else words.amount_style(total)
        told = "was " if seen else ""
        units.append(assembled((f"{label}{told}", "bold"), (words.usd(total, signed=True), style)))
    return flowed(units, width)


def _part(seen: list[AccountPicture], accounts: tuple[AccountPicture, ...]) -> str:
    """Return how many of the accounts are as last seen."""
    return "" if len(seen) == len(accounts) else f"{len(seen)} of {len(accounts)} "


def _instant(account: AccountPicture, now: datetime) -> float:
    at = words.instant(account.seen_at or "", now)
    return 0.0 if at is None else at.timestamp()


def _account(scene: Scene, account: AccountPicture, number: int, width: int) -> list[Text]:
    state = account_state(scene, account)
    is_chosen = account_index(scene.look, scene.picture) == number - 1
    mark = "▸" if is_chosen else " "
    title = [
        assembled((f"{mark}{number} ", "dim"), (account.name, "bold")),
        Text(f" {state.sign} {state.word} ", state.style),
        *(Text(words.lock_end(lock, scene.now), "bold") for lock in account.locks[:1]),
        *_open(account),
    ]
    inner = max(width - 3, 1)
    below = [*money_lines(account, inner), *to_limits(scene, account, inner)]
    seen = words.last_seen(account, scene.as_of)
    if seen:
        told = folded(Text(f"▲ {seen}", "bold yellow"), inner, 2)
        below = [*told, *dimmed(below)]
    return [
        heading("", width),
        *flowed(title, width, 3),
        *(Text.assemble("   ", line) for line in below),
    ]


def _open(account: AccountPicture) -> list[Text]:
    then = "" if account.seen_at is None else "was "
    held = [Text(f"{then}{words.position(each)}") for each in account.positions]
    count = len(account.orders)
    had = "had " if then else ""
    orders = Text(f"{had}{count} working" if count != 1 else f"{had}1 working order", "dim")
    return [*(held or [Text(f"{then}flat", "dim")]), *([orders] if count else [])]
