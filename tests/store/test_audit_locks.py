# ruff: noqa: S608  # the statements are the test's own
"""The table `locks` compared with what the record tells of each lock."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from risk_actors import messages as m
from risk_actors.core.lock import EndedBy, Lock
from risk_actors.core.unlock_requests import UnlockStatus
from risk_actors.store.audit import Record
from risk_actors.store.audit_locks import BrokenLock, LocksVerified, verify_locks
from risk_actors.store.schema import DATABASE_FILE
from tests.actors.facts import CHICAGO, DAY_END_NS, ES, lock, say
from tests.conftest import NOON_NS, S
from tests.store.written import Told, change, quiet_fill, write_record

LATER_NS = NOON_NS + 3600 * S
PANIC = lock(1, rule_id="panic")
WAITING = lock(2, rule_id="guard", until_ns=None, contract_id=ES)
OVER = lock(3, rule_id="cooldown", until_ns=NOON_NS + 60 * S)


def told(
    *locks: Lock,
    engaged: Lock | None = None,
    ended: Lock | None = None,
    at_ns: int = NOON_NS,
    unsaved: int = 0,
    correlation_id: str = "event-1",
) -> Told:
    message = m.LocksChanged(
        correlation_id=correlation_id,
        at_ns=at_ns,
        account_id=1,
        locks=locks,
        engaged=engaged,
        ended=ended,
        unsaved=unsaved,
    )
    return Told("decisions", message)


def alive(data_dir: Path, at_ns: int, *, is_ended: bool) -> None:
    """Say until when the run lived, and whether it ended in order."""
    ended = at_ns if is_ended else "null"
    change(
        data_dir,
        f"update runs set started_ns = {NOON_NS - S}, alive_ns = {at_ns}, ended_ns = {ended}",
    )


DAY = [
    quiet_fill(1, at_ns=NOON_NS - 100 * S),
    told(PANIC, engaged=PANIC),
    told(PANIC, WAITING, engaged=WAITING),
    told(PANIC, WAITING, OVER, engaged=OVER),
    told(PANIC, WAITING, ended=OVER, at_ns=NOON_NS + 61 * S),
]


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    write_record(tmp_path, DAY)
    end(tmp_path, OVER, NOON_NS + 60 * S, EndedBy.EXPIRED)
    alive(tmp_path, LATER_NS, is_ended=True)
    return tmp_path


def end(data_dir: Path, ended: Lock, at_ns: int, by: EndedBy) -> None:
    change(
        data_dir,
        f"update locks set ended_ns = {at_ns}, ended_by = '{by}' where id = {ended.id}",
    )


def found(data_dir: Path) -> LocksVerified | BrokenLock:
    with Record(data_dir) as record:
        return verify_locks(record, CHICAGO)


def sentence(data_dir: Path) -> str:
    broken = found(data_dir)
    assert isinstance(broken, BrokenLock), broken
    return broken.sentence()


def test_locks_as_they_were_told_fit(data_dir: Path) -> None:
    assert found(data_dir) == LocksVerified(compared=3)


def test_a_lock_ended_by_hand_is_named(data_dir: Path) -> None:
    end(data_dir, PANIC, NOON_NS + 600 * S, EndedBy.CONDITION)

    assert sentence(data_dir) == (
        "lock 1 of panic on account 1: the table locks says that it ended at Tue 2026-11-17 "
        "12:10:00.000 CST, by condition; no lock like it ends so"
    )


@pytest.mark.parametrize(
    ("change_to", "words"),
    [
        ("since_ns = since_ns - 1", "began: the table locks says "),
        ("until_ns = until_ns - 3600000000000", "holds until: the table locks says Tue"),
        ("until_ns = null", "holds until: the table locks says a condition, the record Tue"),
        ("rule_id = 'other'", "rule: the table locks says other, the record panic"),
        ("account_id = 7", "account: the table locks says 7, the record 1"),
        ("contract_id = 'X'", "scope: the table locks says X, the record the whole account"),
        ("existing = 'keep'", "open positions: the table locks says keep, the record flatten"),
        ("kept = '[[\"X\", 5]]'", "lets stay: the table locks says "),
        ("ended_ns = 5, ended_by = 'unlock'", "record says that it was in force at Tue"),
        (f"ended_ns = {NOON_NS + 600 * S}, ended_by = 'unlock'", "record tells of no end of it"),
        (f"ended_ns = {DAY_END_NS}, ended_by = 'expired'", "when nothing ran that could end it"),
        ("ended_ns = 'now', ended_by = 'unlock'", "no lock like it ends so"),
    ],
)
def test_a_change_of_a_lock_is_found(data_dir: Path, change_to: str, words: str) -> None:
    change(data_dir, f"update locks set {change_to} where id = 1")

    assert words in sentence(data_dir)


def test_a_lock_that_was_removed_is_found(data_dir: Path) -> None:
    change(data_dir, "delete from locks where id = 2")

    assert sentence(data_dir) == "lock 2 of guard on account 1: it is not in the table locks"


def test_a_lock_that_nobody_engaged_is_found(data_dir: Path) -> None:
    change(
        data_dir,
        "insert into locks select 9, account_id, contract_id, rule_id, since_ns, until_ns,"
        " ended_ns, existing, reason, evidence, correlation_id, kept, ended_by"
        " from locks where id = 1",
    )

    assert sentence(data_dir).endswith("the record tells of no such lock")


@pytest.mark.parametrize(
    "change_to",
    [
        "ended_ns = null, ended_by = null",
        "ended_ns = ended_ns + 1",
        "ended_by = 'unlock'",
        "ended_by = null",
    ],
)
def test_an_end_that_was_told_otherwise_is_found(data_dir: Path, change_to: str) -> None:
    change(data_dir, f"update locks set {change_to} where id = 3")

    assert sentence(data_dir).startswith("lock 3 of cooldown on account 1: ")


@pytest.mark.parametrize("by", [EndedBy.CONDITION, EndedBy.UNLOCK])
def test_what_a_killed_run_could_not_tell_is_not_held_against_the_table(
    data_dir: Path, by: EndedBy
) -> None:
    end(data_dir, WAITING, LATER_NS, by)
    after_order = found(data_dir)
    alive(data_dir, LATER_NS, is_ended=False)

    assert isinstance(after_order, BrokenLock)
    assert found(data_dir) == LocksVerified(compared=3)
    end(data_dir, WAITING, LATER_NS - 600 * S, by)
    assert isinstance(found(data_dir), BrokenLock)


def test_a_lock_shortened_by_hand_is_found_although_the_next_run_believed_it(
    tmp_path: Path,
) -> None:
    shorter = lock(1, rule_id="panic", until_ns=LATER_NS)
    believed = told(shorter, at_ns=NOON_NS + 300 * S, correlation_id="restored-1")
    write_record(tmp_path, [DAY[0], told(PANIC, engaged=PANIC), believed])
    change(tmp_path, f"update locks set until_ns = {LATER_NS}")

    assert "and nothing in the record moved that" in sentence(tmp_path)


def test_a_lock_that_the_next_run_did_not_find_is_found_when_it_is_put_back(
    tmp_path: Path,
) -> None:
    without = told(at_ns=NOON_NS + 300 * S, correlation_id="restored-1")
    write_record(tmp_path, [DAY[0], told(PANIC, engaged=PANIC), without])

    assert sentence(tmp_path).endswith("stops telling of it as in force, and tells of no end of it")


def test_a_lock_that_a_rule_made_longer_fits(tmp_path: Path) -> None:
    longer = lock(1, rule_id="panic", until_ns=DAY_END_NS + S)
    write_record(tmp_path, [DAY[0], told(PANIC, engaged=PANIC), told(longer, engaged=longer)])

    assert found(tmp_path) == LocksVerified(compared=1)


def test_what_could_not_be_saved_need_not_be_in_the_table(tmp_path: Path) -> None:
    write_record(tmp_path, [DAY[0], told(PANIC, engaged=PANIC, unsaved=1)])
    change(tmp_path, "delete from locks")
    unsaved = found(tmp_path)
    rest = tmp_path / "saved"
    rest.mkdir()
    write_record(rest, [DAY[0], told(PANIC, engaged=PANIC, unsaved=1), told(PANIC)])
    change(rest, "delete from locks")

    assert unsaved == LocksVerified(compared=1)
    assert isinstance(found(rest), BrokenLock)


def test_an_unlock_fits_at_the_instant_it_was_due(tmp_path: Path) -> None:
    """It fell due while nothing ran, and was settled at the next start."""
    due_ns = NOON_NS + 600 * S
    asked = say(
        m.UnlockChanged,
        account_id=1,
        lock_id=1,
        rule_id="panic",
        status=UnlockStatus.ASKED,
        reason="calm",
        detail="",
        due_ns=due_ns,
    )
    done = say(
        m.UnlockChanged,
        account_id=1,
        lock_id=1,
        rule_id="panic",
        status=UnlockStatus.DONE,
        reason="calm",
        detail="",
    )
    write_record(
        tmp_path,
        [
            DAY[0],
            told(PANIC, engaged=PANIC),
            Told("decisions", asked),
            told(ended=PANIC, at_ns=LATER_NS),
            Told("decisions", done),
        ],
    )
    alive(tmp_path, LATER_NS, is_ended=True)
    end(tmp_path, PANIC, due_ns, EndedBy.UNLOCK)

    assert found(tmp_path) == LocksVerified(compared=1)
    end(tmp_path, PANIC, due_ns - S, EndedBy.UNLOCK)
    assert isinstance(found(tmp_path), BrokenLock)


def test_locks_older_than_the_record_are_not_judged(tmp_path: Path) -> None:
    write_record(tmp_path, [quiet_fill(1, at_ns=LATER_NS), told(PANIC, engaged=PANIC)])
    change(
        tmp_path,
        "delete from decisions",
        f"update locks set ended_ns = {NOON_NS + S}, ended_by = 'condition'",
    )

    assert found(tmp_path) == LocksVerified(compared=0, not_judged=1)


def test_a_row_that_is_no_message_of_ours_stops_nothing(data_dir: Path) -> None:
    with closing(sqlite3.connect(data_dir / DATABASE_FILE)) as database, database:
        database.execute("update decisions set message = '{\"locks\": 5}' where seq = 3")

    assert isinstance(found(data_dir), LocksVerified)
