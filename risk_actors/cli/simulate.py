"""`simulate`: the simulated gateway alone, for trying other programs against it."""

import sys
from pathlib import Path

import click

from risk_actors.cli.options import SettingsRefused, settings_option


@click.command()
@settings_option
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=8788,
    show_default=True,
    help="Port of REST and hubs; 0 takes a free one.",
)
@click.option(
    "--trader",
    type=click.Choice(["none", "calm", "overtrading", "tilted"]),
    help="Who trades the account; beats app.toml.",
)
@click.option("--seed", type=int, help="Seed of prices and trader; beats app.toml.")
def simulate(settings_dir: Path, port: int, trader: str | None, seed: int | None) -> None:
    """Serve a simulated ProjectX gateway (Ctrl+C stops).

    It prints the environment variables that point the SDK at it.
    """
    import msgspec  # noqa: PLC0415  # kept out of `--help`

    from risk_actors.app.settings_load import load_app_settings  # noqa: PLC0415
    from risk_actors.app.settings_problem import SettingsError  # noqa: PLC0415
    from risk_actors.simulator.run import serve  # noqa: PLC0415

    try:
        paper = load_app_settings(settings_dir).simulator
    except SettingsError as error:
        raise SettingsRefused(error) from error
    given = {"trader": trader, "seed": seed}
    chosen = {name: value for name, value in given.items() if value is not None}
    sys.exit(serve(msgspec.structs.replace(paper, **chosen).to_simulator(port=port)))
