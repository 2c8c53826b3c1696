import json
import sqlite3
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from risk_actors import messages as m
from risk_actors.actors.record import Batch, Entry
from risk_actors.core.broker import Fill
from risk_actors.core.commands import CloseContract
from risk_actors.core.lock import EndedBy
from risk_actors.core.rules.memory import RuleMemory
from risk_actors.runtime.tape import Note
from risk_actors.store.audit_verify import Verified, verify
from risk_actors.store.locks import SqliteLockStore
from risk_actors.store.schema import DATABASE_FILE, migrate, open_database
from risk_actors.store.suspect import SUSPECT_FILE
from risk_actors.store.tape import read_tape
from tests.actors.facts import (
    CHICAGO,
    MNQ,
    account_state,
    account_updated,
    answered,
    breach_found,
    fill,
    lock,
    open_position,
    quote,
    say,
    snapshot,
    tick,
)
from tests.conftest import NOON_NS, S
from tests.store.kept import RUN, entry, entry_of, journal_of, read


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    migrate(tmp_path)
    return tmp_path


def write(data_dir: Path, *entries: Entry) -> None:
    journal = journal_of(data_dir)
    journal.write(Batch(entries, alive_ns=NOON_NS + 1))
    journal.close()


def messages_in(data_dir: Path) -> list[Any]:
    return [json.loads(text) for (text,) in read(data_dir, "select message from record")]


CLOSE = CloseContract(id=1, account_id=1, contract_id=MNQ, correlation_id="c")


@pytest.mark.parametrize(
    ("message", "table"),
    [
        (say(m.FillReported, fill=fill(1, 2)), "events"),
        (say(m.PayloadRejected, source="s", detail="d", payload="{}"), "events"),
        (say(m.TraderActed, action="arm", accepted=True, detail="d"), "events"),
        (quote(MNQ, "20010", "20011"), "events"),
        (breach_found(), "decisions"),
        (say(m.LocksChanged, account_id=1, locks=(lock(),), engaged=lock()), "decisions"),
        (say(m.SendClose, command=CLOSE), "commands"),
        (answered(1), "outcomes"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, m.Message) else value,
)
def test_a_row_goes_into_the_table_of_its_kind(
    data_dir: Path, message: m.Message, table: str
) -> None:
    write(data_dir, entry_of(message))

    assert read(data_dir, "select place, kind from record") == [(table, type(message).__name__)]


def test_rows_of_all_tables_are_one_sequence_in_which_each_follows_from_the_one_before(
    data_dir: Path,
) -> None:
    close = say(m.SendClose, command=CLOSE)

    write(data_dir, entry(2), entry(1, close), entry(3, say(m.FillReported, fill=fill(1, 2))))

    rows = read(data_dir, "select place, seq, at_ns, correlation_id from record order by seq")
    assert rows == [
        ("decisions", 1, 2, "event-2"),
        ("commands", 2, 1, "event-1"),
        ("events", 3, 3, "event-3"),
    ]
    assert read(data_dir, "select last_seq from runs") == [(3,)]
    verified = verify(data_dir)
    assert isinstance(verified, Verified)
    assert verified.rows == 3


def test_an_instant_reads_as_in_the_zone_of_the_session(data_dir: Path) -> None:
    write(data_dir, entry(NOON_NS + 5_999_999))

    assert read(data_dir, "select at, at_ns from record") == [
        ("2026-11-17 12:00:00.005-06:00", NOON_NS + 5_999_999)
    ]


def test_a_cause_with_a_row_of_its_own_is_named_and_a_quote_is_told(data_dir: Path) -> None:
    by_quote = breach_found()
    by_quote = m.BreachFound(
        correlation_id="event-1",
        at_ns=NOON_NS,
        rule_id="r",
        account_id=1,
        breach=by_quote.breach,
        event=quote(MNQ, "20010", "20011"),
    )

    write(data_dir, entry_of(breach_found()), entry_of(by_quote))

    by_fill, told = messages_in(data_dir)
    assert by_fill["event"] == {
        "type": "FillReported",
        "correlation_id": "event-1",
        "at_ns": NOON_NS,
    }
    assert by_fill["breach"]["action"] == {"type": "Flatten", "contract_ids": []}
    assert told["event"]["quote"]["bid"] == "20010"


def test_a_snapshot_tells_how_many_fills_and_which_are_new_or_gone(data_dir: Path) -> None:
    first = snapshot(fills=(fill(1, 2), fill(2, -2)))
    second = snapshot(fills=(fill(2, -2), fill(3, 1)), asked_ns=NOON_NS + S)

    write(data_dir, entry_of(first), entry_of(second))

    told = messages_in(data_dir)
    assert [one["fills"] for one in told] == [2, 2]
    assert [[new["id"] for new in one["new_fills"]] for one in told] == [[1, 2], [3]]
    assert [one["gone_fills"] for one in told] == [[], [1]]


def test_a_snapshot_without_fills_says_so(data_dir: Path) -> None:
    write(data_dir, entry_of(snapshot(fills=None)))

    (told,) = messages_in(data_dir)
    assert told["fills"] is None
    assert "new_fills" not in told


def test_rows_go_on_after_those_of_an_earlier_run(data_dir: Path) -> None:
    for number in (1, 2):
        journal = journal_of(data_dir, RUN._replace(started_ns=NOON_NS + number))
        journal.write(Batch([entry(number)], alive_ns=NOON_NS + number))
        journal.close()

    assert read(data_dir, "select seq, at_ns, run_id from record") == [(1, 1, 1), (2, 2, 2)]
    assert isinstance(verify(data_dir), Verified)


def test_a_run_is_noted_from_its_start_to_its_end(data_dir: Path) -> None:
    journal = journal_of(data_dir)
    before = read(data_dir, "select * from runs")
    journal.write(Batch(alive_ns=NOON_NS + 7))
    query = "select started_ns, alive_ns, ended_ns, version, mode, armed, setup from runs"
    during = read(data_dir, query)
    journal.write(Batch(alive_ns=NOON_NS + 9))
    journal.close()

    rest = ("1.2", "paper", 1, "{}")
    assert before == []
    assert during == [(NOON_NS, NOON_NS + 7, None, *rest)]
    assert read(data_dir, query) == [(NOON_NS, NOON_NS + 9, NOON_NS + 9, *rest)]


def test_a_journal_that_failed_and_came_again_is_in_the_same_run(data_dir: Path) -> None:
    journal_of(data_dir).write(Batch([entry(1)], alive_ns=1))
    journal_of(data_dir).write(Batch([entry(2)], alive_ns=2))

    assert read(data_dir, "select run_id from record") == [(1,), (1,)]


def test_a_batch_is_written_as_a_whole_or_not_at_all(data_dir: Path) -> None:
    """What was half written would be written again with the next batch."""
    journal = journal_of(data_dir)
    batch = [entry_of(say(m.FillReported, fill=fill(i, 1))) for i in range(1, 251)]
    broken = [*batch[:240], batch[240]._replace(kind=None)]  # type: ignore[arg-type]

    with pytest.raises(sqlite3.IntegrityError):
        journal.write(Batch(broken))
    after_failure = read(data_dir, "select (select count(*) from record) + count(*) from fills")
    journal.write(Batch(batch))

    assert after_failure == [(0,)]
    assert read(data_dir, "select count(*), max(seq) from record") == [(250, 250)]
    assert read(data_dir, "select fills from pnl_days") == [(250,)]
    journal.close()


def test_text_that_is_no_valid_unicode_does_not_hold_up_the_record(data_dir: Path) -> None:
    """JSON may carry half a surrogate pair; neither JSON's encoder nor SQLite takes it back."""
    broken = "half a pair: \ud83d"
    message = say(m.PayloadRejected, source="GatewayUserOrder", detail=broken, payload="{}")

    write(data_dir, entry(1, message, text=broken), entry(2))

    (row, _) = read(data_dir, "select text, message from record order by seq")
    assert row[0] == "half a pair: \\ud83d"
    assert json.loads(row[1])["detail"] == broken


@pytest.mark.parametrize(
    "nonsense",
    [
        say(m.FillReported, fill=fill(2**70, 1)),
        say(m.FillReported, fill=fill(1, 1, at_ns=2**62)),
        say(m.FillReported, fill=fill(1, 1, at_ns=-(2**80))),
        say(m.FillReported, fill=fill(1, 2**65)),
        say(m.FillReported, fill=fill(1, 1, account_id=2**64)),
        say(m.DayOpened, account_id=1, day_start_ns=2**70, balance_usd=Decimal(1)),
        say(m.TraderActed, action="arm", accepted=object(), detail="d"),
    ],
    ids=["id", "late", "early", "size", "account", "day", "no JSON"],
)
def test_a_number_that_no_column_holds_does_not_hold_up_the_record(
    data_dir: Path, nonsense: m.Message
) -> None:
    """What the broker sends is not ours to choose."""
    write(data_dir, entry(1), entry(2, nonsense), entry(3))

    assert read(data_dir, "select seq from record order by seq") == [(1,), (2,), (3,)]
    assert isinstance(verify(data_dir), Verified)


def test_an_account_that_no_column_holds_does_not_hold_up_the_record(data_dir: Path) -> None:
    journal = journal_of(data_dir)
    strange = account_updated(account_state(open_position(2**70)))

    journal.write(Batch([entry(1)], accounts=[strange, account_updated(account_state())]))

    assert read(data_dir, "select seq from record") == [(1,)]


@pytest.mark.parametrize(
    "strange", [fill(1, 1, at_ns=10 * 10**18), fill(1, 1, contract_id="C\ud800")], ids=["at", "id"]
)
def test_of_fills_one_that_is_strange_does_not_hold_up_the_others(
    data_dir: Path, strange: Fill
) -> None:
    """What is stored once more with each snapshot must not fail with each either."""
    pushed = say(m.FillReported, fill=strange)
    listed = snapshot(fills=(strange, fill(2, 3)))

    write(data_dir, entry_of(pushed), entry_of(listed), entry(2))

    assert read(data_dir, "select count(*) from record") == [(3,)]
    assert read(data_dir, "select size from fills where id = 2") == [(3,)]
    assert read(data_dir, "select fills from pnl_days where fills > 0") != []
    assert isinstance(verify(data_dir), Verified)


@pytest.mark.parametrize(
    "strange",
    [
        entry(2)._replace(correlation_id="half a pair: \ud83d"),
        entry(2)._replace(kind="half a pair: \ud83d"),
        entry(2)._replace(at_ns=2**70),
        entry(2, say(m.PayloadRejected, source="s", detail=object(), payload="{}")),
    ],
    ids=["correlation", "kind", "instant", "message"],
)
def test_a_row_that_cannot_be_stored_is_told_as_far_as_it_can(
    data_dir: Path, strange: Entry
) -> None:
    write(data_dir, entry(1), strange, entry(3))

    rows = read(data_dir, "select seq, text from record order by seq")
    assert rows == [(1, "text"), (2, "text"), (3, "text")]
    assert isinstance(verify(data_dir), Verified)


def test_a_memory_that_cannot_be_stored_does_not_hold_up_the_others(data_dir: Path) -> None:
    good, bad = (
        say(
            m.RuleStateChanged,
            rule_id=rule_id,
            rule_type="t",
            account_id=1,
            memory=RuleMemory(reported=reported),
        )
        for rule_id, reported in (("good", "x"), ("bad", "half a pair: \ud83d"))
    )
    journal = journal_of(data_dir)

    journal.write(Batch([entry(1)], memories=[bad, good]))
    journal.close()

    assert read(data_dir, "select rule_id from rule_states") == [("good",)]
    assert read(data_dir, "select count(*) from record") == [(1,)]


def test_of_an_account_what_no_column_holds_does_not_hide_the_rest(data_dir: Path) -> None:
    journal = journal_of(data_dir)
    state = account_state(
        open_position(2**70), open_position(2, contract_id="ES\ud800"), name="half: \ud83d"
    )

    journal.write(Batch([entry(1)], accounts=[account_updated(state)]))
    journal.close()

    assert read(data_dir, "select contract_id, size from positions") == [("ES\\ud800", 2)]
    assert read(data_dir, "select name from accounts") == [("half: \\ud83d",)]


def test_nobody_waits_for_the_tape_to_be_encoded(data_dir: Path) -> None:
    """The lockout's saves give up soon: what takes long comes before the transaction."""
    journal = journal_of(data_dir)
    locks = SqliteLockStore(data_dir, CHICAGO)
    locks.save(lock(1))

    class Saving(list[Note]):
        """Saves a lock while it is looked at for the tape."""

        def __iter__(self) -> Iterator[Note]:
            locks.save(lock(2))
            return super().__iter__()

    journal.write(Batch([entry(1)], tape={"pnl": Saving([Note("timer", NOON_NS, tick())])}))
    journal.close()
    locks.close()

    assert read(data_dir, "select count(*) from locks") == [(2,)]
    assert read(data_dir, "select notes from tape") == [(1,)]


def test_a_tape_whose_row_was_not_committed_goes_on_with_one_that_stands_alone(
    data_dir: Path,
) -> None:
    journal = journal_of(data_dir)
    notes = {"pnl": [Note("timer", NOON_NS, tick())]}
    journal.write(Batch(tape=notes))
    locks = open_database(data_dir)
    journal._database.execute("pragma busy_timeout = 0")
    locks.execute("begin immediate")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        journal.write(Batch(tape=notes))
    locks.rollback()

    journal.write(Batch(tape=notes))

    assert [len(row.notes["pnl"]) for row in read_tape(locks, 1)] == [1, 1]
    locks.close()
    journal.close()


def test_what_no_tape_holds_ends_the_tape_and_not_the_record(data_dir: Path) -> None:
    journal = journal_of(data_dir)
    strange = [Note("timer", 2**70, tick())]

    for number in (1, 2):
        journal.write(Batch([entry(number)], tape={"pnl": strange}))

    assert read(data_dir, "select seq from record") == [(1,), (2,)]
    assert read(data_dir, "select notes from tape") == [(0,)]


def test_the_tape_is_written_with_the_rows(data_dir: Path) -> None:
    journal = journal_of(data_dir)

    journal.write(Batch(tape={"pnl": [Note("timer", NOON_NS, tick())]}))
    journal.close()

    assert read(data_dir, "select run_id, notes from tape") == [(1, 1)]


def test_of_a_run_whose_tape_lacks_something_no_more_is_kept(data_dir: Path) -> None:
    """What follows a gap cannot be replayed; the next run's can."""
    notes = {"pnl": [Note("timer", NOON_NS, tick())]}
    journal = journal_of(data_dir)
    journal.write(Batch(tape=notes, tape_lost=1))
    journal.write(Batch(tape=notes))
    journal.close()

    journal = journal_of(data_dir, RUN._replace(started_ns=NOON_NS + 1))
    journal.write(Batch(tape=notes))
    journal.close()

    assert read(data_dir, "select run_id, notes from tape") == [(1, 0), (2, 1)]


def test_a_file_found_damaged_while_in_use_is_noted_for_the_next_start(data_dir: Path) -> None:
    journal = journal_of(data_dir)
    journal.write(Batch([entry(number) for number in range(500)]))
    journal.close()
    path = data_dir / DATABASE_FILE
    data = bytearray(path.read_bytes())
    half = len(data) // 8_192 * 4_096
    data[half:] = b"\xff" * (len(data) - half)
    path.write_bytes(data)
    journal = journal_of(data_dir)

    with pytest.raises(sqlite3.DatabaseError):
        journal.write(Batch([entry(1)]))

    assert (data_dir / SUSPECT_FILE).exists()


def test_the_file_is_in_wal_mode_and_sound(data_dir: Path) -> None:
    assert read(data_dir, "pragma journal_mode") == [("wal",)]
    assert read(data_dir, "pragma integrity_check") == [("ok",)]


def test_migrating_twice_changes_nothing(data_dir: Path) -> None:
    write(data_dir, entry(1))
    before = read(data_dir, "select name, sql from sqlite_master order by name")

    migrate(data_dir)

    assert read(data_dir, "select name, sql from sqlite_master order by name") == before
    assert read(data_dir, "select count(*) from record") == [(1,)]


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
            journal = journal_of(data_dir)
            start.wait(5)
            for number in range(rounds):
                journal.write(Batch([entry(number), entry(number)]))
            journal.close()
        except BaseException as error:  # noqa: BLE001 - shown by the test
            failures.append(error)

    def write_locks() -> None:
        try:
            locks = SqliteLockStore(data_dir, CHICAGO)
            start.wait(5)
            for number in range(1, rounds + 1):
                locks.save(lock(number))
                locks.end(lock(number), NOON_NS, EndedBy.EXPIRED)
            locks.close()
        except BaseException as error:  # noqa: BLE001 - shown by the test
            failures.append(error)

    threads = [threading.Thread(target=target) for target in (write_journal, write_locks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)

    assert failures == []
    assert read(data_dir, "select count(*) from record") == [(2 * rounds,)]
    assert read(data_dir, "select count(*), count(ended_ns) from locks") == [(rounds, rounds)]
