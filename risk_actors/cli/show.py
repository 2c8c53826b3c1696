"""`status` and `rules`: what the running daemon sees, as tables."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from risk_actors.cli.client import DaemonClient
from risk_actors.cli.locks import print_locks
from risk_actors.cli.options import data_option

if TYPE_CHECKING:
    from rich.console import Console

    from risk_actors.actors.picture import Picture, RulePicture


@click.command()
@data_option
@click.option("--json", "as_json", is_flag=True, help="The body of GET /api/state as it is.")
def status(data_dir: Path, as_json: bool) -> None:
    """Show accounts, P&L, positions and locks."""
    daemon = DaemonClient.find(data_dir)
    if as_json:
        click.echo(daemon.state().decode())
        return
    from risk_actors.cli.tables import make_console  # noqa: PLC0415  # brings rich

    picture, console = daemon.picture(), make_console()
    _print_headline(console, picture)
    _print_accounts(console, picture)
    _print_holdings(console, picture)
    _print_headroom(console, picture)
    print_locks(console, picture)
    _print_balance_checks(console, picture)
    _print_prices(console, picture)
    _print_settings(console, picture)


@click.command()
@data_option
@click.option(
    "--explain",
    "explained",
    is_flag=False,
    flag_value="",
    metavar="[TYPE]",
    help="Say what a rule does, with every key and an example; needs no daemon. Without a type:"
    " list the rules.",
)
def rules(data_dir: Path, explained: str | None) -> None:
    """Show every rule's verdict on every account, and how far it is from breaking."""
    if explained is not None:
        from risk_actors.cli.rules_explain import explain  # noqa: PLC0415  # kept out of `--help`

        explain(explained)
        return
    from risk_actors.cli import words  # noqa: PLC0415  # kept out of `--help`
    from risk_actors.cli.tables import make_console, make_table  # noqa: PLC0415  # brings rich

    picture, console = DaemonClient.find(data_dir).picture(), make_console()
    now = words.now_in(picture)
    for account in picture.accounts:
        seen = words.last_seen(account, now)
        console.print(f"{account.name}{seen and f' ({seen})'}", style="bold")
        table = make_table(console, "rule", "mode", "verdict", "value>", "limit>", "left>")
        of_account = words.rules_of(picture, account)
        for rule in of_account:
            table.add_row(
                rule.id,
                rule.mode,
                words.verdict(rule, is_seen=not seen),
                words.figure(rule, rule.value),
                words.figure(rule, rule.limit),
                _left(rule),
                style=None
                if rule.verdict == "ok" and not seen
                else words.verdict_style(rule, is_seen=not seen),
            )
        console.print(table)
        for rule in of_account:
            if rule.reason:
                console.print(
                    f"{rule.id}: {rule.reason}", style=words.VERDICT_STYLES.get(rule.verdict)
                )
            if rule.is_waived:
                console.print(f"! {words.waived(rule, now)}", style="bold yellow")
        console.print()


def _left(rule: "RulePicture") -> str:
    """Return how far a rule is from breaking, and in which contract where it looks at each."""
    from risk_actors.cli import words  # noqa: PLC0415
    from risk_actors.core.instruments import symbol_of  # noqa: PLC0415

    left = words.room(rule) or "-"
    return left if rule.contract is None else f"{symbol_of(rule.contract)} {left}"


def _print_headline(console: "Console", picture: "Picture") -> None:
    from risk_actors.cli import words  # noqa: PLC0415

    ways = picture.connection
    links = (("user hub", ways.user_hub), ("market hub", ways.market_hub), ("REST", ways.rest))
    connection = ", ".join(f"{name} {'up' if is_up else 'DOWN'}" for name, is_up in links)
    console.print(
        f"{picture.mode.upper()}  {words.arming(picture)}  phase: {words.phase(picture)}"
        f"  ({connection})"
    )
    if ways.fallback:
        console.print(f"Fallback: {ways.fallback}")
    if picture.detail:
        console.print(picture.detail, style="bold red" if ways.is_blind else None)
    for notice in picture.notices:
        console.print(notice, style="bold red")


def _print_accounts(console: "Console", picture: "Picture") -> None:
    from risk_actors.cli import words  # noqa: PLC0415
    from risk_actors.cli.tables import make_table  # noqa: PLC0415

    table = make_table(
        console,
        "account",
        "state",
        "balance>",
        "day P&L>",
        "realised>",
        "open>",
        "fees>",
        "trades>",
    )
    for account in picture.accounts:
        day = account.day
        table.add_row(
            account.name,
            words.account_state(account, armed=picture.armed),
            words.usd(account.balance),
            words.usd(day.equity, signed=True),
            words.usd(day.realized, signed=True),
            words.usd(day.unrealized, signed=True),
            words.usd(day.fees),
            str(day.trades),
        )
    console.print(table)
    now = words.now_in(picture)
    for account in picture.accounts:
        if account.seen_at is not None:
            told = f"{account.name}: all of this {words.last_seen(account, now)}"
            console.print(told, style="bold yellow")
    for account in picture.accounts:
        under_way = account.enforcement
        if under_way is not None:
            told = f"{under_way.phase}: {under_way.detail}{words.next_try(under_way, now)}"
            console.print(f"{account.name}: enforcing {under_way.cause}, {told}", style="bold red")


def _print_holdings(console: "Console", picture: "Picture") -> None:
    from risk_actors.cli import words  # noqa: PLC0415
    from risk_actors.cli.tables import make_table  # noqa: PLC0415

    now = words.now_in(picture)
    table = make_table(console, "account", "position or order", "unrealised>", "since")
    for account in picture.accounts:
        then = "was " if account.seen_at is not None else ""
        for held in account.positions:
            since = words.clock(held.opened_at, now)
            unrealized = words.usd(held.unrealized, signed=True)
            table.add_row(account.name, then + words.position(held), unrealized, since)
        for working in account.orders:
            table.add_row(account.name, then + words.order(working), "", "")
    if table.row_count:
        console.print(table)


def _print_headroom(console: "Console", picture: "Picture") -> None:
    from risk_actors.cli import words  # noqa: PLC0415
    from risk_actors.cli.headroom import headroom_lines  # noqa: PLC0415

    now = words.now_in(picture)
    for account in picture.accounts:
        for line in headroom_lines(account, now):
            console.print(f"{account.name}: {line}")


def _print_balance_checks(console: "Console", picture: "Picture") -> None:
    """Say what came of checking each day's P&L against the balance; once where it was not."""
    from risk_actors.cli import words  # noqa: PLC0415

    unchecked = [account for account in picture.accounts if account.balance_check is None]
    for account in picture.accounts:
        if account not in unchecked:
            style = "yellow" if words.is_balance_strange(account) else None
            console.print(f"{account.name}: {words.balance_check(account)}", style=style)
    if unchecked:
        names = ", ".join(account.name for account in unchecked)
        which = "all accounts" if len(unchecked) == len(picture.accounts) > 1 else names
        console.print(f"{which}: {words.balance_check(unchecked[0])}", style="dim")


def _print_prices(console: "Console", picture: "Picture") -> None:
    """Say which prices were not believed; nothing while there were none."""
    from risk_actors.core.instruments import symbol_of  # noqa: PLC0415  # kept out of `--help`

    prices = picture.prices
    dropped = ", ".join(f"{count} {reason}" for reason, count in prices.dropped.items() if count)
    if dropped:
        console.print(f"Prices dropped: {dropped}")
    if prices.waiting:
        waiting = ", ".join(symbol_of(contract_id) for contract_id in prices.waiting)
        console.print(f"Surprising price, waiting for a second witness: {waiting}")


def _print_settings(console: "Console", picture: "Picture") -> None:
    """Say which edited settings do not hold yet; nothing while all do."""
    if picture.settings_fault:
        console.print(picture.settings_fault, style="bold red")
    for sentence in picture.pending:
        console.print(sentence, style="yellow")
