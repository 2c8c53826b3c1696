"""The page of all accounts: the sums, and for each account what counts most."""

from rich.text import Text

from risk_actors.actors.picture import AccountPicture
from risk_actors.cli import words
from risk_actors.cli.watch_account import money_lines, to_limits
from risk_actors.cli.watch_lines import assembled, dimmed, flowed, heading
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
    """Return the sums; one is unknown as soon as one of its parts is."""
    accounts = scene.picture.accounts
    columns = (
        ("All: day ", [account.day.equity for account in accounts]),
        ("open ", [account.day.unrealized for account in accounts]),
        ("week ", [account.week.realized for account in accounts]),
    )
    units = []
    for label, amounts in columns:
        known = [amount for amount in amounts if amount is not None]
        total = sum(known) if len(known) == len(amounts) else None
        figure = (words.usd(total, signed=True), words.amount_style(total))
        units.append(assembled((label, "bold"), figure))
    return flowed(units, width)


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
    return [
        heading("", width),
        *flowed(title, width, 3),
        *(Text.assemble("   ", line) for line in below),
    ]


def _open(account: AccountPicture) -> list[Text]:
    then = "" if account.seen_at is None else "was "
    held = [Text(f"{then}{words.position(each)}") for each in account.positions]
    count = len(account.orders)
    orders = Text(f"{count} working" if count != 1 else "1 working order", "dim")
    return [*(held or [Text(f"{then}flat", "dim")]), *([orders] if count else [])]
