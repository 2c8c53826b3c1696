"""Which settings were in force when the last run wrote them down."""

from pathlib import Path
from typing import NamedTuple

from risk_actors.store.schema import open_database


class SettingsRow(NamedTuple):
    """The newest row of the table `settings`."""

    at_ns: int
    """When it was written."""
    day_start_ns: int
    """The trading day that they held for."""
    in_force: str
    """As JSON."""
    armed_by_command: bool | None


def read_settings(data_dir: Path) -> SettingsRow | None:
    """Return what was in force last, or None in a new data directory.

    Raises:
        sqlite3.Error: the store cannot be read.
    """
    database = open_database(data_dir)
    try:
        found = database.execute(
            "select at_ns, day_start_ns, in_force, armed_by_command from settings"
            " order by id desc limit 1"
        ).fetchone()
    finally:
        database.close()
    if found is None:
        return None
    at_ns, day_start_ns, in_force, armed = found
    return SettingsRow(at_ns, day_start_ns, in_force, None if armed is None else bool(armed))


class Past(NamedTuple):
    """What the store knows of the data directory's past."""

    first_started_ns: int | None
    """When it was first used; None when it is new."""
    alive_ns: int | None
    """The latest instant at which a run was alive."""
    was_locked: bool
    """Whether a lock was ever in force."""


def read_past(data_dir: Path) -> Past:
    """Return what the store knows of the data directory's past.

    Raises:
        sqlite3.Error: the store cannot be read.
    """
    database = open_database(data_dir)
    try:
        first_ns, alive_ns = database.execute(
            "select min(started_ns), max(alive_ns) from runs"
        ).fetchone()
        lock = database.execute("select 1 from locks limit 1").fetchone()
    finally:
        database.close()
    return Past(first_ns, alive_ns, was_locked=lock is not None)


def first_started_ns(data_dir: Path) -> int | None:
    """Return when the data directory was first used, or None when it is new.

    Raises:
        sqlite3.Error: the store cannot be read.
    """
    return read_past(data_dir).first_started_ns
