"""A disk that is full: nothing is lost that can wait, and all is saved when there is room again."""

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from risk_actors import messages as m
from risk_actors.actors.journal import TRY_AGAIN_AFTER_NS, JournalActor
from risk_actors.actors.record import Batch
from risk_actors.core.rules.memory import RuleMemory
from risk_actors.runtime.clock import VirtualClock
from risk_actors.store.audit_verify import Verified, verify
from risk_actors.store.locks import SqliteLockStore
from risk_actors.store.recovery import Recovered, open_or_recover
from risk_actors.store.rule_states import read_rule_states
from risk_actors.store.schema import migrate
from tests.actors.facts import CHICAGO, WEEK_START_NS, breach_found, context_of, fill, lock, say
from tests.conftest import NOON_NS, RecordingOutbox, RecordingOverseer
from tests.store.kept import entry, journal_of, read

DISK_BYTES = 2_000_000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with very little room; only root may mount one."""
    directory = tmp_path / "disk"
    directory.mkdir()
    mounted = (
        # Windows has no such thing as root.
        getattr(os, "geteuid", lambda: -1)() == 0
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", directory],  # noqa: S607
            check=False,
            capture_output=True,
        ).returncode
    )
    if not mounted:
        pytest.skip("a file system cannot be mounted here")
    yield directory
    subprocess.run(["umount", directory], check=True)  # noqa: S607


def fill_up(directory: Path) -> Path:
    """Take all the room that is left."""
    ballast = directory / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (65_536, 512):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return ballast


class Rig:
    """A journal actor over the real store."""

    def __init__(self, data_dir: Path) -> None:
        self.clock = VirtualClock(NOON_NS)
        self.overseer = RecordingOverseer()
        context = context_of("journal", RecordingOutbox(JournalActor), self.clock, self.overseer)
        self.actor = JournalActor(context, zone=CHICAGO, open_store=lambda: journal_of(data_dir))
        self.actor.opened()

    def tell(self, *messages: m.Message) -> None:
        for message in messages:
            self.actor.handle(message)
            self.clock.advance(TRY_AGAIN_AFTER_NS)


def fills(first: int, count: int) -> list[m.FillReported]:
    return [
        say(m.FillReported, f"event-{number}", fill=fill(number, 1))
        for number in range(first, first + count)
    ]


def until_it_fails(rig: Rig, first: int = 1) -> int:
    """Tell fills until the store says that the disk is full; return the next number."""
    for number in range(first, first + 3_000):
        rig.tell(*fills(number, 1))
        if rig.overseer.faults:
            return number + 1
    raise AssertionError("the disk was never full")


def test_the_record_waits_for_room_and_nothing_of_it_is_lost(small_disk: Path) -> None:
    migrate(small_disk)
    rig = Rig(small_disk)
    rig.tell(breach_found())
    ballast = fill_up(small_disk)
    number = until_it_fails(rig)
    rig.tell(*fills(number, 20), breach_found(correlation_id="the last"))
    full = read(small_disk, "select count(*) from record")

    ballast.unlink()
    rig.tell(*fills(number + 20, 1))
    rig.actor.closed()

    (fault,) = rig.overseer.faults
    assert "could not write the record: database or disk is full" in fault
    assert full[0][0] < number
    assert read(small_disk, "select count(*) from fills") == [(number + 20,)]
    query = "select count(*), count(distinct correlation_id) from record"
    assert read(small_disk, query) == [(number + 22, number + 22 - 1)]
    verified = verify(small_disk)
    assert isinstance(verified, Verified)
    assert verified.rows == number + 22
    assert read(small_disk, "pragma integrity_check") == [("ok",)]


def test_i5_a_lock_met_by_a_full_disk_is_refused_and_kept_when_there_is_room(
    small_disk: Path,
) -> None:
    migrate(small_disk)
    store = SqliteLockStore(small_disk, CHICAGO)
    store.save(lock(1))
    ballast = fill_up(small_disk)

    def save_many() -> None:
        for number in range(2, 2_000):
            store.save(lock(number))

    with pytest.raises((sqlite3.OperationalError, OSError)):
        save_many()
    count = len(store.restored(NOON_NS, WEEK_START_NS).locks)
    ballast.unlink()
    store.save(lock(9_999))

    kept = store.restored(NOON_NS, WEEK_START_NS).locks
    assert [kept[0].id, kept[-1].id] == [1, 9_999]
    assert len(kept) == count + 1
    store.close()


def test_what_rules_remember_waits_too(small_disk: Path) -> None:
    migrate(small_disk)
    rig = Rig(small_disk)
    ballast = fill_up(small_disk)
    number = until_it_fails(rig)
    for state in ("first", "last"):
        rig.tell(
            say(
                m.RuleStateChanged,
                rule_id="trail",
                rule_type="trailing_drawdown",
                account_id=1,
                memory=RuleMemory(state=state),
            )
        )

    ballast.unlink()
    rig.tell(*fills(number, 1))
    rig.actor.closed()

    assert b'"last"' in read_rule_states(small_disk)["trail", "trailing_drawdown"][1]


def test_a_start_on_a_full_disk_knows_its_locks_and_writes_when_there_is_room(
    small_disk: Path,
) -> None:
    migrate(small_disk)
    rig = Rig(small_disk)
    locks = SqliteLockStore(small_disk, CHICAGO)
    locks.save(lock(1))
    ballast = fill_up(small_disk)
    number = until_it_fails(rig)

    recovered = open_or_recover(small_disk, NOON_NS, CHICAGO)
    later = Rig(small_disk)
    store = SqliteLockStore(small_disk, CHICAGO)
    kept = store.restored(NOON_NS, WEEK_START_NS).locks
    later.tell(*fills(number, 1))
    ballast.unlink()
    later.tell(*fills(number + 1, 1))
    later.actor.closed()

    assert recovered == Recovered()
    assert [one.id for one in kept] == [1]
    assert read(small_disk, f"select count(*) from fills where id >= {number}") == [(2,)]  # noqa: S608
    store.close()
    locks.close()
    rig.actor.closed()


def test_a_batch_met_by_a_full_file_leaves_nothing_behind(tmp_path: Path) -> None:
    """The same without a file system of one's own: SQLite's own limit on the file's pages."""
    migrate(tmp_path)
    journal = journal_of(tmp_path)
    journal.write(Batch([entry(1)]))
    pages = read(tmp_path, "pragma page_count")[0][0]
    journal._database.execute(f"pragma max_page_count = {pages + 1}")
    batch = Batch([entry(number) for number in range(2, 300)])

    with pytest.raises(sqlite3.OperationalError, match="full"):
        journal.write(batch)
    after_failure = read(tmp_path, "select count(*) from record")
    journal._database.execute("pragma max_page_count = 1000000")
    journal.write(batch)
    journal.close()

    assert after_failure == [(1,)]
    assert read(tmp_path, "select count(*) from record") == [(299,)]
    assert isinstance(verify(tmp_path), Verified)
