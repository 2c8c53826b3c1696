"""How long what is in the store is kept, and the dropping of what is older, in small steps.

Of the record only the beginning is ever cut off, and the number and hash of the last row dropped
stay in `record_anchors`, so that what is kept still follows from it.
"""

from typing import Any, NamedTuple

from sqlite_utils import Database

from risk_actors.core.evidence import NS_PER_S
from risk_actors.store.schema import RECORD_TABLES
from risk_actors.store.tape import is_cut_off
from risk_actors.store.tape_compact import Compaction

NS_PER_DAY = 86_400 * NS_PER_S
ROWS_AT_ONCE = 250
"""Rows of the record looked at in one step."""
TAPE_BYTES_AT_ONCE = 500_000
PAGES_AT_ONCE = 64
"""Pages given back to the file system in one step, a quarter of a megabyte."""
PAGES_LEFT = 1_000
"""Free pages that the file may keep: they are soon used again."""
TOO_OLD = "kept long enough"


class Retention(NamedTuple):
    """How long what is in the store is kept; see `[store]` of app.toml."""

    record_days: int = 400
    tape_days: int = 14
    tape_mb: int = 256


class Tidying:
    """Drops what is too old. Each step is short, commits, and tells whether more is left."""

    def __init__(self, database: Database, keep: Retention) -> None:
        self._database = database
        self._keep = keep
        self._tape_bytes: int | None = None
        self._compaction = Compaction(database)
        # The run whose tape is the oldest, and whether its beginning is gone.
        self._oldest_run: tuple[int, bool] | None = None

    def step(self, now_ns: int) -> bool:
        """Do the next thing there is to do."""
        if self._drop_record(now_ns - self._keep.record_days * NS_PER_DAY):
            return True
        if self._drop_tape(now_ns - self._keep.tape_days * NS_PER_DAY):
            return True
        if self._compaction.step():
            return True
        self._tape_bytes = None
        return self._give_back()

    def _drop_record(self, before_ns: int) -> bool:
        """Cut off the beginning of the record, as far as it is older and one step goes."""
        first = self._first_seq()
        if first is None:
            return False
        kept_from = self._first_kept(first, first + ROWS_AT_ONCE, before_ns)
        if kept_from == first:
            return False
        last = self._row_before(kept_from)
        self._database.execute("begin immediate")
        try:
            for name in RECORD_TABLES:
                self._database.execute(
                    f"delete from {name} where seq < ?",  # noqa: S608 - a name
                    [kept_from],
                )
            self._database.execute("delete from record_anchors where why = ?", [TOO_OLD])
            self._database.execute(
                "insert or replace into record_anchors (seq, hash, at_ns, why) values (?, ?, ?, ?)",
                [*last, TOO_OLD],
            )
            self._database.commit()
        except BaseException:
            self._database.rollback()
            raise
        return True

    def _first_seq(self) -> int | None:
        firsts: list[int | None] = [
            self._one(f"select min(seq) from {name}", [])  # noqa: S608 - a name
            for name in RECORD_TABLES
        ]
        return min((first for first in firsts if first is not None), default=None)

    def _first_kept(self, first: int, end: int, before_ns: int) -> int:
        """Return the first row of a stretch that is not too old, or the one after the stretch."""
        kept = [
            self._one(
                f"select min(seq) from {name}"  # noqa: S608 - a name
                " where seq >= ? and seq < ? and at_ns >= ?",
                [first, end, before_ns],
            )
            for name in RECORD_TABLES
        ]
        found = min((seq for seq in kept if seq is not None), default=None)
        if found is not None:
            return int(found)
        highest: list[int | None] = [
            self._one(f"select max(seq) from {name} where seq < ?", [end])  # noqa: S608 - a name
            for name in RECORD_TABLES
        ]
        return max(seq for seq in highest if seq is not None) + 1

    def _row_before(self, seq: int) -> tuple[int, str, int]:
        """Return number, hash and instant of the last row before one."""
        rows: list[tuple[int, str, int] | None] = [
            self._database.execute(
                f"select seq, hash, at_ns from {name}"  # noqa: S608 - a name
                " where seq < ? order by seq desc limit 1",
                [seq],
            ).fetchone()
            for name in RECORD_TABLES
        ]
        return max(row for row in rows if row is not None)

    def _drop_tape(self, before_ns: int) -> bool:
        """Drop the oldest of the tape that is too old, or more than fits.

        A run whose beginning goes cannot be replayed any more, so the rest of it goes too. Only of
        the run that is going on it stays.
        """
        if self._tape_bytes is None:
            self._tape_bytes = self._one("select coalesce(sum(length(data)), 0) from tape", [])
        excess = self._tape_bytes - self._keep.tape_mb * 1_000_000
        dropped: list[int] = []
        size = 0
        rows = self._database.execute(
            "select id, run_id, last_ns, length(data) from tape order by id limit 200"
        ).fetchall()
        going_on = self._one("select max(id) from runs", [])
        for row_id, run_id, last_ns, length in rows:
            is_cut = run_id != going_on and self._is_cut(row_id, run_id)
            is_too_old = last_ns < before_ns
            if size >= TAPE_BYTES_AT_ONCE or not (is_cut or is_too_old or excess > size):
                break
            if run_id != going_on:
                self._oldest_run = run_id, True
            dropped.append(row_id)
            size += length
        if not dropped:
            return False
        with self._database.conn:
            self._database.execute("delete from tape where id <= ?", [dropped[-1]])
        self._tape_bytes -= size
        return True

    def _is_cut(self, row_id: int, run_id: int) -> bool:
        """Tell whether the beginning of a run's tape is gone, given the first row that is left."""
        if self._oldest_run is None or self._oldest_run[0] != run_id:
            data = self._one("select data from tape where id = ?", [row_id])
            self._oldest_run = run_id, is_cut_off(data)
        return self._oldest_run[1]

    def _give_back(self) -> bool:
        """Shrink the file by some of its free pages."""
        free = int(self._one("pragma freelist_count", []))
        if free <= PAGES_LEFT:
            return False
        # The pragma works as its rows are fetched.
        self._database.execute(f"pragma incremental_vacuum({PAGES_AT_ONCE})").fetchall()
        return int(self._one("pragma freelist_count", [])) < free

    def _one(self, query: str, values: list[Any]) -> Any:
        return self._database.execute(query, values).fetchone()[0]
