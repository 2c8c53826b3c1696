"""From every earlier version to this one, on real files of that version."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from risk_actors.store.audit_verify import Verified, verify
from risk_actors.store.locks import SqliteLockStore
from risk_actors.store.rule_states import read_rule_states
from risk_actors.store.runs import read_last_run, read_openings
from risk_actors.store.schema import (
    DATABASE_FILE,
    RECORD_TABLES,
    NewerStoreError,
    migrate,
    migrations,
)
from tests.actors.facts import CHICAGO, DAY_END_NS, WEEK_START_NS
from tests.conftest import NOON_NS, S

SECOND, THIRD = "remember_rules_and_kept_positions", "split_the_record_and_keep_what_is"

JOURNAL = [
    ("FillReported", 1, "bought 1 MNQ", '{"type":"FillReported"}'),
    ("BreachFound", 1, "ü ≥ 500", '{"type":"BreachFound","event":{"type":"FillReported"}}'),
    ("SendClose", 1, "close MNQ", '{"type":"SendClose"}'),
    ("CommandAnswered", 1, "accepted", '{"type":"CommandAnswered"}'),
    ("ConnectionChanged", None, "", '{"type":"ConnectionChanged"}'),
]
PLACES = ["events", "decisions", "commands", "outcomes", "events"]


def execute(directory: Path, *statements: str) -> list[Any]:
    with closing(sqlite3.connect(directory / DATABASE_FILE)) as connection, connection:
        rows = [connection.execute(statement).fetchall() for statement in statements]
    return rows[-1]


def a_store_of_version(version: int, directory: Path, rows: int = len(JOURNAL)) -> None:
    database = Database(directory / DATABASE_FILE)
    database.enable_wal()
    migrations.apply(database, stop_before=SECOND if version == 1 else THIRD)
    database["locks"].insert(
        {
            "id": 7,
            "account_id": 1,
            "rule_id": "daily-loss",
            "since_ns": NOON_NS,
            "until_ns": DAY_END_NS,
            "existing": "flatten",
            "reason": "r",
            "evidence": '{"template":"t","figures":{}}',
            "correlation_id": "event-1",
        }
    )
    database["journal"].insert_all(
        {
            "at_ns": NOON_NS + number * S,
            "correlation_id": f"event-{number}",
            "kind": kind,
            "account_id": account_id,
            "text": text,
            "message": message,
        }
        for number, (kind, account_id, text, message) in (
            (number, JOURNAL[number % len(JOURNAL)]) for number in range(rows)
        )
    )
    if version > 1:
        database["rule_states"].insert(
            {
                "rule_id": "trail",
                "account_id": 1,
                "rule_type": "trailing_drawdown",
                "memory": '{"state":{"high":"50100"}}',
                "changed_ns": 5,
            }
        )
    database.close()


@pytest.mark.parametrize("version", [1, 2])
def test_nothing_is_lost_on_the_way_from_an_earlier_version(version: int, tmp_path: Path) -> None:
    """I5: nothing is forgotten."""
    a_store_of_version(version, tmp_path)

    migrate(tmp_path)

    locks = SqliteLockStore(tmp_path, CHICAGO)
    assert [lock.id for lock in locks.restored(NOON_NS, WEEK_START_NS).locks] == [7]
    locks.close()
    states = {("trail", "trailing_drawdown"): {1: b'{"state":{"high":"50100"}}'}}
    assert read_rule_states(tmp_path) == (states if version > 1 else {})
    rows = execute(
        tmp_path,
        "select place, seq, at, at_ns, run_id, correlation_id, kind, account_id, text, message"
        " from record order by seq",
    )
    assert rows == [
        (
            *(PLACES[number], number + 1, f"2026-11-17 18:00:0{number}.000+00:00"),
            *(NOON_NS + number * S, 0, f"event-{number}"),
            *JOURNAL[number],
        )
        for number in range(len(JOURNAL))
    ]


@pytest.mark.parametrize("version", [1, 2])
def test_rows_of_an_earlier_version_are_chained(version: int, tmp_path: Path) -> None:
    a_store_of_version(version, tmp_path, rows=2_345)

    migrate(tmp_path)

    verified = verify(tmp_path)
    assert isinstance(verified, Verified)
    assert (verified.rows, verified.unchained) == (2_345, 0)


def test_the_table_of_the_earlier_versions_is_gone_and_its_pages_given_back(tmp_path: Path) -> None:
    a_store_of_version(2, tmp_path, rows=20_000)

    migrate(tmp_path)

    assert execute(tmp_path, "select name from sqlite_master where name = 'journal'") == []
    assert execute(tmp_path, "pragma auto_vacuum") == [(2,)]
    assert execute(tmp_path, "pragma freelist_count") == [(0,)]
    assert execute(tmp_path, "pragma integrity_check") == [("ok",)]


def test_a_migration_that_fails_changes_nothing(tmp_path: Path) -> None:
    a_store_of_version(2, tmp_path)
    execute(tmp_path, "create table settings (stands_in_the_way int)")
    before = execute(tmp_path, "select name, sql from sqlite_master order by name")

    with pytest.raises(sqlite3.OperationalError, match="settings"):
        migrate(tmp_path)

    assert execute(tmp_path, "select name, sql from sqlite_master order by name") == before
    assert execute(tmp_path, "select count(*) from journal") == [(len(JOURNAL),)]


def test_a_new_store_and_a_migrated_one_have_the_same_tables(tmp_path: Path) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    new.mkdir()
    old.mkdir()
    a_store_of_version(1, old)

    migrate(new)
    migrate(old)

    query = "select name, sql from sqlite_master order by name"
    assert execute(new, query) == execute(old, query)
    tables = {name for name, _ in execute(new, query)}
    assert {*RECORD_TABLES, "accounts", "fills", "trades", "positions", "pnl_days"} <= tables


def test_a_store_of_a_later_version_is_refused_and_not_touched(tmp_path: Path) -> None:
    migrate(tmp_path)
    execute(
        tmp_path,
        "insert into _sqlite_migrations (migration_set, name, applied_at)"
        " values ('risk_actors', 'a_later_one', '')",
    )
    before = (tmp_path / DATABASE_FILE).read_bytes()

    with pytest.raises(NewerStoreError, match=r"later version.*a_later_one.*nothing was changed"):
        migrate(tmp_path)

    assert (tmp_path / DATABASE_FILE).read_bytes() == before


def test_a_new_store_knows_of_no_run_before(tmp_path: Path) -> None:
    migrate(tmp_path)

    last = read_last_run(tmp_path)

    assert (last.alive_ns, last.day_start_ns, last.week_start_ns) == (None, None, None)
    assert read_openings(tmp_path) == {}
