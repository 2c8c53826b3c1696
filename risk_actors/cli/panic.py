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
    # A script does not wait for a state that it does not need.
    picture = daemon.picture() if account is not None or not yes else None
    account_id = None
    if account is not None and picture is not None:
        account_id = account_id_of(picture, account)
    whom = "every account" if account is None else account
    if picture is not None and picture.connection.is_blind:
        click.secho(_BLIND, bold=True, err=True)
    if not yes:
        click.confirm(f"Flatten {whom} and lock until the daily reset?", abort=True)
    said = daemon.panic(account_id)
    click.echo(f"Asked to flatten and lock {whom}. The guard says: {said}.")
    click.echo("Watch it with `risk-actors status` until it is FLAT.")


_BLIND = (
    "The guard CANNOT ACT: nothing can be seen or closed now. It can lock here, and close only once"
    " the broker is reached again: use your platform."
)
