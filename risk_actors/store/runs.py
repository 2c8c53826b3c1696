"""When this program ran, and what the run before left for the next one."""

import sqlite3
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from sqlite_utils import Database

from risk_actors.core.balance_check import DayOpening
from risk_actors.core.last_run import LastRun
from risk_actors.core.schedules import DAILY_RESET, WEEKLY_RESET
from risk_actors.store.schema import open_database


class RunRecord(NamedTuple):
    """A run, as it is noted when it begins."""

    started_ns: int
    version: str
    mode: str
    """`paper` or `live`."""
    armed: bool
    setup: str
    """What a replay begins from."""
    broker: str | None = None
    """Whose everything in the store is; None where nobody says."""


def note_run(database: Database, run: RunRecord) -> int:
    """Return the id of a run's row, made when there is none; the caller commits."""
    # The journal may open the store more than once in a run: its actor may fail and come again.
    known = database.execute(
        "update runs set ended_ns = null where started_ns = ? returning id", [run.started_ns]
    ).fetchone()
    if known is not None:
        return int(known[0])
    made = database.execute(
        "insert into runs (started_ns, alive_ns, version, mode, broker, armed, setup)"
        " values (:started_ns, :started_ns, :version, :mode, :broker, :armed, :setup)"
        " returning id",
        run._asdict(),
    ).fetchone()
    return int(made[0])


def read_broker(connection: sqlite3.Connection) -> str | None:
    """Return whose the store is, by its newest run; None where that does not say.

    Raises:
        sqlite3.Error: the store cannot be read, or is of a version that did not say.
    """
    newest = connection.execute("select broker from runs order by id desc limit 1").fetchone()
    return newest[0] if newest and isinstance(newest[0], str) else None


def read_last_run(data_dir: Path) -> LastRun:
    """Return when the run before was last known to be alive, and what day and week it was told of.

    Raises:
        sqlite3.Error: the store cannot be read.
    """
    database = open_database(data_dir)
    try:
        alive = database.execute("select max(alive_ns) from runs").fetchone()
        told = dict(database.execute("select name, last_ns from timers").fetchall())
    finally:
        database.close()
    return LastRun(
        alive_ns=alive[0], day_start_ns=told.get(DAILY_RESET), week_start_ns=told.get(WEEKLY_RESET)
    )


def read_openings(data_dir: Path) -> dict[int, DayOpening]:
    """Return by account the balance with which the last trading day began that is known.

    Raises:
        sqlite3.Error: the store cannot be read.
    """
    database = open_database(data_dir)
    try:
        rows = database.execute(
            "select account_id, day_start_ns, start_balance_usd from pnl_days"
            " where start_balance_usd is not null order by day_start_ns"
        ).fetchall()
    finally:
        database.close()
    return {
        account_id: DayOpening(day_start_ns=day_start_ns, balance_usd=Decimal(balance))
        for account_id, day_start_ns, balance in rows
    }
