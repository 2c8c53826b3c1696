"""What earlier runs left of the settings in force: in the store, and once more beside it.

Whoever damages or deletes the store in the heat must not be rid of his limits by that.
"""

import sqlite3
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from risk_actors.app.settings import Settings
from risk_actors.app.settings_due import StoredSettings
from risk_actors.app.settings_json import decode_settings, encode_settings
from risk_actors.app.settings_merge import merge
from risk_actors.store.lock_backup import BACKUP_FILE as LOCK_BACKUP_FILE
from risk_actors.store.lock_backup import BackupError, read_backup
from risk_actors.store.schema import DATABASE_FILE
from risk_actors.store.settings import Past, SettingsRow, read_past, read_settings
from risk_actors.store.settings_backup import (
    BACKUP_FILE,
    KeptSettings,
    SettingsBackupError,
    read_settings_backup,
)


class Stored(NamedTuple):
    """What is known of earlier runs; of a new data directory, nothing."""

    row: StoredSettings | None = None
    """What was in force last, and on which day."""
    settings: Settings | None = None
    """The same, decoded."""
    first_started_ns: int | None = None
    armed_by_command: bool | None = None
    was_locked: bool = False
    """Whether a lock was ever in force, as far as is known."""
    said: tuple[str, ...] = ()
    """What could not be read, and what was taken in its place, in plain words."""


class _Known(NamedTuple):
    row: SettingsRow
    settings: Settings


def stored_settings(data_dir: Path) -> Stored:
    """Return what was in force when the last run wrote it down, from wherever it can be read."""
    said: list[str] = []
    past, in_store = _from_store(data_dir, said)
    kept, in_backup = _from_backup(data_dir, said)
    was_locked = past.was_locked or (kept is not None and kept.was_locked)
    was_locked = was_locked or _has_locks_in_backup(data_dir)
    starts = [past.first_started_ns, None if kept is None else kept.first_started_ns]
    first_ns = min((each for each in starts if each is not None), default=None)
    known = in_store or in_backup
    if known is None:
        if was_locked or said:
            said.append("Which settings were in force is not known, so those in the files are")
        return Stored(first_started_ns=first_ns, was_locked=was_locked, said=tuple(said))
    if in_store is None:
        said.append(f"Which settings were in force was read from {BACKUP_FILE}")
    elif in_backup is not None:
        known = _tighter(in_store, in_backup)
        if known.settings != in_store.settings:
            said.append(
                f"{BACKUP_FILE} is tighter than what the store has of the settings in force, so it"
                " holds"
            )
    return Stored(
        row=StoredSettings(
            day_start_ns=known.row.day_start_ns,
            in_force=known.row.in_force,
            at_ns=max(known.row.at_ns, past.alive_ns or 0),
        ),
        settings=known.settings,
        first_started_ns=first_ns,
        armed_by_command=known.row.armed_by_command,
        was_locked=was_locked,
        said=tuple(said),
    )


def zone_of_last_run(data_dir: Path) -> ZoneInfo | None:
    """Return the zone that was in force last, as far as the backup tells; it needs no store."""
    _, known = _from_backup(data_dir, [])
    return None if known is None else ZoneInfo(known.settings.session.timezone)


def _from_store(data_dir: Path, said: list[str]) -> tuple[Past, _Known | None]:
    past = Past(None, None, was_locked=False)
    if not (data_dir / DATABASE_FILE).is_file():
        return past, None
    try:
        past = read_past(data_dir)
        row = read_settings(data_dir)
        return past, None if row is None else _Known(row, decode_settings(row.in_force))
    except (sqlite3.Error, msgspec.MsgspecError) as error:
        said.append(f"The store does not tell which settings were in force: {error}")
        return past, None


def _from_backup(data_dir: Path, said: list[str]) -> tuple[KeptSettings | None, _Known | None]:
    """Return the backup as it is, and decoded where its settings make sense."""
    kept: KeptSettings | None = None
    try:
        kept = read_settings_backup(data_dir)
        if kept is not None:
            return kept, _Known(_row_of(kept), decode_settings(kept.in_force))
    except (SettingsBackupError, msgspec.MsgspecError) as error:
        said.append(f"The backup of the settings in force is of no use: {error}")
    return kept, None


def _row_of(kept: KeptSettings) -> SettingsRow:
    return SettingsRow(kept.at_ns, kept.day_start_ns, kept.in_force, kept.armed_by_command)


def _tighter(in_store: _Known, in_backup: _Known) -> _Known:
    """Return what holds where both are there; they differ where the newest rows were lost.

    The tighter of each holds on the later day, so that no file is a way to loosen the other; only a
    backup of an earlier day is merely old.
    """
    store, backup = in_store.row, in_backup.row
    if backup.day_start_ns < store.day_start_ns:
        return in_store
    settings = merge(in_store.settings, in_backup.settings).settings
    row = store._replace(
        in_force=encode_settings(settings),
        day_start_ns=backup.day_start_ns,
        at_ns=max(store.at_ns, backup.at_ns),
    )
    return _Known(row, settings)


def _has_locks_in_backup(data_dir: Path) -> bool:
    """Tell whether the backup of the locks has any; one that cannot be read may have."""
    try:
        return bool(read_backup(data_dir / LOCK_BACKUP_FILE))
    except BackupError:
        return True
