"""The settings in force a second time, beside the store."""

from pathlib import Path

import msgspec
import pytest

from risk_actors.store.settings_backup import (
    BACKUP_FILE,
    KeptSettings,
    SettingsBackupError,
    read_settings_backup,
    write_settings_backup,
)

KEPT = KeptSettings(
    at_ns=5,
    day_start_ns=3,
    in_force='{"a":1}',
    armed_by_command=None,
    first_started_ns=1,
    was_locked=True,
)


def test_what_is_written_is_read_and_replaces_what_was_there(tmp_path: Path) -> None:
    assert read_settings_backup(tmp_path) is None
    for armed in (None, True, False):
        kept = msgspec.structs.replace(KEPT, armed_by_command=armed)
        write_settings_backup(tmp_path, kept)
        assert read_settings_backup(tmp_path) == kept
    assert [path.name for path in tmp_path.iterdir()] == [BACKUP_FILE]


def test_one_that_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    write_settings_backup(tmp_path, KEPT)
    (tmp_path / "settings.backup.new").mkdir()

    with pytest.raises(OSError, match="settings"):
        write_settings_backup(tmp_path, KEPT)

    assert read_settings_backup(tmp_path) == KEPT


@pytest.mark.parametrize("text", ["", "no JSON", "{}", '{"at_ns": "yesterday"}'])
def test_one_that_makes_no_sense_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / BACKUP_FILE).write_text(text)

    with pytest.raises(SettingsBackupError, match="cannot be read"):
        read_settings_backup(tmp_path)
