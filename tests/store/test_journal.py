import json
import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from risk_actors import messages as m
from risk_actors.actors.journal import Entry
from risk_actors.store.journal import SqliteJournal
from risk_actors.store.locks import SqliteLockStore
from risk_actors.store.schema import DATABASE_FILE, migrate, open_database
from tests.actors.facts import breach_found, lock, say
from tests.conftest import NOON_NS

CHICAGO = ZoneInfo("America/Chicago")


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    migrate(tmp_path)
    return tmp_path


def read(data_dir: Path, query: str) -> list[tuple[Any, ...]]:
    """Ask the file with any SQLite tool's means, on a connection of our own."""
    with closing(sqlite3.connect(data_dir / DATABASE_FILE)) as connection:
        return connection.execute(query).fetchall()


def entry(number: int, message: m.Message | None = None, text: str = "text") -> Entry:
    return Entry(
        at_ns=number,
        correlation_id=f"event-{number}",
        kind="BreachFound",
        account_id=1,
        text=text,
        message=message or breach_found(),
    )


def test_rows_are_committed_in_their_order_with_the_whole_message(data_dir: Path) -> None:
    journal = SqliteJournal(data_dir)

    journal.append([entry(2), entry(1)])
    rows = read(data_dir, "select seq, at_ns, correlation_id, kind, account_id, text from journal")

    assert rows == [
        (1, 2, "event-2", "BreachFound", 1, "text"),
        (2, 1, "event-1", "BreachFound", 1, "text"),
    ]
    ((message,), _) = read(data_dir, "select message from journal")
    told = json.loads(message)
    assert told["type"] == "BreachFound"
    assert told["breach"]["action"] == {"type": "Flatten", "contract_ids": []}
    assert told["event"]["type"] == "FillReported"
    journal.close()


def test_rows_go_on_after_those_of_an_earlier_run(data_dir: Path) -> None:
    for number in (1, 2):
        journal = SqliteJournal(data_dir)
        journal.append([entry(number)])
        journal.close()

    assert read(data_dir, "select seq, at_ns from journal") == [(1, 1), (2, 2)]


def test_a_batch_is_written_as_a_whole_or_not_at_all(data_dir: Path) -> None:
    """What was half written would be written again with the next batch."""
    journal = SqliteJournal(data_dir)
    batch = [entry(number) for number in range(250)]
    batch[240] = batch[240]._replace(kind=None)  # type: ignore[arg-type]

    with pytest.raises(sqlite3.IntegrityError):
        journal.append(batch)
    after_failure = read(data_dir, "select count(*) from journal")
    journal.append([entry(number) for number in range(250)])

    assert after_failure == [(0,)]
    assert read(data_dir, "select count(*), max(at_ns) from journal") == [(250, 249)]
    journal.close()


def test_text_that_is_no_valid_unicode_does_not_hold_up_the_record(data_dir: Path) -> None:
    """JSON may carry half a surrogate pair; neither JSON's encoder nor SQLite takes it back."""
    journal = SqliteJournal(data_dir)
    broken = "half a pair: \ud83d"
    message = say(m.PayloadRejected, source="GatewayUserOrder", detail=broken, payload="{}")

    journal.append([entry(1, message, text=broken), entry(2)])

    (row, _) = read(data_dir, "select text, message from journal")
    assert row[0] == "half a pair: \\ud83d"
    assert json.loads(row[1])["detail"] == broken
    journal.close()


def test_the_file_is_in_wal_mode_and_sound(data_dir: Path) -> None:
    assert read(data_dir, "pragma journal_mode") == [("wal",)]
    assert read(data_dir, "pragma integrity_check") == [("ok",)]


def test_migrating_twice_changes_nothing(data_dir: Path) -> None:
    journal = SqliteJournal(data_dir)
    journal.append([entry(1)])
    journal.close()
    before = read(data_dir, "select name, sql from sqlite_master order by name")

    migrate(data_dir)

    assert read(data_dir, "select name, sql from sqlite_master order by name") == before
    assert read(data_dir, "select count(*) from journal") == [(1,)]


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / DATABASE_FILE).write_bytes(b"this is no database, and long enough to be one" * 99)

    with pytest.raises(sqlite3.DatabaseError):
        migrate(tmp_path)


def test_a_directory_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        open_database(tmp_path / "missing")


def test_journal_and_locks_are_written_by_two_threads_at_once(data_dir: Path) -> None:
    """Each store belongs to the thread of one actor; the file is one."""
    rounds = 60
    start = threading.Barrier(2)
    failures: list[BaseException] = []

    def write_journal() -> None:
        try:
            journal = SqliteJournal(data_dir)
            start.wait(5)
            for number in range(rounds):
                journal.append([entry(number), entry(number)])
            journal.close()
        except BaseException as error:  # noqa: BLE001 - shown by the test
            failures.append(error)

    def write_locks() -> None:
        try:
            locks = SqliteLockStore(data_dir, CHICAGO)
            start.wait(5)
            for number in range(1, rounds + 1):
                locks.save(lock(number))
                locks.end(lock(number), NOON_NS)
            locks.close()
        except BaseException as error:  # noqa: BLE001 - shown by the test
            failures.append(error)

    threads = [threading.Thread(target=target) for target in (write_journal, write_locks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert failures == []
    assert read(data_dir, "select count(*) from journal") == [(2 * rounds,)]
    assert read(data_dir, "select count(*), count(ended_ns) from locks") == [(rounds, rounds)]
