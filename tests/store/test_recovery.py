"""A damaged store is set aside, and what can be saved is saved: locks above all (I5)."""

import os
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest
from sqlite_utils import Database

from risk_actors import messages as m
from risk_actors.actors.record import Batch
from risk_actors.core.rules.memory import RuleMemory
from risk_actors.store.audit_verify import Verified, verify
from risk_actors.store.health import WHOLE_UP_TO_BYTES
from risk_actors.store.lock_backup import BACKUP_FILE
from risk_actors.store.locks import SqliteLockStore
from risk_actors.store.recovery import Recovered, open_or_recover
from risk_actors.store.rule_states import read_rule_states
from risk_actors.store.runs import read_last_run, read_openings
from risk_actors.store.schema import DATABASE_FILE, NewerStoreError, migrate, migrations
from risk_actors.store.settings import first_started_ns, read_settings
from risk_actors.store.suspect import SUSPECT_FILE
from tests.actors.facts import CHICAGO, DAY_START_NS, MNQ, WEEK_START_NS, fill, lock, say
from tests.conftest import NOON_NS, S
from tests.store.kept import RUN, entry, entry_of, journal_of, read

WAL = DATABASE_FILE + "-wal"
ASIDE = "risk.db.damaged-20261117-180000"


def fill_the_store(data_dir: Path, rows: int = 2_000) -> None:
    """Write something into every table, as a run does."""
    migrate(data_dir)
    locks = SqliteLockStore(data_dir, CHICAGO)
    kept = [lock(1), lock(2, 2, contract_id=MNQ, until_ns=None)]
    for one in kept:
        locks.save(one)
    locks.back_up(kept)
    locks.close()
    journal = journal_of(data_dir)
    settings = say(m.SettingsChanged, day_start_ns=DAY_START_NS, in_force='{"a":1}')
    opened = say(m.DayOpened, account_id=1, day_start_ns=DAY_START_NS, balance_usd=Decimal(50_000))
    remembered = say(
        m.RuleStateChanged,
        rule_id="trail",
        rule_type="trailing_drawdown",
        account_id=1,
        memory=RuleMemory(state="high"),
    )
    told = [settings, opened, *(say(m.FillReported, fill=fill(i, 1)) for i in range(1, 101))]
    journal.write(Batch([entry_of(one) for one in told], memories=[remembered]))
    journal.write(Batch([entry(NOON_NS + i, text="x" * 200) for i in range(rows)]))
    journal.write(Batch(alive_ns=NOON_NS + 5 * S))
    journal.close()


def recover(data_dir: Path) -> Recovered:
    return open_or_recover(data_dir, NOON_NS, CHICAGO)


def locks_in(data_dir: Path) -> list[int]:
    store = SqliteLockStore(data_dir, CHICAGO)
    ids = [kept.id for kept in store.restored(NOON_NS, WEEK_START_NS).locks]
    store.close()
    return ids


def pages_of(data_dir: Path, table: str) -> list[int]:
    query = f"select pageno from dbstat where name = '{table}' order by pageno"  # noqa: S608
    return [page for (page,) in read(data_dir, query)]


def overwrite(path: Path, *pages: int, size: int = 4096) -> None:
    with path.open("r+b") as file:
        for page in pages:
            file.seek((page - 1) * size)
            file.write(b"\xa5" * size)


def assert_usable(data_dir: Path) -> None:
    """The store is sound, and is written to and verified as any."""
    assert_writable(data_dir)
    assert isinstance(verify(data_dir), Verified)


def assert_writable(data_dir: Path) -> None:
    journal = journal_of(data_dir, RUN._replace(started_ns=NOON_NS + 9 * S))
    journal.write(Batch([entry(NOON_NS + 9 * S)], alive_ns=NOON_NS + 9 * S))
    journal.close()
    assert read(data_dir, "pragma quick_check") == [("ok",)]


@pytest.mark.parametrize("seed", range(int(os.environ.get("DAMAGE_SEEDS", "40"))))
def test_i5_no_damage_keeps_from_starting_with_all_locks(seed: int, tmp_path: Path) -> None:
    """Bytes, pages, ends: wherever they are hit, in the file or in its log."""
    random = Random(seed)
    killed = killed_with_a_log(tmp_path, rows=200)
    name = random.choice([DATABASE_FILE, DATABASE_FILE, WAL])
    path = killed / name
    data = bytearray(path.read_bytes())
    for _ in range(random.choice([1, 3, 30])):
        at = random.choice([random.randrange(len(data)), random.randrange(120)])
        length = random.choice([1, 4, 100, 4096, 20_000])
        data[at : at + length] = random.randbytes(len(data[at : at + length]))
    if random.random() < 0.2:
        del data[random.randrange(len(data)) :]
    path.write_bytes(data)

    recover(killed)

    assert locks_in(killed) == [1, 2, 3, 4, 5]
    # A letter changed in the middle of a row damages no file; `audit --verify` tells of it.
    assert_writable(killed)
    assert read_last_run(killed) is not None
    read_rule_states(killed)
    read_openings(killed)
    read_settings(killed)


def test_a_new_data_directory_gets_a_store_and_nothing_is_said(tmp_path: Path) -> None:
    assert recover(tmp_path) == Recovered()
    assert_usable(tmp_path)


def test_a_sound_store_is_opened_as_it_is(tmp_path: Path) -> None:
    fill_the_store(tmp_path)

    assert recover(tmp_path) == Recovered()

    assert read(tmp_path, "select count(*) from record") == [(2_102,)]
    assert locks_in(tmp_path) == [1, 2]
    assert not list(tmp_path.glob("*damaged*"))


@pytest.mark.parametrize("version", [1, 2])
def test_a_sound_store_of_an_earlier_version_is_brought_to_this_one(
    version: int, tmp_path: Path
) -> None:
    database = Database(tmp_path / DATABASE_FILE)
    stop = "remember_rules_and_kept_positions", "split_the_record_and_keep_what_is"
    migrations.apply(database, stop_before=stop[version - 1])
    database.close()

    assert recover(tmp_path) == Recovered()
    assert_usable(tmp_path)


def garbage(data_dir: Path) -> None:
    (data_dir / DATABASE_FILE).write_bytes(b"this is no database, and long enough to be one" * 99)


def emptied(data_dir: Path) -> None:
    (data_dir / DATABASE_FILE).write_bytes(b"")


def cut_short(data_dir: Path) -> None:
    path = data_dir / DATABASE_FILE
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])


def schema_overwritten(data_dir: Path) -> None:
    overwrite(data_dir / DATABASE_FILE, 1)


def locks_overwritten(data_dir: Path) -> None:
    overwrite(data_dir / DATABASE_FILE, *pages_of(data_dir, "locks"))


@pytest.mark.parametrize("break_it", [garbage, emptied, cut_short, schema_overwritten])
def test_i5_locks_survive_whatever_becomes_of_the_file(
    break_it: Callable[[Path], None], tmp_path: Path
) -> None:
    fill_the_store(tmp_path)
    break_it(tmp_path)
    broken = (tmp_path / DATABASE_FILE).read_bytes()

    recovered = recover(tmp_path)

    assert recovered.set_aside == tmp_path / ASIDE
    assert (tmp_path / ASIDE).read_bytes() == broken
    assert "is damaged" in recovered.said[0]
    assert ASIDE in recovered.said[0]
    assert locks_in(tmp_path) == [1, 2]
    assert first_started_ns(tmp_path) is not None
    assert_usable(tmp_path)
    assert recover(tmp_path) == Recovered()


def test_what_can_be_read_is_saved_and_what_cannot_is_said(tmp_path: Path) -> None:
    fill_the_store(tmp_path)
    locks_overwritten(tmp_path)

    recovered = recover(tmp_path)

    said = " / ".join(recovered.said)
    assert "Saved from it: 1 memories of rules, 1 changes of settings, 2 resets told" in said
    assert "100 fills" in said
    assert "some may be lost: locks" in said
    assert "put back from their backup: daily-loss on account 1, daily-loss on account 2" in said
    assert locks_in(tmp_path) == [1, 2]
    assert list(read_rule_states(tmp_path)) == [("trail", "trailing_drawdown")]
    assert list(read_openings(tmp_path)) == [1]
    last = read_last_run(tmp_path)
    assert (last.alive_ns, last.day_start_ns) == (NOON_NS + 5 * S, DAY_START_NS)
    settings = read_settings(tmp_path)
    assert settings is not None
    assert settings.in_force == '{"a":1}'
    assert first_started_ns(tmp_path) == RUN.started_ns
    assert read(tmp_path, "select count(*) from fills") == [(100,)]
    assert_usable(tmp_path)


def test_without_a_backup_the_locks_of_the_damaged_file_are_saved(tmp_path: Path) -> None:
    fill_the_store(tmp_path)
    (tmp_path / BACKUP_FILE).unlink()
    overwrite(tmp_path / DATABASE_FILE, *pages_of(tmp_path, "rule_states"))

    recovered = recover(tmp_path)

    assert recovered.set_aside is not None
    assert locks_in(tmp_path) == [1, 2]
    assert any("memories of rules" in one for one in recovered.said)


def test_a_store_that_lacks_a_column_is_damaged(tmp_path: Path) -> None:
    fill_the_store(tmp_path)
    with closing(sqlite3.connect(tmp_path / DATABASE_FILE)) as connection, connection:
        connection.execute("alter table runs rename column setup to zetup")

    recovered = recover(tmp_path)

    assert "is damaged (it has no runs.setup)" in recovered.said[0]
    assert_usable(tmp_path)


def test_of_a_table_that_breaks_in_the_middle_both_ends_are_saved(tmp_path: Path) -> None:
    fill_the_store(tmp_path)
    with closing(sqlite3.connect(tmp_path / DATABASE_FILE)) as connection, connection:
        connection.executemany(
            "insert into settings (at_ns, in_force) values (?, ?)",
            [(number, '{"long":"' + "y" * 1_000 + '"}') for number in range(100)],
        )
    leaves = pages_of(tmp_path, "settings")
    overwrite(tmp_path / DATABASE_FILE, leaves[len(leaves) // 2])

    recover(tmp_path)

    kept = [at_ns for (at_ns,) in read(tmp_path, "select at_ns from settings order by id")]
    assert kept[0] == NOON_NS
    assert kept[-1] == 99
    assert 80 < len(kept) < 101


def test_damage_of_the_record_is_found_in_a_file_that_is_not_large(tmp_path: Path) -> None:
    fill_the_store(tmp_path)
    leaves = pages_of(tmp_path, "decisions")
    overwrite(tmp_path / DATABASE_FILE, leaves[len(leaves) // 2])

    recovered = recover(tmp_path)

    assert recovered.set_aside is not None
    assert locks_in(tmp_path) == [1, 2]
    assert_usable(tmp_path)


def make_large(data_dir: Path) -> None:
    with closing(sqlite3.connect(data_dir / DATABASE_FILE)) as connection, connection:
        connection.executemany(
            "insert into tape (run_id, first_ns, last_ns, notes, data)"
            " values (1, 1, 1, 1, zeroblob(1000000))",
            [()] * (WHOLE_UP_TO_BYTES // 1_000_000 + 1),
        )


def test_damage_found_while_in_use_is_looked_for_at_the_next_start(tmp_path: Path) -> None:
    """Of a large file a start looks at what it needs; the record is not in that."""
    fill_the_store(tmp_path)
    make_large(tmp_path)
    leaves = pages_of(tmp_path, "decisions")
    overwrite(tmp_path / DATABASE_FILE, leaves[len(leaves) // 2])
    unnoticed = recover(tmp_path)
    (tmp_path / SUSPECT_FILE).write_text("malformed")

    recovered = recover(tmp_path)

    assert unnoticed == Recovered()
    assert recovered.set_aside is not None
    assert not (tmp_path / SUSPECT_FILE).exists()
    assert locks_in(tmp_path) == [1, 2]
    assert_usable(tmp_path)


def killed_with_a_log(data_dir: Path, rows: int = 2_000) -> Path:
    """Return a directory as a kill leaves it: the newest commits are in the log alone."""
    fill_the_store(data_dir, rows)
    locks = SqliteLockStore(data_dir, CHICAGO)
    for number in (3, 4, 5):
        locks.save(lock(number))
    locks.back_up(locks.restored(NOON_NS, WEEK_START_NS).locks)
    killed = data_dir / "killed"
    killed.mkdir()
    for path in data_dir.iterdir():
        if path.is_file() and not path.name.endswith("-shm"):
            shutil.copy(path, killed)
    locks.close()
    return killed


def test_a_log_left_by_a_kill_is_taken_as_a_whole(tmp_path: Path) -> None:
    killed = killed_with_a_log(tmp_path)
    (killed / BACKUP_FILE).unlink()

    assert (killed / WAL).stat().st_size > 0
    assert recover(killed) == Recovered()
    assert locks_in(killed) == [1, 2, 3, 4, 5]


def header_of_log(data_dir: Path) -> None:
    overwrite(data_dir / WAL, 1, size=16)


def last_page_of_log(data_dir: Path) -> None:
    path = data_dir / WAL
    data = bytearray(path.read_bytes())
    data[-2_000] ^= 1
    path.write_bytes(data)


def first_page_of_log(data_dir: Path) -> None:
    path = data_dir / WAL
    data = bytearray(path.read_bytes())
    data[500] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("break_it", [header_of_log, first_page_of_log, last_page_of_log])
def test_a_damaged_log_is_said_and_its_locks_come_from_the_backup(
    break_it: Callable[[Path], None], tmp_path: Path
) -> None:
    killed = killed_with_a_log(tmp_path)
    break_it(killed)

    recovered = recover(killed)

    assert "written last to risk.db is damaged and lost" in recovered.said[0]
    assert "put back from their backup" in recovered.said[-1]
    assert locks_in(killed) == [1, 2, 3, 4, 5]
    assert_usable(killed)
    assert recover(killed) == Recovered()


def test_a_store_that_was_deleted_gets_its_locks_back(tmp_path: Path) -> None:
    """The first thing to try on tilt."""
    fill_the_store(tmp_path)
    (tmp_path / DATABASE_FILE).unlink()

    recovered = recover(tmp_path)

    assert "put back from their backup" in recovered.said[0]
    assert locks_in(tmp_path) == [1, 2]


def test_a_lock_prolonged_in_the_backup_alone_is_prolonged(tmp_path: Path) -> None:
    fill_the_store(tmp_path)
    backup = (tmp_path / BACKUP_FILE).read_bytes()
    with closing(sqlite3.connect(tmp_path / DATABASE_FILE)) as connection, connection:
        connection.execute("update locks set until_ns = until_ns - 1 where id = 1")
        connection.execute("update locks set ended_ns = 5 where id = 2")

    recovered = recover(tmp_path)

    assert (tmp_path / BACKUP_FILE).read_bytes() == backup
    assert len(recovered.said) == 1
    assert "daily-loss on account 1" in recovered.said[0]
    assert locks_in(tmp_path) == [1]


def panicked(data_dir: Path, *, is_ended: bool) -> None:
    """Leave a run that told of a lock, and the lock in the store and in its backup."""
    fill_the_store(data_dir, rows=1)
    held = lock(3, rule_id="panic")
    locks = SqliteLockStore(data_dir, CHICAGO)
    locks.save(held)
    locks.back_up([lock(1), held])
    locks.close()
    told = say(m.LocksChanged, account_id=1, locks=(held,), engaged=held)
    journal = journal_of(data_dir)
    journal.write(Batch([entry_of(told)], alive_ns=NOON_NS + 900 * S))
    journal.close()
    if not is_ended:
        hand(data_dir, "update runs set ended_ns = null")


def hand(data_dir: Path, statement: str) -> None:
    with closing(sqlite3.connect(data_dir / DATABASE_FILE)) as connection, connection:
        connection.execute(statement)


@pytest.mark.parametrize("is_ended", [True, False])
@pytest.mark.parametrize("ended_by", ["'condition'", "null", "'unlock'"])
def test_i5_a_lock_that_was_ended_by_hand_is_put_back(
    tmp_path: Path, ended_by: str, is_ended: bool
) -> None:
    panicked(tmp_path, is_ended=is_ended)
    at_ns = NOON_NS + 60 * S
    hand(tmp_path, f"update locks set ended_ns = {at_ns}, ended_by = {ended_by} where id = 3")  # noqa: S608

    recovered = recover(tmp_path)

    assert recovered.said == (
        "Locks that the store lacked were put back from their backup: panic on account 1",
    )
    assert locks_in(tmp_path) == [1, 2, 3]
    assert recover(tmp_path) == Recovered()


@pytest.mark.parametrize("is_told", [True, False])
def test_a_lock_that_ended_rightly_before_the_backup_could_say_so_stays_ended(
    tmp_path: Path, is_told: bool
) -> None:
    """Killed between the end of a lock and its backup; whether or not the record has the end."""
    panicked(tmp_path, is_ended=False)
    at_ns = NOON_NS + 900 * S
    if is_told:
        told = say(m.LocksChanged, at_ns=at_ns, account_id=1, locks=(), ended=lock(3))
        journal = journal_of(tmp_path)
        journal.write(Batch([entry_of(told)], alive_ns=at_ns))
        journal.close()
    hand(tmp_path, "update runs set ended_ns = null")
    hand(tmp_path, f"update locks set ended_ns = {at_ns}, ended_by = 'unlock' where id = 3")  # noqa: S608

    assert recover(tmp_path) == Recovered()
    assert locks_in(tmp_path) == [1, 2]


def test_a_backup_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    fill_the_store(tmp_path)
    (tmp_path / BACKUP_FILE).write_text("no JSON")

    recovered = recover(tmp_path)

    assert "The backup of the locks is of no use" in recovered.said[0]
    assert locks_in(tmp_path) == [1, 2]


def test_a_lock_that_makes_no_sense_keeps_nobody_from_starting(tmp_path: Path) -> None:
    fill_the_store(tmp_path)
    (tmp_path / BACKUP_FILE).unlink()
    with closing(sqlite3.connect(tmp_path / DATABASE_FILE)) as connection, connection:
        connection.execute("update locks set evidence = '{\"temp' where id = 1")
    overwrite(tmp_path / DATABASE_FILE, *pages_of(tmp_path, "rule_states"))

    recovered = recover(tmp_path)

    assert locks_in(tmp_path) == [2]
    assert any("some may be lost: locks, memories of rules" in one for one in recovered.said)


def test_a_start_that_was_killed_while_it_saved_is_finished_by_the_next(tmp_path: Path) -> None:
    fill_the_store(tmp_path)
    (tmp_path / BACKUP_FILE).unlink()
    (tmp_path / DATABASE_FILE).rename(tmp_path / ASIDE)
    migrate(tmp_path)

    recovered = recover(tmp_path)

    assert "2 locks" in recovered.said[0]
    assert locks_in(tmp_path) == [1, 2]
    assert recover(tmp_path) == Recovered()


def test_two_files_set_aside_in_one_second_are_both_kept(tmp_path: Path) -> None:
    for _ in range(2):
        fill_the_store(tmp_path)
        garbage(tmp_path)
        recover(tmp_path)

    assert (tmp_path / ASIDE).exists()
    assert (tmp_path / f"{ASIDE}-2").exists()


def test_a_store_of_a_later_version_is_refused_and_not_touched(tmp_path: Path) -> None:
    fill_the_store(tmp_path)
    with closing(sqlite3.connect(tmp_path / DATABASE_FILE)) as connection, connection:
        connection.execute(
            "insert into _sqlite_migrations (migration_set, name, applied_at)"
            " values ('risk_actors', 'a_later_one', '')"
        )
    before = (tmp_path / DATABASE_FILE).read_bytes()

    with pytest.raises(NewerStoreError, match="later version"):
        recover(tmp_path)

    assert (tmp_path / DATABASE_FILE).read_bytes() == before
    assert not list(tmp_path.glob("*damaged*"))


def test_a_store_that_cannot_be_opened_for_another_reason_is_not_set_aside(tmp_path: Path) -> None:
    (tmp_path / DATABASE_FILE).mkdir()

    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        recover(tmp_path)

    assert (tmp_path / DATABASE_FILE).exists()


def test_a_large_sound_store_is_opened_quickly(tmp_path: Path) -> None:
    """What is looked at does not grow with the record."""
    fill_the_store(tmp_path)
    make_large(tmp_path)
    began = time.process_time()

    assert recover(tmp_path) == Recovered()

    assert time.process_time() - began < 0.5
