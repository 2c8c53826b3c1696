"""`alerts`: a message through each channel to try it, and what became of those of the daemon."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from risk_actors.app.plain_text import without_controls
from risk_actors.cli.client import DaemonClient
from risk_actors.cli.options import CommandError, SettingsRefused, data_option, settings_option

if TYPE_CHECKING:
    from risk_actors.actors.picture import AlertChannelPicture
    from risk_actors.alerts.settings import AlertSettings


@click.group()
def alerts() -> None:
    """Try the alerts' channels, or see what became of the alerts."""


@alerts.command()
@click.option("--channel", "wanted", default=None, help="Only this channel, by its name.")
@settings_option
def test(wanted: str | None, settings_dir: Path) -> None:
    """Send one message through each channel of app.toml, and print what came of it.

    Exit code 1 when one of them failed.
    """
    from risk_actors.alerts.trial import try_channels  # noqa: PLC0415 - kept out of `--help`
    from risk_actors.app.alerts_desk import variables  # noqa: PLC0415 - the same
    from risk_actors.app.settings_load import load_zone  # noqa: PLC0415 - the same

    settings = _settings(settings_dir)
    names = [channel.name for channel in settings.channels]
    if not names:
        raise CommandError(
            f"{settings_dir / 'app.toml'} has no `[[alerts.channels]]`; see docs/alerts.md"
        )
    if wanted is not None and wanted not in names:
        raise CommandError(f"there is no channel {wanted}; there are {', '.join(names)}")
    has_failed = False
    known, zone = variables(settings_dir), load_zone(settings_dir)
    for tried in try_channels(settings, settings_dir, known, zone, only=wanted):
        has_failed |= tried.fault is not None
        came_of_it = "delivered" if tried.fault is None else f"FAILED: {tried.fault}"
        click.echo(without_controls(f"{tried.name} ({tried.url}): {came_of_it}"))
    if has_failed:
        raise click.exceptions.Exit(1)


@alerts.command(name="list")
@data_option
def list_(data_dir: Path) -> None:
    """Show the running daemon's channels: counts, last delivery and last failure."""
    from risk_actors.cli import words  # noqa: PLC0415 - kept out of `--help`

    picture = DaemonClient.find(data_dir).picture()
    shown, now = picture.alerts, words.now_in(picture)
    if not shown:
        click.echo("No channel is set: nobody is told. See [alerts] in app.toml.")
        return
    for channel in shown:
        click.echo(without_controls(_line(channel, now)))
        if channel.last_failure is not None:
            what = "FAILING" if channel.is_failing else "last failure"
            at = words.clock(channel.last_failure_at or "", now)
            click.echo(without_controls(f"    {what}, {at}: {channel.last_failure}"))


def _settings(settings_dir: Path) -> "AlertSettings":
    from risk_actors.app.settings_load import load_app_settings  # noqa: PLC0415 - as above
    from risk_actors.app.settings_problem import SettingsError  # noqa: PLC0415 - as above

    try:
        return load_app_settings(settings_dir).alerts
    except SettingsError as error:
        raise SettingsRefused(error) from error


def _line(channel: "AlertChannelPicture", now: datetime) -> str:
    from risk_actors.cli import words  # noqa: PLC0415 - as above

    counts = {
        "sent": channel.sent,
        "failed": channel.failed,
        "waiting": channel.waiting,
        "held back": channel.held_back,
        "repeats": channel.repeats,
        "dropped": channel.dropped,
    }
    always = ("sent", "failed")
    told = ", ".join(f"{n} {what}" for what, n in counts.items() if n or what in always)
    last = f", last at {words.clock(channel.last_sent, now)}" if channel.last_sent else ""
    severity = f", {channel.min_severity} and above" if channel.min_severity else ""
    return f"{channel.name} ({channel.url}{severity}): {told}{last}"
