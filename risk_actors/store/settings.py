"""Which settings were in force when the last run wrote them down."""

from pathlib import Path
from typing import NamedTuple

from risk_actors.store.schema import open_database


class SettingsRow(NamedTuple):
    """The newest row of the table `settings`."""

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
            "select day_start_ns, in_force, armed_by_command from settings order by id desc limit 1"
        ).fetchone()
    finally:
        database.close()
    if found is None:
        return None
    armed = None if found[2] is None else bool(found[2])
    return SettingsRow(day_start_ns=found[0], in_force=found[1], armed_by_command=armed)


def first_started_ns(data_dir: Path) -> int | None:
    """Return when the data directory was first used, or None when it is new.

    Raises:
        sqlite3.Error: the store cannot be read.
    """
    database = open_database(data_dir)
    try:
        found = database.execute("select min(started_ns) from runs").fetchone()
    finally:
        database.close()
    return None if found is None or found[0] is None else int(found[0])
