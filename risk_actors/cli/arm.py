"""`arm` and `disarm`: whether the running guard sends anything to the broker."""

from pathlib import Path

import click

from risk_actors.cli.client import DaemonClient
from risk_actors.cli.options import data_option
from risk_actors.cli.secret import secret_option, secret_or_prompt


@click.command()
@data_option
def arm(data_dir: Path) -> None:
    """Enforce breaches from now on, whatever `armed` in app.toml says."""
    click.echo(DaemonClient.find(data_dir).arm())


@click.command()
@data_option
@click.option("--reason", required=True, help="Why, in your own words; it is recorded.")
@secret_option
def disarm(data_dir: Path, reason: str, secret_stdin: bool) -> None:
    """Send nothing to the broker from now on; rules go on in shadow.

    With no lock in force it acts at once. With a lock in force the unlock policy decides: "never"
    refuses, "delayed" wants the locks ended first, "admin" needs the admin secret.
    """
    if not reason.strip():
        raise click.UsageError("say why with --reason")
    daemon = DaemonClient.find(data_dir)
    picture = daemon.picture()
    is_locked = any(account.locks for account in picture.accounts)
    wanted = picture.unlock == "admin" and is_locked
    click.echo(daemon.disarm(reason, secret_or_prompt(from_stdin=secret_stdin, wanted=wanted)))
