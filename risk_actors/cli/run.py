"""`run`: the daemon, with its screen when there is a terminal."""

import os
import sys
from pathlib import Path

import click

from risk_actors.cli.options import SettingsRefused, data_option, is_named, settings_option


@click.command()
@click.option("--paper", is_flag=True, help="Guard the bundled simulator.")
@click.option("--live", is_flag=True, help="Guard the broker; needs credentials.")
@settings_option
@data_option
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    help="HTTP port; beats app.toml. 0 takes a free one, and so does a port that is taken.",
)
@click.option("--plain", is_flag=True, help="Log lines instead of the screen, on a terminal too.")
def run(
    paper: bool, live: bool, settings_dir: Path, data_dir: Path, port: int | None, plain: bool
) -> None:
    """Guard the accounts until stopped (Ctrl+C).

    Without --paper or --live: live when PROJECT_X_USERNAME and PROJECT_X_API_KEY are set, else
    paper.
    """
    if paper and live:
        raise click.UsageError("--paper and --live exclude each other; give one of them")
    from risk_actors.app import daemon  # noqa: PLC0415  # brings the SDK
    from risk_actors.app.settings import RunOptions, TradingMode  # noqa: PLC0415
    from risk_actors.app.settings_problem import SettingsError  # noqa: PLC0415
    from risk_actors.cli.screen import Screen  # noqa: PLC0415  # brings rich

    options = RunOptions(
        settings_dir=settings_dir,
        are_settings_named=is_named("settings_dir"),
        data_dir=data_dir,
        port=port,
        mode=TradingMode.PAPER if paper else TradingMode.LIVE if live else None,
        display=Screen if _is_screen() and not plain else None,
    )
    try:
        sys.exit(daemon.run(options))
    except SettingsError as error:
        raise SettingsRefused(error) from error


def _is_screen() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
