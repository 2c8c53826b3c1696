"""`check`: what the settings mean, or everything that is wrong with them."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from risk_actors.cli.options import SettingsRefused, data_option, settings_option

if TYPE_CHECKING:
    from risk_actors.app.settings import Settings
    from risk_actors.app.settings_advice_words import Advice
    from risk_actors.app.settings_environment import Environment


@click.command()
@settings_option
@data_option
def check(settings_dir: Path, data_dir: Path) -> None:
    """Say what the settings mean, or list their errors.

    Each rule in one sentence, then what is wise to know; with exit code 2 every error, each with
    its file and line. Warnings do not change the exit code. Where a guard has run on the data
    directory today, also what of the settings would wait for the daily reset.
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
    print_meaning(situation, settings_dir, *_of_the_data(settings, data_dir, situation.now_ns))


def _of_the_data(
    settings: "Settings", data_dir: Path, now_ns: int
) -> "tuple[list[Advice], list[str]]":
    """Return advice on the data directory, and what of the settings waits in it."""
    from risk_actors.app.admin_secret import unlock_advice  # noqa: PLC0415  # not in `--help`
    from risk_actors.app.settings_advice_words import Advice  # noqa: PLC0415
    from risk_actors.app.settings_due import settings_due  # noqa: PLC0415
    from risk_actors.app.settings_stored import stored_settings  # noqa: PLC0415

    advice = []
    needed = unlock_advice(settings.session.unlock, data_dir)
    if needed is not None:
        advice.append(Advice(needed))
    stored = stored_settings(data_dir)
    advice += [Advice(sentence) for sentence in stored.said]
    merged = settings_due(
        stored.row,
        settings,
        now_ns,
        now_ns if stored.first_started_ns is None else stored.first_started_ns,
        was_locked=stored.was_locked,
    )
    return advice, [change.sentence() for change in merged.pending]


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
