"""`panic`: flatten and lock now."""

import sys
from pathlib import Path

import click

from risk_actors.cli.client import DaemonClient
from risk_actors.cli.options import account_id_of, data_option


@click.command()
@data_option
@click.option("--account", help="Name or id of one account; without it, all of them.")
@click.option(
    "--yes", is_flag=True, help="Do not ask; needed where there is no terminal to ask on."
)
def panic(data_dir: Path, account: str | None, yes: bool) -> None:
    """Flatten and lock now, until the daily reset.

    It cancels all orders, closes all positions and locks the account. It cannot be taken back, so
    it asks once; where it cannot ask (in a script), it wants --yes. A guard that is not armed
    refuses: it would send nothing.
    """
    if not yes and not sys.stdin.isatty():
        raise click.UsageError("there is no terminal to ask on; say --yes to flatten and lock now")
    daemon = DaemonClient.find(data_dir)
    account_id = None if account is None else account_id_of(daemon.picture(), account)
    whom = "every account" if account is None else account
    if not yes:
        click.confirm(f"Flatten {whom} and lock until the daily reset?", abort=True)
    daemon.panic(account_id)
    click.echo(f"Asked to flatten and lock {whom}; watch it with `risk-actors status`.")
