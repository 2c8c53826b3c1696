"""`simulate`: the simulated gateway alone, or a scenario played on it."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from risk_actors.cli.options import CommandError, SettingsRefused, settings_option

if TYPE_CHECKING:
    from rich.console import Console

    from risk_actors.simulator.scenario_script import Script

_DEFAULT_PORT = 8788


@click.command()
@settings_option
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    help=f"Port of REST and hubs; 0 takes a free one.  [default: {_DEFAULT_PORT}, and 0 with"
    " --scenario]",
)
@click.option(
    "--trader",
    type=click.Choice(["none", "calm", "overtrading", "tilted"]),
    help="Who trades the account; beats app.toml.",
)
@click.option("--seed", type=int, help="Seed of prices and trader; beats app.toml.")
@click.option(
    "--scenario",
    "scenario_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Play this scenario instead: its broker, its trader, and what it expects. It must be"
    " marked `sockets = true`; the test suite plays the others.",
)
@click.option(
    "--guard/--no-guard",
    default=True,
    show_default=True,
    help="With --scenario: start a daemon on its settings, or wait for one of yours.",
)
@click.option(
    "--control",
    is_flag=True,
    help="Let faults be asked for over HTTP, from this machine only: docs/faults.md.",
)
def simulate(
    settings_dir: Path,
    port: int | None,
    trader: str | None,
    seed: int | None,
    scenario_file: Path | None,
    guard: bool,
    control: bool,
) -> None:
    """Serve a simulated ProjectX gateway (Ctrl+C stops), or play a scenario on one.

    It prints the lines that start a daemon on it: docs/simulator.md. A scenario ends with exit
    code 0 when everything came as expected, else with 1.
    """
    if scenario_file is not None:
        if trader is not None or seed is not None:
            raise click.UsageError("a scenario has its own trader and seed")
        if control:
            raise click.UsageError("a scenario has its own faults; --control goes without one")
        sys.exit(_play(scenario_file, port or 0, own_guard=guard))
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
    served_port = _DEFAULT_PORT if port is None else port
    served = msgspec.structs.replace(paper, **chosen).to_simulator(port=served_port)
    sys.exit(serve(msgspec.structs.replace(served, control=control)))


def _play(path: Path, port: int, *, own_guard: bool) -> int:
    """Play a scenario before somebody's eyes; return the exit code."""
    from risk_actors.cli.tables import make_console  # noqa: PLC0415  # brings rich
    from risk_actors.simulator.scenario_load import ScenarioError, load_scenario  # noqa: PLC0415

    try:
        script = load_scenario(path)
    except ScenarioError as error:
        raise click.UsageError(str(error)) from error
    if not script.scenario.sockets:
        raise click.UsageError(
            f"{path} takes {_length(script.length_s)} on a clock of its own, so it cannot be"
            f' watched; `python -m pytest tests/system/test_scenarios.py -k "{path.stem}"` plays it'
        )
    console = make_console()
    try:
        return _play_in_real_time(script, console, port, own_guard=own_guard)
    except KeyboardInterrupt:
        console.print("\nStopped.")
        return 1


def _play_in_real_time(script: "Script", console: "Console", port: int, *, own_guard: bool) -> int:
    import tempfile  # noqa: PLC0415

    from risk_actors.cli import simulate_show as show  # noqa: PLC0415
    from risk_actors.cli.simulate_guard import GuardError  # noqa: PLC0415
    from risk_actors.cli.simulate_stage import SocketStage, begin, broker_of  # noqa: PLC0415
    from risk_actors.simulator.scenario_play import play  # noqa: PLC0415

    show.show_title(console, script)
    with (
        # A daemon that somebody else started goes on after the scenario, on its data.
        tempfile.TemporaryDirectory(prefix="risk-actors-", delete=own_guard) as directory,
        broker_of(script, port=port) as sim,
    ):
        console.print(f"\nSimulated gateway at {sim.api_url}")
        by_hand = None if own_guard else lambda guard: show.show_guard(console, guard)
        try:
            if own_guard:
                console.print("Starting a daemon on the scenario's settings ...")
            script, guard = begin(script, sim, Path(directory), by_hand=by_hand)
            with guard:
                stage = SocketStage(script, sim, guard)
                watcher = show.Show(console, last_deed_s=lambda: stage.last_deed_s)
                failures = play(script, stage, (watcher,))
        except GuardError as error:
            raise CommandError(str(error)) from error
        show.show_end(console, failures, len(stage.commands()))
    return 1 if failures else 0


def _length(seconds: float) -> str:
    hours, rest_s = divmod(round(seconds), 3_600)
    return f"{hours} h {rest_s // 60} min" if hours else f"{rest_s // 60} min {rest_s % 60} s"
