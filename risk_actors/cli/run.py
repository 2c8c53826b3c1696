"""`run`: the daemon, with its screen when there is a terminal."""

import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from risk_actors.cli.options import SettingsRefused, data_option, settings_option

if TYPE_CHECKING:
    from risk_actors.app.settings import DisplayFactory


@click.command()
@click.option("--paper", "mode", flag_value="paper", help="Guard the bundled simulator.")
@click.option("--live", "mode", flag_value="live", help="Guard the broker; needs credentials.")
@settings_option
@data_option
@click.option(
    "--port", type=click.IntRange(0, 65_535), help="HTTP port; beats app.toml, 0 takes a free one."
)
@click.option("--plain", is_flag=True, help="Log lines instead of the screen, on a terminal too.")
def run(
    mode: str | None, settings_dir: Path, data_dir: Path, port: int | None, plain: bool
) -> None:
    """Guard the accounts until stopped (Ctrl+C).

    Without --paper or --live: live when PROJECT_X_USERNAME and PROJECT_X_API_KEY are set, else
    paper.
    """
    import msgspec  # noqa: PLC0415  # kept out of `--help`

    from risk_actors.app import daemon  # noqa: PLC0415  # brings the SDK
    from risk_actors.app.settings import RunOptions, TradingMode  # noqa: PLC0415
    from risk_actors.app.settings_problem import SettingsError  # noqa: PLC0415

    options = RunOptions(
        settings_dir=settings_dir,
        data_dir=data_dir,
        port=port,
        mode=None if mode is None else TradingMode(mode),
    )
    try:
        if _is_screen() and not plain:
            options = msgspec.structs.replace(options, display=_display(settings_dir))
        sys.exit(daemon.run(options))
    except SettingsError as error:
        raise SettingsRefused(error) from error


def _display(settings_dir: Path) -> "DisplayFactory":
    """Return what makes the screen, which shows times in the zone of the trading day."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415  # kept out of `--help`

    from risk_actors.app.settings_load import load_settings  # noqa: PLC0415
    from risk_actors.cli.screen import Screen  # noqa: PLC0415  # brings rich

    return partial(Screen, zone=ZoneInfo(load_settings(settings_dir).session.timezone))


def _is_screen() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
