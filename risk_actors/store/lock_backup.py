"""The locks in force a second time, in a file of their own: a damaged store must forget none.

The file is written as a whole and put in place at once, so that it is never half of one.
"""

import os
from collections.abc import Sequence
from datetime import tzinfo
from pathlib import Path
from typing import Any

import msgspec

from risk_actors.core.lock import Lock
from risk_actors.store.lock_rows import lock_of, row_of

BACKUP_FILE = "locks.backup.json"


class BackupError(Exception):
    """The backup cannot be read; the text says why."""


class _Backup(msgspec.Struct, frozen=True, kw_only=True):
    locks: list[dict[str, Any]]


def write_backup(path: Path, locks: Sequence[Lock], zone: tzinfo) -> None:
    """Put the locks in force in place of those that the file holds.

    Raises:
        OSError: it cannot be written; what it held before is still there.
    """
    text = msgspec.json.encode(_Backup(locks=[row_of(lock, zone) for lock in locks]))
    written = path.with_suffix(".new")
    with written.open("wb") as file:
        file.write(msgspec.json.format(text, indent=2))
        file.flush()
        os.fsync(file.fileno())
    written.replace(path)


def read_backup(path: Path) -> Sequence[Lock]:
    """Return the locks that were in force when the file was written; none where there is no file.

    Some of them may have ended by time since.

    Raises:
        BackupError: there is a file, and it cannot be read.
    """
    try:
        left = msgspec.json.decode(path.read_bytes(), type=_Backup)
        return [lock_of(row) for row in left.locks]
    except FileNotFoundError:
        return []
    except (OSError, msgspec.MsgspecError, KeyError, ValueError, TypeError) as error:
        raise BackupError(f"{path} cannot be read: {error}") from error
