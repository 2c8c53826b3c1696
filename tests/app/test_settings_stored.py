"""What a start knows of the settings in force, whatever became of the store."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from core.builders import NOON, H, S

from risk_actors import messages as m
from risk_actors.actors.record import Batch
from risk_actors.app.rule_context import trading_calendar
from risk_actors.app.settings import SessionSettings, Settings
from risk_actors.app.settings_json import encode_settings
from risk_actors.app.settings_stored import Stored, stored_settings, zone_of_last_run
from risk_actors.core.rules.daily_loss_limit import DailyLossLimitSettings
from risk_actors.store.lock_backup import BACKUP_FILE as LOCK_BACKUP_FILE
from risk_actors.store.lock_backup import write_backup
from risk_actors.store.recovery import open_or_recover
from risk_actors.store.schema import DATABASE_FILE, open_database
from risk_actors.store.settings_backup import (
    BACKUP_FILE,
    KeptSettings,
    write_settings_backup,
)
from tests.actors.facts import CHICAGO, lock, say
from tests.store.kept import entry_of, journal_of


def limit(limit_usd: float, timezone: str = "America/Chicago") -> Settings:
    rule = DailyLossLimitSettings(id="loss", limit_usd=limit_usd)
    return Settings(session=SessionSettings(timezone=timezone), rules=(rule,))


TIGHT, LOOSE = limit(500), limit(800)
TODAY = trading_calendar(TIGHT).day(NOON).start_ns
YESTERDAY = TODAY - 24 * H


def put_in_store(data_dir: Path, settings: Settings, day_start_ns: int = TODAY) -> None:
    open_or_recover(data_dir, NOON)
    journal = journal_of(data_dir)
    told = say(m.SettingsChanged, day_start_ns=day_start_ns, in_force=encode_settings(settings))
    journal.write(Batch([entry_of(told)], alive_ns=NOON + 7 * S))
    journal.close()


def put_beside(
    data_dir: Path,
    settings: Settings,
    day_start_ns: int = TODAY,
    *,
    was_locked: bool = False,
    armed: bool | None = None,
) -> None:
    kept = KeptSettings(
        at_ns=NOON,
        day_start_ns=day_start_ns,
        in_force=encode_settings(settings),
        armed_by_command=armed,
        first_started_ns=NOON - 9 * H,
        was_locked=was_locked,
    )
    write_settings_backup(data_dir, kept)


def limit_of(stored: Stored) -> float:
    assert stored.settings is not None
    return float(stored.settings.rules[0].limit_usd)  # type: ignore[attr-defined]


def overwritten(data_dir: Path) -> None:
    (data_dir / DATABASE_FILE).write_bytes(Random(1).randbytes(300_000))


def deleted(data_dir: Path) -> None:
    for path in data_dir.glob(f"{DATABASE_FILE}*"):
        path.unlink()


def test_a_new_data_directory_knows_nothing_and_says_nothing(tmp_path: Path) -> None:
    assert stored_settings(tmp_path) == Stored()
    open_or_recover(tmp_path, NOON)
    assert stored_settings(tmp_path) == Stored()


def test_the_store_is_enough(tmp_path: Path) -> None:
    put_in_store(tmp_path, TIGHT)

    stored = stored_settings(tmp_path)

    assert limit_of(stored) == 500
    assert stored.row is not None
    assert (stored.row.day_start_ns, stored.row.at_ns) == (TODAY, NOON + 7 * S)
    assert (stored.was_locked, stored.said) == (False, ())


@pytest.mark.parametrize("break_it", [overwritten, deleted])
def test_without_the_store_the_backup_tells(
    break_it: Callable[[Path], None], tmp_path: Path
) -> None:
    put_in_store(tmp_path, TIGHT)
    put_beside(tmp_path, TIGHT, was_locked=True, armed=False)
    break_it(tmp_path)
    open_or_recover(tmp_path, NOON + H)

    stored = stored_settings(tmp_path)

    assert limit_of(stored) == 500
    assert stored.row is not None
    assert stored.row.day_start_ns == TODAY
    assert stored.armed_by_command is False
    assert stored.was_locked
    assert stored.first_started_ns in (NOON - 9 * H, 0)
    assert stored.said == (f"Which settings were in force was read from {BACKUP_FILE}",)


def test_a_row_that_makes_no_sense_is_told_by_the_backup(tmp_path: Path) -> None:
    put_in_store(tmp_path, TIGHT)
    put_beside(tmp_path, TIGHT)
    database = open_database(tmp_path)
    with database.atomic():
        database.execute("update settings set in_force = '{}'")
    database.close()

    stored = stored_settings(tmp_path)

    assert limit_of(stored) == 500
    assert "The store does not tell" in stored.said[0]


@pytest.mark.parametrize(
    ("in_store", "day_in_store", "beside", "day_beside", "expected"),
    [
        (TIGHT, TODAY, LOOSE, TODAY, 500),
        (LOOSE, TODAY, TIGHT, TODAY, 500),
        (TIGHT, YESTERDAY, LOOSE, TODAY, 500),
        (LOOSE, YESTERDAY, TIGHT, TODAY, 500),
        (TIGHT, YESTERDAY, TIGHT, TODAY, 500),
        (LOOSE, TODAY, TIGHT, YESTERDAY, 800),
    ],
)
def test_of_two_that_differ_the_tighter_holds_on_the_later_day(
    in_store: Settings,
    day_in_store: int,
    beside: Settings,
    day_beside: int,
    expected: float,
    tmp_path: Path,
) -> None:
    """As when the newest rows were lost, or somebody wrote into one of the two."""
    put_in_store(tmp_path, in_store, day_in_store)
    put_beside(tmp_path, beside, day_beside)

    stored = stored_settings(tmp_path)

    assert limit_of(stored) == expected
    assert stored.row is not None
    assert stored.row.day_start_ns == TODAY
    assert bool(stored.said) is (in_store is not (TIGHT if expected == 500 else LOOSE))


@pytest.mark.parametrize("text", ["no JSON", None])
def test_with_neither_locks_tell_that_the_data_directory_is_not_new(
    text: str | None, tmp_path: Path
) -> None:
    put_in_store(tmp_path, TIGHT)
    write_backup(tmp_path / LOCK_BACKUP_FILE, [lock(1)], CHICAGO)
    if text is not None:
        (tmp_path / BACKUP_FILE).write_text(text)
        (tmp_path / LOCK_BACKUP_FILE).write_text(text)
    deleted(tmp_path)

    for stored in (stored_settings(tmp_path), _recovered(tmp_path)):
        assert stored.row is None
        assert stored.was_locked
        assert "is not known, so those in the files are" in stored.said[-1]


def _recovered(data_dir: Path) -> Stored:
    open_or_recover(data_dir, NOON + H)
    return stored_settings(data_dir)


def test_a_lock_that_has_ended_counts(tmp_path: Path) -> None:
    put_in_store(tmp_path, TIGHT)
    write_backup(tmp_path / LOCK_BACKUP_FILE, [lock(1)], CHICAGO)
    open_or_recover(tmp_path, NOON)
    write_backup(tmp_path / LOCK_BACKUP_FILE, [], CHICAGO)
    database = open_database(tmp_path)
    with database.atomic():
        database.execute("update locks set ended_ns = 5")
    database.close()

    assert stored_settings(tmp_path).was_locked


def test_the_zone_that_was_in_force_is_known_before_the_store_is_open(tmp_path: Path) -> None:
    assert zone_of_last_run(tmp_path) is None
    put_beside(tmp_path, limit(500, "Europe/Berlin"))
    zone = zone_of_last_run(tmp_path)
    assert zone is not None
    assert zone.key == "Europe/Berlin"
    (tmp_path / BACKUP_FILE).write_text("no JSON")
    assert zone_of_last_run(tmp_path) is None
