"""What is too old goes, in small steps, and what stays can still be verified."""

from pathlib import Path

import pytest

from risk_actors import messages as m
from risk_actors.actors.record import Batch, Entry
from risk_actors.runtime.tape import Note
from risk_actors.store.audit_verify import BrokenRow, Verified, verify
from risk_actors.store.journal import SqliteJournal
from risk_actors.store.retention import (
    NS_PER_DAY,
    PAGES_LEFT,
    ROWS_AT_ONCE,
    TAPE_BYTES_AT_ONCE,
    Retention,
)
from risk_actors.store.schema import DATABASE_FILE, migrate
from tests.actors.facts import fill, say, tick
from tests.conftest import NOON_NS
from tests.store.kept import RUN, entry, entry_of, journal_of, read

KEEP = Retention(record_days=10, tape_days=2, tape_mb=5)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    migrate(tmp_path)
    return tmp_path


@pytest.fixture
def journal(data_dir: Path) -> SqliteJournal:
    return journal_of(data_dir, keep=KEEP)


def tidied(journal: SqliteJournal, now_ns: int) -> int:
    """Return how many steps it took."""
    steps = 1
    while journal.tidy(now_ns):
        steps += 1
    return steps


def rows_of(days: int, each: int) -> list[Entry]:
    return [
        entry(NOON_NS + day * NS_PER_DAY + number) for day in range(days) for number in range(each)
    ]


def verified_rows(data_dir: Path) -> tuple[int, int]:
    found = verify(data_dir)
    assert isinstance(found, Verified), found
    return found.cut_off_seq, found.rows


@pytest.mark.parametrize(
    ("days_later", "cut_off"),
    [(0, 0), (10, 0), (11, 100), (12, 200), (30, 2_000)],
)
def test_of_the_record_what_is_old_is_cut_off_and_the_rest_still_verifies(
    data_dir: Path, journal: SqliteJournal, days_later: int, cut_off: int
) -> None:
    journal.write(Batch(rows_of(days=20, each=100)))

    tidied(journal, NOON_NS + days_later * NS_PER_DAY)

    assert verified_rows(data_dir) == (cut_off, 2_000 - cut_off)


def test_rows_go_on_where_all_of_the_record_was_dropped(
    data_dir: Path, journal: SqliteJournal
) -> None:
    journal.write(Batch(rows_of(days=1, each=3)))
    tidied(journal, NOON_NS + 99 * NS_PER_DAY)
    journal.close()
    later = journal_of(data_dir, RUN._replace(started_ns=NOON_NS + 99 * NS_PER_DAY))

    later.write(Batch([entry(NOON_NS + 99 * NS_PER_DAY)]))

    assert read(data_dir, "select seq from record") == [(4,)]
    assert verified_rows(data_dir) == (3, 1)
    later.close()


def test_a_row_taken_out_by_hand_still_shows(data_dir: Path, journal: SqliteJournal) -> None:
    journal.write(Batch(rows_of(days=20, each=10)))
    tidied(journal, NOON_NS + 15 * NS_PER_DAY)

    journal._database.execute("delete from decisions where seq = (select min(seq) from decisions)")

    assert isinstance(verify(data_dir), BrokenRow)


def test_an_old_row_between_younger_ones_stays(data_dir: Path, journal: SqliteJournal) -> None:
    """The clock was set; only the beginning is ever cut off."""
    day = NS_PER_DAY
    journal.write(Batch([entry(NOON_NS), entry(NOON_NS + 20 * day), entry(NOON_NS + 1)]))

    tidied(journal, NOON_NS + 20 * day)

    assert read(data_dir, "select seq from record order by seq") == [(2,), (3,)]
    assert verified_rows(data_dir) == (1, 2)


def test_no_step_is_long(data_dir: Path, journal: SqliteJournal) -> None:
    journal.write(Batch(rows_of(days=1, each=4 * ROWS_AT_ONCE + 1)))
    counts = []

    while journal.tidy(NOON_NS + 30 * NS_PER_DAY):
        counts.append(read(data_dir, "select count(*) from record")[0][0])

    assert counts[:5] == [3 * ROWS_AT_ONCE + 1, 2 * ROWS_AT_ONCE + 1, ROWS_AT_ONCE + 1, 1, 0]


def test_locks_fills_and_days_are_kept_for_good(data_dir: Path, journal: SqliteJournal) -> None:
    journal.write(Batch([entry_of(say(m.FillReported, fill=fill(1, 1)))]))

    tidied(journal, NOON_NS + 999 * NS_PER_DAY)

    kept = [read(data_dir, f"select * from {table}") for table in ("fills", "pnl_days", "runs")]  # noqa: S608
    assert [len(rows) for rows in kept] == [1, 1, 1]


def tape_of(journal: SqliteJournal, *days: float, size: int = 1_000_000) -> None:
    for day in days:
        at_ns = NOON_NS + int(day * NS_PER_DAY)
        journal._database.execute(
            "insert into tape (run_id, first_ns, last_ns, notes, data)"
            " values (1, ?, ?, 1, zeroblob(?))",
            [at_ns, at_ns, size],
        )


@pytest.mark.parametrize(
    ("days", "left"),
    [
        ([0, 1, 2, 3], [2, 3]),
        ([2.1] * 9, [2.1] * 5),
        ([0, *[2.1] * 7], [2.1] * 5),
        ([3, 3], [3, 3]),
    ],
    ids=["old", "large", "both", "neither"],
)
def test_of_the_tape_goes_what_is_old_and_what_is_too_much(
    data_dir: Path, journal: SqliteJournal, days: list[float], left: list[float]
) -> None:
    journal.write(Batch())
    tape_of(journal, *days)

    tidied(journal, NOON_NS + 4 * NS_PER_DAY)

    kept = read(data_dir, "select first_ns from tape order by id")
    assert kept == [(NOON_NS + int(day * NS_PER_DAY),) for day in left]


def test_of_a_run_that_lost_its_beginning_the_rest_goes_too(
    data_dir: Path, journal: SqliteJournal
) -> None:
    """It cannot be replayed; of the run that is going on what is new stays."""
    for number in (1, 2):
        run = journal_of(data_dir, RUN._replace(started_ns=NOON_NS + number), keep=KEEP)
        for day in (0, 1, 3, 4):
            run.write(Batch(tape={"pnl": [Note("timer", NOON_NS + day * NS_PER_DAY, tick())]}))
        run.close()

    tidied(journal, NOON_NS + 4 * NS_PER_DAY)

    assert read(data_dir, "select run_id, count(*) from tape group by run_id") == [(2, 2)]


def test_of_a_run_cut_while_it_went_on_the_rest_goes_once_it_is_over(
    data_dir: Path, journal: SqliteJournal
) -> None:
    for day in (0, 3, 4):
        journal.write(Batch(tape={"pnl": [Note("timer", NOON_NS + day * NS_PER_DAY, tick())]}))
    tidied(journal, NOON_NS + 4 * NS_PER_DAY)
    cut = read(data_dir, "select run_id, count(*) from tape group by run_id")
    later = journal_of(data_dir, RUN._replace(started_ns=NOON_NS + 9), keep=KEEP)
    later.write(Batch(tape={"pnl": [Note("timer", NOON_NS, tick())]}))

    tidied(later, NOON_NS)

    assert cut == [(1, 2)]
    assert read(data_dir, "select run_id, count(*) from tape group by run_id") == [(2, 1)]


def test_the_file_gives_back_what_was_dropped(data_dir: Path, journal: SqliteJournal) -> None:
    journal.write(Batch())
    tape_of(journal, *[0.0] * 20)
    before = read(data_dir, "pragma page_count")[0][0]

    steps = tidied(journal, NOON_NS + 4 * NS_PER_DAY)
    journal.close()

    assert steps > 20_000_000 // TAPE_BYTES_AT_ONCE
    assert before * 4096 > 20_000_000
    assert (data_dir / DATABASE_FILE).stat().st_size < (PAGES_LEFT + 200) * 4096
    assert read(data_dir, "pragma integrity_check") == [("ok",)]


def test_a_year_does_not_make_the_file_grow_beyond_what_is_kept(
    data_dir: Path, journal: SqliteJournal
) -> None:
    """A year of small days, tidied at each reset: the file is as large as ten days are."""
    sizes = []
    for day in range(365):
        at_ns = NOON_NS + day * NS_PER_DAY
        journal.write(Batch([entry(at_ns + number) for number in range(40)], alive_ns=at_ns))
        tidied(journal, at_ns)
        sizes.append(read(data_dir, "pragma page_count")[0][0])
    journal.close()

    assert max(sizes[30:]) <= max(sizes[:30]) + 200
    assert verified_rows(data_dir) == (354 * 40, 11 * 40)
