"""How a command gets a secret: never as an argument, which others could read."""

import sys
from collections.abc import Callable
from typing import Any

import click

from risk_actors.cli.options import CommandError

secret_option: Callable[[Callable[..., Any]], Callable[..., Any]] = click.option(
    "--secret-stdin",
    is_flag=True,
    help="Read the admin secret as one line from standard input instead of asking for it.",
)


def secret_or_prompt(*, from_stdin: bool, wanted: bool) -> str | None:
    """Return the admin secret, asked for on a terminal without echo; None when none is wanted."""
    if from_stdin:
        return line_of_stdin()
    if not wanted or not sys.stdin.isatty():
        return None
    return str(click.prompt("Admin secret", hide_input=True))


def line_of_stdin() -> str:
    """Return one line of standard input, without its end."""
    line = sys.stdin.readline()
    if not line:
        raise CommandError("standard input has no line with a secret")
    return line.rstrip("\r\n")
