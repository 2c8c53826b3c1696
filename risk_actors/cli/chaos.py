"""`chaos`: the daemon as a process against a gateway that misbehaves, and how long it took."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from risk_actors.cli.options import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from risk_actors.chaos.results import Injected, Result, ResultBook
    from risk_actors.simulator.history import FaultRecord

_NS_PER_S = 1e9


@click.command()
@click.argument("scenarios", nargs=-1, metavar="[SCENARIO]...")
@click.option("--list", "is_list", is_flag=True, help="List the scenarios that there are.")
@click.option("--all", "is_all", is_flag=True, help="Play all of them, one after another.")
@click.option("--seed", type=int, help="Seed of the broker's habits; beats the scenario's.")
@click.option(
    "--results",
    "results_dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("data/chaos"),
    show_default=True,
    help="Where results are kept, and compared with.",
)
def chaos(
    scenarios: tuple[str, ...], is_list: bool, is_all: bool, seed: int | None, results_dir: Path
) -> None:
    """Play scenarios in which the broker fails, and measure how long protection takes to return.

    SCENARIO is a name from the list or a scenario file of your own. Each starts a daemon of its own
    on a simulated gateway, with settings and data in a directory that is deleted afterwards. Ends
    with 0 when everything came as expected, else with 1.
    """
    from risk_actors.chaos import catalogue  # noqa: PLC0415  # kept out of `--help`
    from risk_actors.chaos.results import ResultBook  # noqa: PLC0415
    from risk_actors.cli.tables import make_console  # noqa: PLC0415  # brings rich

    console = make_console()
    if is_list:
        _list(console)
        return
    wanted = catalogue.names() if is_all else scenarios
    if not wanted:
        raise click.UsageError("which scenario? `--list` shows them, `--all` plays them all")
    try:
        paths = [catalogue.path_of(name) for name in wanted]
    except catalogue.NoSuchScenarioError as error:
        raise click.UsageError(str(error)) from error
    book = ResultBook(results_dir)
    try:
        failed = [path.stem for path in paths if not _play(path, seed, console, book)]
    except KeyboardInterrupt:
        console.print("\nStopped.")
        sys.exit(1)
    sys.exit(1 if failed else 0)


def _list(console: "Console") -> None:
    from risk_actors.chaos import catalogue  # noqa: PLC0415
    from risk_actors.cli.tables import make_table  # noqa: PLC0415
    from risk_actors.simulator.scenario_load import load_scenario  # noqa: PLC0415

    table = make_table(console, "scenario", "what goes wrong", "takes about>")
    for name in catalogue.names():
        script = load_scenario(catalogue.path_of(name))
        table.add_row(name, script.scenario.title, f"{script.length_s:.0f} s")
    console.print(table)


def _play(path: Path, seed: int | None, console: "Console", book: "ResultBook") -> bool:
    """Play one scenario, keep its result and say how it compares; tell whether it passed."""
    from risk_actors.chaos.results import digest_of  # noqa: PLC0415
    from risk_actors.cli.chaos_show import show_result  # noqa: PLC0415
    from risk_actors.simulator.scenario_load import ScenarioError  # noqa: PLC0415

    try:
        past = book.past(path.stem, digest_of(path.read_text(encoding="utf-8")))
        result = _run(path, seed, console, book)
        book.keep(result)
    except ScenarioError as error:
        raise click.UsageError(str(error)) from error
    except OSError as error:
        raise CommandError(f"results cannot be kept: {error}") from error
    show_result(console, result, past)
    if not result.passed:
        console.print(f"The daemon's log: {book.log_path(path.stem)}", soft_wrap=True)
    return result.passed


def _run(path: Path, seed: int | None, console: "Console", book: "ResultBook") -> "Result":
    import shutil  # noqa: PLC0415
    import tempfile  # noqa: PLC0415
    from datetime import UTC, datetime  # noqa: PLC0415

    import msgspec  # noqa: PLC0415

    from risk_actors import __version__  # noqa: PLC0415
    from risk_actors.chaos.results import Result, digest_of  # noqa: PLC0415
    from risk_actors.chaos.stopwatch import Stopwatch  # noqa: PLC0415
    from risk_actors.cli import simulate_show as show  # noqa: PLC0415
    from risk_actors.cli.simulate_guard import GuardError  # noqa: PLC0415
    from risk_actors.cli.simulate_stage import SocketStage, begin, broker_of  # noqa: PLC0415
    from risk_actors.simulator.scenario_load import load_scenario  # noqa: PLC0415
    from risk_actors.simulator.scenario_play import play  # noqa: PLC0415

    script = load_scenario(path)
    if seed is not None:
        scenario = msgspec.structs.replace(script.scenario, seed=seed)
        script = msgspec.structs.replace(script, scenario=scenario)
    show.show_title(console, script)
    console.print("\nStarting a daemon against a simulated gateway ...")
    stopwatch = Stopwatch()
    with (
        tempfile.TemporaryDirectory(prefix="risk-actors-") as directory,
        broker_of(script) as sim,
    ):
        try:
            script, guard = begin(script, sim, Path(directory))
            with guard:
                stage = SocketStage(script, sim, guard)
                watcher = show.Show(console, last_deed_s=lambda: stage.last_deed_s)
                failures = play(script, stage, (watcher, stopwatch))
        except GuardError as error:
            raise CommandError(str(error)) from error
        records = sim.call(lambda: list(sim.gateway.history.faults))
        result = Result(
            scenario=path.stem,
            digest=digest_of(path.read_text(encoding="utf-8")),
            at=datetime.fromtimestamp(script.start_ns / _NS_PER_S, UTC).isoformat(
                timespec="seconds"
            ),
            version=__version__,
            seed=script.scenario.seed,
            recoveries=stopwatch.recoveries(),
            injected=tuple(_injected(records, script.start_ns)),
            commands=len(stage.commands()),
            failures=tuple(str(failure) for failure in failures),
        )
        if failures:
            book.log_path(path.stem).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(guard.log_path, book.log_path(path.stem))
    return result


def _injected(records: "Iterable[FaultRecord]", start_ns: int) -> "Iterable[Injected]":
    """Yield what went wrong, in words and in seconds after the start."""
    from risk_actors.chaos.results import Injected  # noqa: PLC0415
    from risk_actors.simulator.faults import described  # noqa: PLC0415

    for record in records:
        ended_ns = record.ended_utc_ns
        yield Injected(
            what=described(record.fault),
            at_s=round((record.injected_utc_ns - start_ns) / _NS_PER_S, 3),
            ended_at_s=None if ended_ns is None else round((ended_ns - start_ns) / _NS_PER_S, 3),
            strikes=record.strikes,
        )
