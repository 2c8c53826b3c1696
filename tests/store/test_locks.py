import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlite_utils import Database

from risk_actors.core.evidence import Evidence
from risk_actors.core.lock import Lock, LockSpan
from risk_actors.core.verdict import Existing
from risk_actors.store.locks import SqliteLockStore
from risk_actors.store.schema import DATABASE_FILE, migrate, migrations
from tests.actors.facts import DAY_END_NS, MNQ, lock
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
        return list(store.in_force(now_ns))
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

    store.end(lock(1), NOON_NS + 5)

    assert [back.id for back in store.in_force(NOON_NS)] == [2]
    assert read(data_dir, "select id, ended_ns from locks") == [(1, NOON_NS + 5), (2, None)]
    store.close()


def test_a_lock_whose_instant_passed_while_we_were_down_is_not_restored(data_dir: Path) -> None:
    saved(data_dir, lock(1), lock(2, until_ns=None))

    assert [back.id for back in restored(data_dir, DAY_END_NS - 1)] == [1, 2]
    assert [back.id for back in restored(data_dir, DAY_END_NS)] == [2]


def test_the_highest_id_counts_ended_locks(data_dir: Path) -> None:
    store = SqliteLockStore(data_dir, CHICAGO)
    before = store.last_id()

    store.save(lock(41))
    store.end(lock(41), NOON_NS)

    assert (before, store.last_id()) == (0, 41)
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
    store.end(lock(2), 40)
    store.save(lock(3, 2, contract_id=MNQ, since_ns=50, until_ns=60))
    store.save(lock(4, since_ns=50, until_ns=901))

    told = store.ended_between(20, 900)

    assert told == [(1, LockSpan(None, 30, 40)), (2, LockSpan(MNQ, 50, 60))]
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
