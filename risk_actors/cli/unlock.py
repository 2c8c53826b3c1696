"""`unlock`: ask for a lock to be ended before its time, or take that back."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from risk_actors.cli.client import DaemonClient
from risk_actors.cli.options import account_id_of, data_option
from risk_actors.cli.secret import secret_option, secret_or_prompt

if TYPE_CHECKING:
    from risk_actors.actors.picture import Picture


@click.command()
@click.argument("lock", type=int)
@data_option
@click.option("--reason", help="Why, in your own words; it is recorded.")
@click.option("--account", help="Name or id of the account, to be sure that the lock is its own.")
@click.option("--withdraw", is_flag=True, help="Take back a request that has not taken effect.")
@secret_option
def unlock(
    lock: int,
    data_dir: Path,
    reason: str | None,
    account: str | None,
    withdraw: bool,
    secret_stdin: bool,
) -> None:
    """Ask for the lock with this number (see `risk-actors locks`) to be ended before its time.

    `unlock` in [session] of risk.toml decides: "never" refuses; "delayed" ends the lock after a
    cooling-off time, in which --withdraw takes the request back; "admin" needs the admin secret.
    Every attempt is recorded.
    """
    why = (reason or "").strip()
    if not withdraw and not why:
        raise click.UsageError("say why with --reason")
    daemon = DaemonClient.find(data_dir)
    if withdraw:
        click.echo(f"Lock {lock}: {daemon.withdraw(lock)}")
        return
    picture = daemon.picture()
    account_id = None if account is None else account_id_of(picture, account)
    wants_secret = picture.unlock == "admin" and _is_locked(picture, lock)
    secret = secret_or_prompt(from_stdin=secret_stdin, wanted=wants_secret)
    click.echo(f"Lock {lock}: {daemon.unlock(lock, account_id, why, secret)}")


def _is_locked(picture: "Picture", lock_id: int) -> bool:
    return any(lock.id == lock_id for account in picture.accounts for lock in account.locks)
