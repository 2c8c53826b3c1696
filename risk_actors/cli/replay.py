"""`replay`: do again what was recorded, and compare every decision."""

import sqlite3
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from risk_actors.cli.audit_day import DAY_HELP, DayType, WantedDay, day_of
from risk_actors.cli.options import CommandError, data_option

if TYPE_CHECKING:
    from risk_actors.app.replay import Replayed

_ALIVE_WITHIN_NS = 60 * 1_000_000_000
"""A run that was alive so lately, while its daemon can be reached, has not ended."""


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@data_option
@click.option("--day", type=DayType(), metavar="YYYY-MM-DD", help=DAY_HELP)
def replay(file: Path | None, data_dir: Path, day: WantedDay | None) -> None:
    """Do a recorded day again and compare every decision with the recorded one.

    What the broker, the clock and the trader said is given to the same actors in the order and at
    the instants of the run, with nothing behind the commands; so each breach, lock and command must
    come out as recorded. FILE is a `risk.db` elsewhere, such as a copy; without it, the one in the
    data directory. The settings are those that were in force then.

    Exit code 0 when all agree, 1 when something differs or there is nothing to replay.
    """
    from risk_actors.app.replay import NothingToReplayError  # noqa: PLC0415  # kept out of `--help`
    from risk_actors.app.replay import replay as do_again  # noqa: PLC0415
    from risk_actors.cli.audit_selection import calendar_of  # noqa: PLC0415
    from risk_actors.cli.replay_page import lines  # noqa: PLC0415
    from risk_actors.store.audit import Record  # noqa: PLC0415
    from risk_actors.store.schema import DATABASE_FILE  # noqa: PLC0415

    store = data_dir / DATABASE_FILE if file is None else file
    if store.is_dir():
        store /= DATABASE_FILE
    if not store.is_file():
        raise CommandError(
            f"there is no record at {store}; a daemon leaves one with `risk-actors run`"
        )
    try:
        with Record(store) as record:
            calendar = calendar_of(record)
        wanted = None if day is None else day_of(day, calendar, time.time_ns())
        replayed: Replayed = do_again(store, wanted, calendar.zone)
    except NothingToReplayError as error:
        raise CommandError(str(error)) from error
    except sqlite3.Error as error:
        raise CommandError(f"the record in {store} cannot be read: {error}") from error
    click.echo("\n".join(lines(replayed, lives_since_ns=_lives_since_ns(store))))
    if not replayed.agrees:
        sys.exit(1)


def _lives_since_ns(store: Path) -> int | None:
    """Return when a run of this store was last alive at the least if it still runs."""
    from risk_actors.app.instance import ADDRESS_FILE  # noqa: PLC0415  # kept out of `--help`

    if not (store.parent / ADDRESS_FILE).is_file():
        return None
    return time.time_ns() - _ALIVE_WITHIN_NS
