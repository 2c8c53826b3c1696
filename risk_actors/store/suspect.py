"""A note that a file was found damaged while it was in use, for the next start to look closely."""

import sqlite3
from contextlib import suppress
from pathlib import Path

SUSPECT_FILE = "risk.db.suspect"

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_OTHER_REASONS = (
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_AUTH,
)
"""What else keeps a sound file from being read."""
_PRIMARY_CODE = 0xFF


def is_damage(error: BaseException) -> bool:
    """Tell whether an error of SQLite says that the file itself is damaged."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:
        return False
    return code & _PRIMARY_CODE in _DAMAGED or code == sqlite3.SQLITE_IOERR_SHORT_READ


def is_unreadable(error: sqlite3.Error) -> bool:
    """Tell whether an error, met in reading what every store has, must come of damage.

    SQLite has no code of its own for much of that, such as a wrong format number in the header.
    """
    code = getattr(error, "sqlite_errorcode", None)
    return is_damage(error) or code is None or code & _PRIMARY_CODE not in _OTHER_REASONS


def note_suspect(data_dir: Path, error: BaseException) -> None:
    """Leave the note, where the error says that the file is damaged."""
    if is_damage(error):
        with suppress(OSError):  # the start looks at the most important tables in any case
            (data_dir / SUSPECT_FILE).write_text(f"{error}\n", encoding="utf-8", errors="replace")
