"""`check`: what the settings mean, or everything that is wrong with them."""

from pathlib import Path

import click

from risk_actors.cli.options import SettingsRefused, settings_option


@click.command()
@settings_option
def check(settings_dir: Path) -> None:
    """Say what the settings mean, or list their errors.

    Each rule in one sentence; with exit code 2 every error, each with its file and line.
    """
    from risk_actors.app.settings_environment import (  # noqa: PLC0415  # kept out of `--help`
        choose_mode,
        dotenv_places,
        load_environment,
    )
    from risk_actors.app.settings_load import load_settings  # noqa: PLC0415
    from risk_actors.app.settings_problem import Problem, SettingsError  # noqa: PLC0415
    from risk_actors.core.rules import catalogue  # noqa: PLC0415

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

    mode = choose_mode(None, environment)
    sends = "armed" if settings.is_armed(mode) else "shadow: decides and records, sends nothing"
    session = settings.session
    click.echo(f"{settings_dir}: no errors, {len(settings.rules)} rules")
    click.echo(f"Mode: {mode} ({sends})")
    click.echo(
        f"Day resets `{session.daily_reset}`, week `{session.weekly_reset}`, {session.timezone}"
    )
    if not settings.is_any_rule_on:
        click.echo('Warning: no rule is on: each has mode = "off", so nothing is guarded')
    width = max(len(rule.id) for rule in settings.rules)
    for rule in settings.rules:
        sentence = catalogue()[rule.type](rule).summary()
        accounts = "" if rule.accounts == ("*",) else f" Accounts: {', '.join(rule.accounts)}."
        click.echo(f"  {rule.id:<{width}}  {rule.mode:<7}  {sentence}{accounts}")
