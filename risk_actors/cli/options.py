"""Options that several commands share, and how a command ends with an error."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from risk_actors.actors.picture import Picture
    from risk_actors.app.settings_problem import SettingsError

type Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

settings_option: Decorator = click.option(
    "--settings",
    "settings_dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("settings"),
    show_default=True,
    help="Directory with risk.toml and app.toml.",
)

data_option: Decorator = click.option(
    "--data",
    "data_dir",
    # What is wrong with it is said by who uses it, in the same words for every reason.
    type=click.Path(path_type=Path),
    default=Path("data"),
    show_default=True,
    help="Directory with the store, the log and the running daemon's port.",
)


def is_named(parameter: str) -> bool:
    """Tell whether the trader gave an option of the running command, by its Python name."""
    given = click.get_current_context().get_parameter_source(parameter)
    return given is not click.core.ParameterSource.DEFAULT


class CommandError(click.ClickException):
    """Ends a command with a message and exit code 1."""


def account_id_of(picture: "Picture", wanted: str) -> int:
    """Return the id of the guarded account with a name or id.

    Raises:
        CommandError: there is none.
    """
    for account in picture.accounts:
        if wanted == str(account.id) or wanted.lower() == account.name.lower():
            return account.id
    names = ", ".join(f"{account.name} ({account.id})" for account in picture.accounts)
    raise CommandError(f"no account {wanted} is guarded; there are {names or 'none'}")


class SettingsRefused(click.ClickException):
    """Ends a command because the settings are wrong: lists every problem."""

    exit_code = 2

    def __init__(self, error: "SettingsError") -> None:
        count = len(error.problems)
        noun = "problem" if count == 1 else "problems"
        problems = "\n".join(f"  {problem}" for problem in error.problems)
        super().__init__(f"{count} {noun} in the settings\n{problems}")
