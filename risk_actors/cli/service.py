"""`service`: has the system start the daemon at login and after a fault."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from risk_actors.cli.options import (
    CommandError,
    Decorator,
    SettingsRefused,
    data_option,
    settings_option,
)

if TYPE_CHECKING:
    from risk_actors.app.service import Manager, ServiceError, Step
    from risk_actors.app.service_text import Plan
    from risk_actors.app.settings import TradingMode

_dry_option: Decorator = click.option(
    "--dry-run", is_flag=True, help="Say what would be done, and do nothing."
)
_yes_option: Decorator = click.option("--yes", is_flag=True, help="Do not ask.")


@click.group()
def service() -> None:
    """Start the daemon at login and after a fault: systemd, launchd or a scheduled task."""


@service.command()
@settings_option
@data_option
@click.option("--paper", is_flag=True, help="Guard the bundled simulator.")
@click.option("--live", is_flag=True, help="Guard the broker; needs credentials in `.env`.")
@_dry_option
@_yes_option
def install(
    settings_dir: Path, data_dir: Path, paper: bool, live: bool, dry_run: bool, yes: bool
) -> None:
    """Set it up, for this user; says first what it will do, and asks.

    Without --paper or --live: live when there are credentials, else paper. No credential is
    written anywhere: the daemon reads them from `.env` beside the settings directory. What is set
    in this shell alone a service would not have: that is refused by name, with exit code 2.
    """
    if paper and live:
        raise click.UsageError("--paper and --live exclude each other; give one of them")
    from risk_actors.app.service import ServiceError, install_steps  # noqa: PLC0415  # not `--help`
    from risk_actors.app.service_text import UnfitPathError  # noqa: PLC0415
    from risk_actors.app.settings import TradingMode  # noqa: PLC0415

    asked = TradingMode.PAPER if paper else TradingMode.LIVE if live else None
    plan = _plan(settings_dir, data_dir, asked)
    manager = _manager()
    try:
        steps = install_steps(manager, plan)
    except (ServiceError, UnfitPathError) as error:
        raise CommandError(str(error)) from error
    click.echo(f"A {manager.kind} that guards in {plan.mode} mode:\n")
    click.echo(f"{manager.render(plan).decode(manager.encoding).rstrip()}\n")
    _do(steps, dry_run=dry_run, yes=yes)
    if not dry_run:
        click.echo(f"Installed. {manager.hint}")
        click.echo("See how it is: risk-actors service status; risk-actors doctor")


@service.command()
@_dry_option
@_yes_option
def remove(dry_run: bool, yes: bool) -> None:
    """Undo what install did, and nothing else; the daemon is stopped, locks hold."""
    from risk_actors.app.service import ServiceError, remove_steps  # noqa: PLC0415  # not `--help`

    manager = _manager()
    try:
        steps = remove_steps(manager)
    except ServiceError as error:
        raise CommandError(str(error)) from error
    if not steps:
        click.echo(f"There is no {manager.kind} of ours; nothing to remove.")
        return
    _do(steps, dry_run=dry_run, yes=yes)
    if not dry_run:
        click.echo(
            f"Removed: {manager.file} is deleted. Nothing starts the daemon any more; settings and"
            " data are as they were."
        )


@service.command("status")
def show_status() -> None:
    """Say whether it is set up, and runs or fails; exit code 1 unless it runs."""
    from risk_actors.app.service import run_quietly  # noqa: PLC0415  # not `--help`
    from risk_actors.app.service_status import status_of  # noqa: PLC0415

    manager = _manager()
    seen = status_of(manager.kind, manager.file, manager.ways, run_quietly)
    if not seen.is_installed:
        raise CommandError(f"no {manager.kind} is installed; see `risk-actors service install`")
    said = f"The {manager.kind} {manager.file} is installed"
    if seen.is_active:
        click.echo(f"{said} and {seen.says}.")
        return
    if seen.is_active is None:
        click.echo(f"{said}; whether it runs is not known: {seen.says}.")
    else:
        click.echo(f"{said}, but does not run: {seen.says}.")
    if seen.lines:
        click.echo("What it said last:")
        for line in seen.lines:
            click.echo(f"  {line}")
    else:
        click.echo("What it said last is in risk_actors.log in the data directory, if anywhere.")
    raise click.exceptions.Exit(1)


def _plan(settings_dir: Path, data_dir: Path, asked: "TradingMode | None") -> "Plan":
    import os  # noqa: PLC0415

    from risk_actors.app.service_check import plan_service  # noqa: PLC0415  # not `--help`
    from risk_actors.app.settings_problem import SettingsError  # noqa: PLC0415

    try:
        plan, warnings = plan_service(settings_dir, data_dir, asked, os.environ)
    except SettingsError as error:
        raise SettingsRefused(error) from error
    for sentence in warnings:
        click.echo(f"Note: {sentence}.")
    return plan


def _manager() -> "Manager":
    from risk_actors.app.service import ServiceError, own_manager  # noqa: PLC0415

    try:
        return own_manager()
    except ServiceError as error:
        raise CommandError(str(error)) from error


def _do(steps: "tuple[Step, ...]", *, dry_run: bool, yes: bool) -> None:
    """Say the steps, ask, and do them."""
    from risk_actors.app.service import ServiceError, carry_out  # noqa: PLC0415

    click.echo("Would do:" if dry_run else "Will do:")
    for step in steps:
        click.echo(f"  {step}")
    if dry_run:
        return
    if not yes:
        click.confirm("\nGo on?", abort=True)
    try:
        notes = carry_out(steps)
    except ServiceError as error:
        raise CommandError(_half_way(error)) from error
    for note in notes:
        click.echo(f"Note: {note}.")


def _half_way(error: "ServiceError") -> str:
    """Return what failed, and what was done before it and stays so."""
    if not error.done:
        return f"{error}\nNothing else was done."
    done = "".join(f"\n  {step}" for step in error.done)
    return (
        f"{error}\nDone before that, and left so:{done}\n"
        "Once that is mended, do the same again; `risk-actors service remove` undoes it."
    )
