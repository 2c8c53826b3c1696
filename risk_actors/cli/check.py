"""`check`: what the settings mean, or everything that is wrong with them."""

import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from risk_actors.cli.options import SettingsRefused, data_option, settings_option

if TYPE_CHECKING:
    from risk_actors.app.settings import Settings
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
    print_meaning(situation, settings_dir)
    _print_what_waits(settings, data_dir, situation.now_ns)


def _print_what_waits(settings: "Settings", data_dir: Path, now_ns: int) -> None:
    """Compare with what is in force; nothing is said where no guard has run yet."""
    from risk_actors.app.admin_secret import unlock_advice  # noqa: PLC0415  # not in `--help`
    from risk_actors.app.settings_due import StoredSettings, settings_due  # noqa: PLC0415
    from risk_actors.store.schema import DATABASE_FILE  # noqa: PLC0415
    from risk_actors.store.settings import first_started_ns, read_settings  # noqa: PLC0415

    advice = unlock_advice(settings.session.unlock, data_dir)
    if advice is not None:
        click.secho(f"! {advice}", fg="yellow")
    if not (data_dir / DATABASE_FILE).is_file():
        return
    try:
        row = read_settings(data_dir)
        if row is None:
            return
        stored = StoredSettings(day_start_ns=row.day_start_ns, in_force=row.in_force)
        merged = settings_due(stored, settings, now_ns, first_started_ns(data_dir) or now_ns)
    except (sqlite3.Error, msgspec.MsgspecError) as error:
        click.secho(f"! Which settings are in force cannot be read: {error}", fg="yellow")
        return
    for change in merged.pending:
        click.secho(f"! Waits for the daily reset: {change.sentence()}", fg="yellow")


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
