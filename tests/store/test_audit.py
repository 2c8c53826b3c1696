# ruff: noqa: S608  # the statements are the test's own
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from risk_actors.store.audit import Record, Selection
from risk_actors.store.audit_verify import BrokenRow, Verified, verify
from risk_actors.store.record_chain import GENESIS, row_hash
from risk_actors.store.schema import (
    DATABASE_FILE,
    RECORD_TABLES,
    migrate,
    migrations,
    open_database,
)
from tests.actors.facts import CHICAGO
from tests.conftest import NOON_NS, S
from tests.store.written import Told, a_breach, ask, change, quiet_fill, quiet_order, write_record

LATER_NS = NOON_NS + 60 * S
TWO = [
    quiet_order(1),
    *a_breach("quote-1"),
    quiet_fill(2),
    *a_breach("quote-2", account_id=102, since_ns=LATER_NS),
]
"""Rows 1 to 16; row 3 is the first breach in `decisions`, row 4 the first close in `commands`."""
ALL_BUT_SEQ = "at, at_ns, run_id, account_id, correlation_id, kind, text, message, hash"
COLUMNS = (
    ("at", "'2020-01-01'"),
    ("at_ns", "at_ns + 1"),
    ("run_id", "2"),
    ("account_id", "999"),
    ("account_id", "iif(account_id is null, 0, null)"),
    ("correlation_id", "'quote-3'"),
    ("kind", "'Tick'"),
    ("text", "'nothing happened'"),
    ("text", "null"),
    ("text", "cast(x'ff' as text)"),
    ("text", "cast(text as blob)"),
    ("message", "'{}'"),
)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    write_record(tmp_path, TWO)
    return tmp_path


def broken(data_dir: Path) -> BrokenRow:
    found = verify(data_dir)
    assert isinstance(found, BrokenRow)
    return found


def test_what_was_written_is_whole(tmp_path: Path) -> None:
    head = write_record(tmp_path, TWO)

    assert verify(tmp_path) == Verified(rows=16, head_seq=16, head_hash=head)


def test_an_empty_store_is_whole(tmp_path: Path) -> None:
    migrate(tmp_path)

    assert verify(tmp_path) == Verified(rows=0, head_seq=0, head_hash=GENESIS)


@pytest.mark.parametrize(("column", "value"), COLUMNS)
@pytest.mark.parametrize(
    ("table", "seq"), [("events", 2), ("decisions", 3), ("commands", 4), ("outcomes", 7)]
)
def test_a_change_of_any_column_is_found_and_named(
    data_dir: Path, table: str, seq: int, column: str, value: str
) -> None:
    change(data_dir, f"update {table} set {column} = {value} where seq = {seq}")

    found = broken(data_dir)

    assert (found.table, found.seq, found.rows) == (table, seq, seq - 1)
    assert found.problem == "what it says was changed after it was written"
    assert found.at.startswith("Tue 2026-11-17 18:00:0")


def test_a_change_of_the_last_row_is_found(data_dir: Path) -> None:
    change(data_dir, "update decisions set text = 'flat' where seq = 16")

    assert broken(data_dir)[:2] == ("decisions", 16)


def test_a_change_of_the_last_row_with_its_hash_is_found(data_dir: Path) -> None:
    """The run notes which hash the last row had."""
    change(data_dir, "update decisions set text = 'flat' where seq = 16")
    with Record(data_dir) as record:
        *_, before, last = record.chained_rows()
    assert before.hash is not None
    change(
        data_dir,
        f"update decisions set hash = '{row_hash(before.hash, last._asdict())}' where seq = 16",
    )

    assert broken(data_dir).sentence() == (
        "row 16 of table decisions: run 1 notes another hash for it, the last row"
    )


def test_a_changed_hash_is_told_from_a_changed_row(data_dir: Path) -> None:
    change(
        data_dir, "update commands set hash = replace(hash, substr(hash, 1, 1), 'x') where seq = 4"
    )

    assert broken(data_dir).sentence() == (
        "row 4 of table commands (Tue 2026-11-17 18:00:00.001 UTC): its hash was changed"
    )


@pytest.mark.parametrize("seq", [1, 2, 3, 4, 7])
def test_a_deleted_row_is_found(data_dir: Path, seq: int) -> None:
    change(data_dir, *(f"delete from {table} where seq = {seq}" for table in RECORD_TABLES))

    found = broken(data_dir)

    assert (found.table, found.seq, found.rows) == ("", seq, seq - 1)
    assert found.problem.startswith(f"it is missing; the next is row {seq + 1} of table ")


def test_several_deleted_rows_are_counted(data_dir: Path) -> None:
    change(data_dir, *(f"delete from {table} where seq between 3 and 5" for table in RECORD_TABLES))

    assert broken(data_dir).problem.startswith(
        "it and the 2 after it are missing; the next is row 6"
    )


@pytest.mark.parametrize("kept", [0, 5, 15])
def test_a_record_cut_off_at_its_end_is_found(data_dir: Path, kept: int) -> None:
    change(data_dir, *(f"delete from {table} where seq > {kept}" for table in RECORD_TABLES))

    found = broken(data_dir)

    assert (found.table, found.seq, found.rows) == ("", kept + 1, kept)
    assert found.problem == "it is missing; run 1 notes that the record ends at 16"


def test_deleting_and_numbering_anew_is_found(data_dir: Path) -> None:
    change(
        data_dir,
        "delete from commands where seq = 4",
        *(f"update {table} set seq = -seq where seq > 4" for table in RECORD_TABLES),
        *(f"update {table} set seq = -seq - 1 where seq < 0" for table in RECORD_TABLES),
    )

    found = broken(data_dir)

    assert (found.table, found.seq) == ("decisions", 4)
    assert found.problem == "it does not follow from the row before it"


def test_a_row_moved_to_another_table_is_found(data_dir: Path) -> None:
    change(
        data_dir,
        "insert into events select * from decisions where seq = 3",
        "delete from decisions where seq = 3",
    )

    assert broken(data_dir)[:2] == ("events", 3)
    assert broken(data_dir).problem == "it was moved here from table decisions"


@pytest.mark.parametrize("copy", RECORD_TABLES[:1] + RECORD_TABLES[2:])
def test_a_row_that_stands_twice_is_found(data_dir: Path, copy: str) -> None:
    change(data_dir, f"insert into {copy} select * from decisions where seq = 3")

    assert broken(data_dir)[:2] == (copy, 3)
    assert broken(data_dir).problem == "its number stands in decisions too"


def test_a_row_put_at_the_end_is_found(data_dir: Path) -> None:
    with Record(data_dir) as record:
        *_, last = record.chained_rows()
    assert last.hash is not None
    added = last._replace(seq=17)
    values = {**added._asdict(), "hash": row_hash(last.hash, added._asdict())}
    del values["table"]
    with closing(sqlite3.connect(data_dir / DATABASE_FILE)) as connection, connection:
        marks = ", ".join("?" * len(values))
        connection.execute(f"insert into decisions values ({marks})", tuple(values.values()))

    assert broken(data_dir).sentence() == (
        "row 17: it was added; run 1 notes that the record ends at 16"
    )


def test_a_row_put_far_behind_the_end_was_inserted_and_none_is_missing(data_dir: Path) -> None:
    change(data_dir, "insert into events select 100005, " + ALL_BUT_SEQ + " from events limit 1")

    assert broken(data_dir).sentence() == (
        "row 100005 of table events (Tue 2026-11-17 17:59:59.000 UTC): it was inserted; "
        "run 1 notes that the record ends at 16"
    )


def test_many_missing_rows_are_counted_in_thousands_and_times_told_in_the_zone(
    data_dir: Path,
) -> None:
    change(
        data_dir,
        "update runs set last_seq = 100005",
        "insert into events select 100005, " + ALL_BUT_SEQ + " from events limit 1",
    )

    found = verify(data_dir, CHICAGO)

    assert isinstance(found, BrokenRow)
    assert found.sentence() == (
        "row 17: it and the 99,987 after it are missing; the next is row 100005 of table events "
        "(Tue 2026-11-17 11:59:59.000 CST)"
    )


@pytest.mark.parametrize(("one", "other"), [(2, 9), (10, 2)])
def test_two_rows_that_changed_places_are_found(data_dir: Path, one: int, other: int) -> None:
    change(
        data_dir,
        f"update events set seq = -1 where seq = {one}",
        f"update events set seq = {one} where seq = {other}",
        f"update events set seq = {other} where seq = -1",
    )
    swapped = [seq for (seq,) in ask(data_dir, "select seq from events where seq in (2, 9, 10)")]

    assert broken(data_dir).seq == min(one, other), swapped


def test_a_row_of_the_same_hash_but_another_number_is_found(data_dir: Path) -> None:
    change(data_dir, "update events set seq = 99 where seq = 9")

    assert broken(data_dir).seq == 9


# --- the beginning cut off by retention ---------------------------------------------------------


def cut_off(data_dir: Path, seq: int) -> None:
    """Drop rows as retention does: what goes is named by its last row."""
    where = " union all ".join(f"select hash from {t} where seq = {seq}" for t in RECORD_TABLES)
    change(
        data_dir,
        f"insert into record_anchors select {seq}, ({where}), 1, 'older than is kept'",
        *(f"delete from {table} where seq <= {seq}" for table in RECORD_TABLES),
    )


@pytest.mark.parametrize("seqs", [(1,), (8,), (2, 8), (16,)])
def test_what_is_left_after_a_cut_is_whole(data_dir: Path, seqs: tuple[int, ...]) -> None:
    for seq in seqs:
        cut_off(data_dir, seq)

    found = verify(data_dir)

    assert isinstance(found, Verified)
    assert (found.rows, found.head_seq, found.cut_off_seq) == (16 - seqs[-1], 16, seqs[-1])


def test_a_record_that_begins_anew_after_damage_says_so(tmp_path: Path) -> None:
    head = write_record(tmp_path, TWO)
    why = "the record before is in risk.db.damaged-1"
    change(tmp_path, f"insert into record_anchors values (0, '{GENESIS}', 1, '{why}')")

    assert verify(tmp_path) == Verified(rows=16, head_seq=16, head_hash=head, follows=why)


def test_a_change_after_a_cut_is_found(data_dir: Path) -> None:
    cut_off(data_dir, 8)
    change(data_dir, "update decisions set text = '' where seq = 11")

    assert broken(data_dir)[:2] == ("decisions", 11)


def test_an_anchor_that_does_not_fit_is_found(data_dir: Path) -> None:
    cut_off(data_dir, 8)
    change(data_dir, "update record_anchors set hash = 'x'")

    found = broken(data_dir)

    assert found.seq == 9
    assert found.problem == (
        "what it says was changed after it was written, or the anchor at 8, which it follows, "
        "was changed"
    )


def test_a_cut_further_than_the_anchor_says_is_found(data_dir: Path) -> None:
    cut_off(data_dir, 4)
    change(data_dir, *(f"delete from {table} where seq <= 6" for table in RECORD_TABLES))

    assert (broken(data_dir).table, broken(data_dir).seq) == ("", 5)


def test_an_anchor_amid_rows_must_bear_the_hash_of_its_row(data_dir: Path) -> None:
    change(data_dir, "insert into record_anchors values (5, 'x', 1, 'why')")

    found = broken(data_dir)

    assert (found.seq, found.problem) == (5, "the record was cut off here with another hash")


def test_a_beginning_that_is_gone_without_an_anchor_is_found(data_dir: Path) -> None:
    change(data_dir, *(f"delete from {table} where seq <= 8" for table in RECORD_TABLES))

    assert broken(data_dir).problem.startswith("it and the 7 after it are missing")


# --- reading ------------------------------------------------------------------------------------


def test_rows_come_in_one_order_over_the_tables(data_dir: Path) -> None:
    with Record(data_dir) as record:
        rows = list(record.rows())

    assert [row.seq for row in rows] == list(range(1, 17))
    assert [row.table for row in rows[1:5]] == ["events", "decisions", "commands", "decisions"]


@pytest.mark.parametrize(
    ("selection", "seqs"),
    [
        (Selection(account_id=102), list(range(11, 17))),
        (Selection(correlation_ids=("quote-2",)), list(range(10, 17))),
        (Selection(since_ns=LATER_NS), list(range(10, 17))),
        (Selection(until_ns=NOON_NS), [1]),
        (Selection(since_ns=NOON_NS, until_ns=NOON_NS + 1), [2, 9]),
        (Selection(account_id=7), []),
    ],
)
def test_a_selection_is_of_time_account_and_chain(
    data_dir: Path, selection: Selection, seqs: list[int]
) -> None:
    with Record(data_dir) as record:
        found = [row.seq for row in record.rows(selection)]
        latest_ns = record.latest_ns(selection)

    assert [seq for seq in found if seq in seqs] == seqs
    assert (latest_ns is None) == (not found)


def test_a_record_that_is_open_sees_no_later_rows_and_holds_up_nobody(data_dir: Path) -> None:
    with Record(data_dir) as record:
        before = len(list(record.rows()))
        change(
            data_dir,
            "insert into events select 17, at, at_ns, run_id, account_id, "
            "correlation_id, kind, text, message, hash from events where seq = 1",
        )

        assert len(list(record.rows())) == before
    assert ask(data_dir, "select count(*) from events where seq = 17") == [(1,)]


def test_a_record_that_is_read_is_not_written(data_dir: Path) -> None:
    with Record(data_dir) as record, pytest.raises(sqlite3.OperationalError, match="readonly"):
        record._connection.execute("delete from events")


def test_many_chains_are_read_at_once(data_dir: Path) -> None:
    ids = [f"none-{number}" for number in range(50_000)]
    with Record(data_dir) as record:
        rows = list(record.rows_of([*ids, "quote-2", "quote-2"]))

    assert [row.seq for row in rows] == list(range(10, 17))


@pytest.mark.parametrize("applied", [1, 2])
def test_a_store_of_an_earlier_version_can_be_read_before_it_is_migrated(
    tmp_path: Path, applied: int
) -> None:
    database = open_database(tmp_path)
    earlier = migrations.pending(database)[:applied]
    migrations.apply(database, stop_before=migrations.pending(database)[applied].name)
    database["journal"].insert(
        {
            "at_ns": NOON_NS,
            "correlation_id": "event-1",
            "kind": "FillReported",
            "account_id": 1,
            "text": "",
            "message": "{}",
        }
    )
    database.close()
    assert len(earlier) == applied

    with Record(tmp_path) as record:
        (row,) = record.rows()

    assert (row.table, row.seq, row.hash, row.run_id) == ("journal", 1, None, None)
    assert verify(tmp_path) == Verified(rows=0, head_seq=0, head_hash=GENESIS, unchained=1)


def test_where_no_store_is_none_is_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Record(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / DATABASE_FILE).write_bytes(b"this is no database, and long enough to be one" * 99)

    with pytest.raises(sqlite3.DatabaseError):
        Record(tmp_path)


def test_names_that_a_directory_may_have_do_no_harm(tmp_path: Path) -> None:
    odd = tmp_path / "50% of # it? é"
    odd.mkdir()
    write_record(odd, [Told(*quiet_fill(1))])

    assert isinstance(verify(odd), Verified)
