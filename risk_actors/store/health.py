"""A quick look at whether the store is sound, made before anything is read from it."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from risk_actors.store.schema import (
    DATABASE_FILE,
    NewerStoreError,
    missing_columns,
    refuse_newer_file,
)
from risk_actors.store.suspect import SUSPECT_FILE, is_unreadable
from risk_actors.store.wal_check import look_at_wal

NEEDED_TABLES = (
    "locks",
    "unlock_requests",
    "rule_states",
    "settings",
    "timers",
    "runs",
    "pnl_days",
)
"""What protection begins from: small tables, looked at whole at each start."""


WHOLE_UP_TO_BYTES = 64_000_000
"""A file no larger than this is looked at as a whole; it takes less than a tenth of a second."""


class Health(NamedTuple):
    """What was found."""

    damage: str | None = None
    """What is wrong with the file, or None."""
    lost_commits: bool = False
    """Whether the newest of what was committed is not there, in a file that is sound otherwise."""


def look_at_store(data_dir: Path) -> Health:
    """Look at a store that nobody has open; a very large one costs no more than a large one.

    All of it is looked at where it is not large, where it was found damaged while in use, and where
    commits are missing.

    Raises:
        NewerStoreError: the file is of a later version.
        sqlite3.Error: it cannot be opened for another reason than damage.
    """
    path = data_dir / DATABASE_FILE
    if not path.exists():
        return Health()
    size = path.stat().st_size
    if size == 0:
        return Health(damage="it is empty")
    wal = look_at_wal(path.with_name(path.name + "-wal"))
    try:
        with closing(sqlite3.connect(path)) as connection:
            # Names are looked up, so the whole schema is read.
            refuse_newer_file(connection, path)
            connection.execute("select count(*) from sqlite_master").fetchone()
            _, frames, _ = connection.execute("pragma wal_checkpoint(passive)").fetchone()
            lost_commits = not wal.is_readable or max(frames, 0) < wal.committed_frames
            is_suspect = lost_commits or (data_dir / SUSPECT_FILE).exists()
            whole = is_suspect or size <= WHOLE_UP_TO_BYTES
            return Health(_damage(connection, whole=whole), lost_commits)
    except NewerStoreError:
        raise
    except UnicodeDecodeError as error:
        return Health(damage=str(error))
    except sqlite3.Error as error:
        if not is_unreadable(error):
            raise
        return Health(damage=str(error))


def _damage(connection: sqlite3.Connection, *, whole: bool) -> str | None:
    """Return the first thing that is wrong."""
    there = {name for (name,) in connection.execute("select name from sqlite_master").fetchall()}
    checks = [f"pragma integrity_check({name})" for name in NEEDED_TABLES if name in there]
    checks.insert(0, "pragma integrity_check(sqlite_schema)")
    if whole:
        checks.append("pragma quick_check(1)")
    for check in checks:
        (found,) = connection.execute(check).fetchone()
        if found != "ok":
            return str(found).replace("\n", " ")
    missing = missing_columns(connection)
    return f"it has no {missing[0]}" if missing else None
