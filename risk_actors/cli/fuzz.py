"""`fuzz`: simulated days with random traders, rules and faults, and the invariants checked."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from risk_actors.fuzz.campaign import Result
    from risk_actors.fuzz.day import Day

_TELL_EVERY = 500


@click.command()
@click.option("--seeds", type=click.IntRange(1), default=200, show_default=True, help="How many.")
@click.option("--from", "first", type=int, default=0, show_default=True, help="The first seed.")
@click.option("--seed", type=int, help="Play this one day again.")
@click.option(
    "--day",
    "day_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Play the day in this file again.",
)
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes.")
@click.option(
    "--shrink-for",
    "shrink_s",
    type=click.FloatRange(0),
    default=60.0,
    show_default=True,
    help="Seconds to cut a failing day down; 0 leaves it as it is.",
)
@click.option(
    "--save",
    "save_dir",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write failing days to this directory.",
)
def fuzz(
    seeds: int,
    first: int,
    seed: int | None,
    day_file: Path | None,
    jobs: int,
    shrink_s: float,
    save_dir: Path | None,
) -> None:
    """Hunt for bugs: play simulated days, each drawn from a seed, and check what must hold.

    For developers. Every actor runs on a seeded scheduler and a virtual clock, against a broker in
    memory with faults. Exit code 1 when a day failed; each tells the command that plays it again.
    """
    from risk_actors.fuzz.day import from_json  # noqa: PLC0415  # kept out of `--help`
    from risk_actors.fuzz.draw import draw_day  # noqa: PLC0415

    if seed is not None and day_file is not None:
        raise click.UsageError("give either --seed or --day")
    if day_file is not None:
        sys.exit(_play_one(from_json(day_file.read_bytes()), shrink_s=0.0, save_dir=None))
    if seed is not None:
        sys.exit(_play_one(draw_day(seed), shrink_s=shrink_s, save_dir=save_dir))
    sys.exit(_play_many(range(first, first + seeds), jobs, shrink_s, save_dir))


def _play_one(day: "Day", *, shrink_s: float, save_dir: Path | None) -> int:
    from risk_actors.fuzz.campaign import play  # noqa: PLC0415
    from risk_actors.fuzz.tell import told_day, told_findings  # noqa: PLC0415

    findings = play(day)
    if not findings:
        _say([*told_day(day), "nothing broke"])
        return 0
    _say(told_findings(findings))
    _show_smallest(day, findings[0].invariant, shrink_s, save_dir)
    return 1


def _show_smallest(day: "Day", invariant: str, shrink_s: float, save_dir: Path | None) -> None:
    from risk_actors.fuzz.campaign import play, smallest  # noqa: PLC0415
    from risk_actors.fuzz.day import to_json  # noqa: PLC0415
    from risk_actors.fuzz.tell import told_day, told_findings  # noqa: PLC0415

    if shrink_s:
        day = smallest(day, invariant, shrink_s)
        _say(["cut down to:", *told_findings(play(day))])
    _say(told_day(day))
    if save_dir is not None:
        save_dir.mkdir(parents=True, exist_ok=True)
        path = save_dir / f"day-{day.seed}-{invariant}.json"
        path.write_bytes(to_json(day))
        _say([f"play it again: risk-actors fuzz --day {path}"])


def _play_many(seeds: range, jobs: int, shrink_s: float, save_dir: Path | None) -> int:
    from risk_actors.fuzz.campaign import play_seeds  # noqa: PLC0415
    from risk_actors.fuzz.draw import draw_day  # noqa: PLC0415
    from risk_actors.fuzz.tell import told_findings  # noqa: PLC0415

    played, took_s = 0, 0.0
    failed: list[Result] = []
    for result in play_seeds(seeds, jobs):
        played, took_s = played + 1, took_s + result.took_s
        if result.findings:
            failed.append(result)
            _say([f"seed {result.seed} failed", *told_findings(result.findings[:1])])
            _say([f"  play it again: risk-actors fuzz --seed {result.seed}"])
        if played % _TELL_EVERY == 0:
            _say([f"{played} days, {len(failed)} failed"])
    _say([f"{played} days, {len(failed)} failed, {took_s / max(played, 1):.3f} s a day"])
    shown: set[str] = set()
    for result in failed:
        # One of each kind is cut down: the others are likely the same.
        invariant = result.findings[0].invariant
        if invariant not in shown:
            shown.add(invariant)
            _show_smallest(draw_day(result.seed), invariant, shrink_s, save_dir)
    return 1 if failed else 0


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)
