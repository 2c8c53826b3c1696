"""The settings in force a second time, in a file of their own: no damaged store must loosen them.

The file is written as a whole and put in place at once, so that it is never half of one.
"""

import os
from pathlib import Path

import msgspec

BACKUP_FILE = "settings.backup.json"


class SettingsBackupError(Exception):
    """The backup cannot be read; the text says why."""


class KeptSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What was in force, and what else a start must know to hold on to it."""

    at_ns: int
    """When it was written down."""
    day_start_ns: int
    """The trading day that they held for."""
    in_force: str
    """As JSON."""
    armed_by_command: bool | None
    """Set by `arm` or `disarm`; None while app.toml decides."""
    first_started_ns: int
    """When the data directory was first used."""
    was_locked: bool
    """Whether a lock was ever in force in it."""
    broker: str | None = None
    """Whose the data directory is, as in the table `runs`; None where nobody says."""


def write_settings_backup(data_dir: Path, kept: KeptSettings) -> None:
    """Put what is in force in place of what the file holds.

    Raises:
        OSError: it cannot be written; what it held before is still there.
    """
    path = data_dir / BACKUP_FILE
    written = path.with_suffix(".new")
    with written.open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(kept), indent=2))
        file.flush()
        os.fsync(file.fileno())
    written.replace(path)


def read_settings_backup(data_dir: Path) -> KeptSettings | None:
    """Return what was in force when the file was written, or None where there is no file.

    Raises:
        SettingsBackupError: there is a file, and it cannot be read.
    """
    path = data_dir / BACKUP_FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=KeptSettings)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.MsgspecError) as error:
        raise SettingsBackupError(f"{path.name} cannot be read: {error}") from error
