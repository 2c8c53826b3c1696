import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlite_utils import Database

from risk_actors.core.evidence import Evidence
from risk_actors.core.lock import EndedBy, Lock, LockSpan, Unlocked
from risk_actors.core.lock_book import RestoredLocks
from risk_actors.core.unlock_requests import UnlockRequest, UnlockStatus
from risk_actors.core.verdict import Existing
from risk_actors.store.lock_backup import BACKUP_FILE, BackupError, read_backup
from risk_actors.store.locks import SqliteLockStore, StoredLock, stored_locks
from risk_actors.store.schema import DATABASE_FILE, migrate, migrations
from tests.actors.facts import DAY_END_NS, MNQ, WEEK_START_NS, lock
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


def saved(data_dir: Path, *locks: Lock) -> None:
    store = SqliteLockStore(data_dir, CHICAGO)
    for each in locks:
        store.save(each)
    store.close()


def restored(data_dir: Path, now_ns: int = NOON_NS) -> list[Lock]:
    store = SqliteLockStore(data_dir, CHICAGO)
    try:
        return list(store.restored(now_ns, WEEK_START_NS).locks)
    finally:
        store.close()


FULL_EVIDENCE = Evidence(
    template="Day P&L {pnl:usd} reached {limit:usd} at {at:time}: {trades} of {symbol}, {why}",
    figures={
        "pnl": Decimal("-500.10"),
        "limit": Decimal(-500),
        "at": NOON_NS,
        "trades": 3,
        "symbol": "MNQ",
        "why": None,
    },
)


@pytest.mark.parametrize(
    "kept",
    [
        lock(),
        lock(evidence=FULL_EVIDENCE),
        lock(contract_id=MNQ, until_ns=None, existing=Existing.KEEP),
        lock(existing=Existing.KEEP, kept=((MNQ, 3), ("CON.F.US.EP.Z26", 0))),
        lock(2**40, account_id=2**40, evidence=Evidence(template="ü ≥ 500 {{}}")),
        lock(evidence=Evidence(template="{n}", figures={"n": "500.00"})),
    ],
    ids=[
        "plain",
        "every kind of figure",
        "on a condition",
        "what is kept",
        "large ids",
        "text like a number",
    ],
)
def test_a_restored_lock_equals_the_saved_one(data_dir: Path, kept: Lock) -> None:
    """I5: nothing is forgotten."""
    saved(data_dir, kept)

    (back,) = restored(data_dir)

    assert back == kept
    assert back.evidence.sentence() == kept.evidence.sentence()
    assert [type(f) for f in back.evidence.figures.values()] == [
        type(f) for f in kept.evidence.figures.values()
    ]


def test_a_saved_lock_is_committed_while_the_store_is_open(data_dir: Path) -> None:
    store = SqliteLockStore(data_dir, CHICAGO)

    store.save(lock(evidence=FULL_EVIDENCE))
    rows = read(data_dir, "select id, account_id, rule_id, until_ns, ended_ns, reason from locks")

    assert rows == [
        (
            *(1, 1, "daily-loss", DAY_END_NS, None),
            "Day P&L -500.10 reached -500.00 at 12:00:00 CST: 3 of MNQ, unknown",
        )
    ]
    store.close()


def test_a_prolonged_lock_takes_the_place_of_its_row(data_dir: Path) -> None:
    saved(data_dir, lock(), lock(until_ns=DAY_END_NS + 1))

    assert [back.until_ns for back in restored(data_dir)] == [DAY_END_NS + 1]


def test_an_ended_lock_is_not_restored_and_its_row_says_when_it_ended(data_dir: Path) -> None:
    store = SqliteLockStore(data_dir, CHICAGO)
    store.save(lock(1))
    store.save(lock(2))

    store.end(lock(1), NOON_NS + 5, EndedBy.CONDITION)

    assert [back.id for back in store.restored(NOON_NS, WEEK_START_NS).locks] == [2]
    assert read(data_dir, "select id, ended_ns, ended_by from locks") == [
        (1, NOON_NS + 5, "condition"),
        (2, None, None),
    ]
    store.close()


def test_a_lock_whose_instant_passed_while_we_were_down_is_not_restored(data_dir: Path) -> None:
    saved(data_dir, lock(1), lock(2, until_ns=None))

    assert [back.id for back in restored(data_dir, DAY_END_NS - 1)] == [1, 2]
    assert [back.id for back in restored(data_dir, DAY_END_NS)] == [2]


def test_the_highest_id_counts_ended_locks(data_dir: Path) -> None:
    store = SqliteLockStore(data_dir, CHICAGO)
    before = store.restored(NOON_NS, WEEK_START_NS).last_id

    store.save(lock(41))
    store.end(lock(41), NOON_NS, EndedBy.EXPIRED)

    assert (before, store.restored(NOON_NS, WEEK_START_NS).last_id) == (0, 41)
    store.close()


def test_a_lock_met_by_a_busy_file_is_refused_quickly_and_kept_when_tried_again(
    data_dir: Path,
) -> None:
    """I5: nothing is taken for saved that is not."""
    store = SqliteLockStore(data_dir, CHICAGO)
    busy = sqlite3.connect(data_dir / DATABASE_FILE)
    busy.execute("begin immediate")

    with pytest.raises(sqlite3.OperationalError, match="locked"):
        store.save(lock())
    busy.rollback()
    busy.close()
    store.save(lock())
    store.close()

    assert restored(data_dir) == [lock()]


def test_locks_that_ended_lately_are_told_with_when_they_were_in_force(data_dir: Path) -> None:
    store = SqliteLockStore(data_dir, CHICAGO)
    store.save(lock(1, since_ns=10, until_ns=20))
    store.save(lock(2, since_ns=30, until_ns=900))
    store.end(lock(2), 40, EndedBy.EXPIRED)
    store.save(lock(3, 2, contract_id=MNQ, since_ns=50, until_ns=60))
    store.save(lock(4, since_ns=50, until_ns=901))

    told = store.restored(900, 20).past

    assert told == ((1, LockSpan(None, 30, 40)), (2, LockSpan(MNQ, 50, 60)))
    store.close()


def test_a_store_of_the_first_version_gives_its_locks_back(tmp_path: Path) -> None:
    database = Database(tmp_path / DATABASE_FILE)
    migrations.apply(database, stop_before="remember_rules_and_kept_positions")
    columns = set(database["locks"].columns_dict)
    database.close()
    row = (
        "insert into locks (id, account_id, rule_id, since_ns, existing, reason, evidence,"
        " correlation_id) values (7, 1, 'old', 5, 'flatten', 'r',"
        """ '{"template":"t","figures":{}}', 'event-1')"""
    )
    with closing(sqlite3.connect(tmp_path / DATABASE_FILE)) as connection, connection:
        connection.execute(row)

    migrate(tmp_path)

    (back,) = restored(tmp_path)
    assert "kept" not in columns
    assert (back.id, back.rule_id, back.kept) == (7, "old", ())


# --- requests to end a lock -------------------------------------------------------------------


def request(lock_id: int = 1, **terms: Any) -> UnlockRequest:
    given: dict[str, Any] = {
        "account_id": 1,
        "rule_id": "daily-loss",
        "asked_ns": NOON_NS,
        "due_ns": NOON_NS + 60,
        "reason": "I have an appointment",
        "correlation_id": "op-1",
    } | terms
    return UnlockRequest(lock_id=lock_id, **given)


def left_by(data_dir: Path, now_ns: int = NOON_NS) -> RestoredLocks:
    store = SqliteLockStore(data_dir, CHICAGO)
    try:
        return store.restored(now_ns, WEEK_START_NS)
    finally:
        store.close()


def test_a_request_that_waits_comes_back_as_it_was(data_dir: Path) -> None:
    store = SqliteLockStore(data_dir, CHICAGO)
    store.save(lock())
    store.save_request(request())
    store.close()

    left = left_by(data_dir, NOON_NS + 3600)

    assert left.requests == (request(),)
    assert read(data_dir, "select lock_id, reason, status, due_ns from unlock_requests") == [
        (1, "I have an appointment", "asked", NOON_NS + 60)
    ]


@pytest.mark.parametrize("status", [s for s in UnlockStatus if s is not UnlockStatus.ASKED])
def test_a_request_that_is_settled_waits_no_more(data_dir: Path, status: UnlockStatus) -> None:
    store = SqliteLockStore(data_dir, CHICAGO)
    store.save(lock())
    store.save_request(request())
    store.save_request(request(status=status))
    store.close()

    assert left_by(data_dir).requests == ()
    assert read(data_dir, "select status from unlock_requests") == [(status.value,)]


def test_a_postponed_request_has_its_new_time(data_dir: Path) -> None:
    store = SqliteLockStore(data_dir, CHICAGO)
    store.save(lock())
    store.save_request(request())
    store.save_request(request(due_ns=NOON_NS + 900))
    store.close()

    assert [each.due_ns for each in left_by(data_dir).requests] == [NOON_NS + 900]


def test_an_unlock_ends_lock_and_request_as_one_and_is_told_by_the_next_start(
    data_dir: Path,
) -> None:
    store = SqliteLockStore(data_dir, CHICAGO)
    for each in (lock(1), lock(2, contract_id=MNQ), lock(3, rule_id="other")):
        store.save(each)
    store.save_request(request())
    store.end(lock(1), NOON_NS + 60, EndedBy.UNLOCK, request(status=UnlockStatus.DONE))
    store.end(lock(2, contract_id=MNQ), NOON_NS + 70, EndedBy.UNLOCK)
    store.end(lock(3, rule_id="other"), NOON_NS + 80, EndedBy.EXPIRED)
    store.close()

    left = left_by(data_dir, NOON_NS + 90)

    assert (left.locks, left.requests) == ((), ())
    assert left.unlocked == (
        (1, Unlocked("daily-loss", None, NOON_NS + 60)),
        (1, Unlocked("daily-loss", MNQ, NOON_NS + 70)),
    )


def test_a_busy_file_keeps_neither_half_of_an_unlock(data_dir: Path) -> None:
    store = SqliteLockStore(data_dir, CHICAGO)
    store.save(lock())
    store.save_request(request())
    busy = sqlite3.connect(data_dir / DATABASE_FILE)
    busy.execute("begin immediate")

    with pytest.raises(sqlite3.OperationalError, match="locked"):
        store.end(lock(), NOON_NS, EndedBy.UNLOCK, request(status=UnlockStatus.DONE))
    busy.rollback()
    busy.close()
    store.close()

    left = left_by(data_dir)
    assert (left.locks, left.requests) == ((lock(),), (request(),))


def test_a_lock_that_ended_while_a_request_waited_is_given_back_to_be_settled(
    data_dir: Path,
) -> None:
    """Both fell due while nothing ran; which came first is not for the store to say."""
    store = SqliteLockStore(data_dir, CHICAGO)
    store.save(lock())
    store.save_request(request())
    store.close()

    left = left_by(data_dir, DAY_END_NS + 1)

    assert [back.id for back in left.locks] == [1]
    assert left.past == ()


# --- for readers ------------------------------------------------------------------------------


def test_the_store_can_be_read_for_its_locks_while_it_is_open(data_dir: Path) -> None:
    store = SqliteLockStore(data_dir, CHICAGO)
    for each in (lock(1), lock(2, contract_id=MNQ, until_ns=None), lock(3)):
        store.save(each)
    store.save_request(request(2))
    store.end(lock(3), NOON_NS, EndedBy.EXPIRED)

    shown = stored_locks(data_dir, NOON_NS)

    said = "the limit was reached"
    due, why = NOON_NS + 60, "I have an appointment"
    assert shown == [
        StoredLock(1, 1, None, "daily-loss", NOON_NS, DAY_END_NS, said, None, None, "event-1"),
        StoredLock(2, 1, MNQ, "daily-loss", NOON_NS, None, said, due, why, "event-1"),
    ]
    assert [each.id for each in stored_locks(data_dir, DAY_END_NS)] == [2]
    store.close()


def test_a_store_that_is_not_there_is_not_made_by_looking(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        stored_locks(tmp_path, NOON_NS)

    assert list(tmp_path.iterdir()) == []


# --- the backup -------------------------------------------------------------------------------


def test_the_backup_gives_back_the_locks_it_was_written_with(data_dir: Path) -> None:
    held = [lock(evidence=FULL_EVIDENCE), lock(2, contract_id=MNQ, until_ns=None)]
    store = SqliteLockStore(data_dir, CHICAGO)
    store.back_up([lock(9)])
    store.back_up(held)
    store.close()

    assert read_backup(data_dir / BACKUP_FILE) == held
    assert not list(data_dir.glob("*.new"))


def test_without_a_backup_there_are_no_locks_in_it(tmp_path: Path) -> None:
    assert read_backup(tmp_path / BACKUP_FILE) == []


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"locks": [{}]}', '{"locks": [{"id": 1, "kept": 5}]}', "\x00" * 50]
)
def test_a_damaged_backup_says_so(tmp_path: Path, text: str) -> None:
    (tmp_path / BACKUP_FILE).write_text(text)

    with pytest.raises(BackupError, match="cannot be read"):
        read_backup(tmp_path / BACKUP_FILE)


def test_a_backup_that_cannot_be_written_leaves_the_one_before(
    data_dir: Path,
) -> None:
    store = SqliteLockStore(data_dir, CHICAGO)
    store.back_up([lock(1)])
    # In the way of the file that is written first.
    (data_dir / "locks.backup.new").mkdir()

    with pytest.raises(OSError, match=r"locks\.backup\.new"):
        store.back_up([lock(2)])
    store.close()

    assert [each.id for each in read_backup(data_dir / BACKUP_FILE)] == [1]
