"""`check`: what the settings mean, or everything that is wrong with them."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from risk_actors.cli.options import SettingsRefused, settings_option

if TYPE_CHECKING:
    from risk_actors.app.settings import Settings
    from risk_actors.app.settings_environment import Environment


@click.command()
@settings_option
def check(settings_dir: Path) -> None:
    """Say what the settings mean, or list their errors.

    Each rule in one sentence, then what is wise to know; with exit code 2 every error, each with
    its file and line. Warnings do not change the exit code.
    """
    from risk_actors.app.settings_advice_words import Situation  # noqa: PLC0415  # not in `--help`
    from risk_actors.app.settings_environment import choose_mode  # noqa: PLC0415
    from risk_actors.cli.check_page import print_meaning  # noqa: PLC0415

    settings, environment = _load(settings_dir)
    situation = Situation(
        settings=settings,
        mode=choose_mode(None, environment),
        now_ns=time.time_ns(),
        account_name=environment.account_name or settings.gateway.account_name,
    )
    print_meaning(situation, settings_dir)


def _load(settings_dir: Path) -> "tuple[Settings, Environment]":
    """Return settings and environment, or end with everything that is wrong with either."""
    from risk_actors.app.settings_environment import (  # noqa: PLC0415
        dotenv_places,
        load_environment,
    )
    from risk_actors.app.settings_load import load_settings  # noqa: PLC0415
    from risk_actors.app.settings_problem import Problem, SettingsError  # noqa: PLC0415

    problems: list[Problem] = []
    try:
        settings = load_settings(settings_dir)
    except SettingsError as error:
        problems.extend(error.problems)
    try:
        environment = load_environment(dotenv_places(settings_dir))
    except SettingsError as error:
        problems.extend(error.problems)
    if problems:
        raise SettingsRefused(SettingsError(problems))
    return settings, environment
