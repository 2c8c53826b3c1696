"""Whether the store can be used, asked before anything is ended that works without it."""

import sqlite3
from pathlib import Path

from risk_actors.store.schema import DATABASE_FILE, open_database

_NEEDED = ("locks", "rule_states", "settings", "runs", "events", "tape")


def store_trouble(data_dir: Path) -> str | None:
    """Return why the store cannot be used, in plain words; None when it can."""
    if not (data_dir / DATABASE_FILE).is_file():
        return f"{DATABASE_FILE} is gone"
    try:
        database = open_database(data_dir)
        try:
            for name in _NEEDED:
                database.execute(f"select 1 from {name} limit 1").fetchone()  # noqa: S608 - ours
        finally:
            database.close()
    except sqlite3.Error as error:
        return f"{DATABASE_FILE} cannot be used: {error}"
    return None
