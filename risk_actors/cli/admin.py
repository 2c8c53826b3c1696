"""`admin`: the secret that the unlock policy "admin" asks for."""

import sys
import time
from pathlib import Path

import click

from risk_actors.cli.options import CommandError, data_option
from risk_actors.cli.secret import line_of_stdin


@click.group()
def admin() -> None:
    """Manage the admin secret."""


@admin.command("set-secret")
@data_option
def set_secret(data_dir: Path) -> None:
    """Set the secret that ends a lock under `unlock = "admin"`, or replace it.

    Let somebody you trust choose it. It is asked for twice, after the old one where there is one,
    and only its hash is kept. Without a terminal, lines are read from standard input: the old
    secret where there is one, then the new. It does not end locks that began before it was set.
    """
    from risk_actors.app import admin_secret  # noqa: PLC0415  # kept out of `--help`

    has_old = admin_secret.has_secret(data_dir)
    if sys.stdin.isatty():
        old = str(click.prompt("Old admin secret", hide_input=True)) if has_old else None
        new = str(click.prompt("New admin secret", hide_input=True, confirmation_prompt=True))
    else:
        old = line_of_stdin() if has_old else None
        new = line_of_stdin()
    try:
        admin_secret.set_secret(data_dir, new, old, time.time_ns())
    except admin_secret.SecretError as error:
        raise CommandError(str(error)) from error
    click.echo("The admin secret is set. Locks that are in force now are not ended by it.")
