"""Whether the record is as it was written: every row follows from the row before it.

A chain of hashes shows that something was changed by whoever did not reckon all later hashes
again. Who can write the file can do that too; then only the hash of the last row, kept elsewhere,
tells. So the head is part of the answer.
"""

from datetime import UTC, tzinfo
from itertools import chain, pairwise
from pathlib import Path
from typing import NamedTuple

from risk_actors.store.audit import Anchor, End, Record, RecordRow
from risk_actors.store.audit_words import in_words
from risk_actors.store.record_chain import GENESIS, row_hash
from risk_actors.store.schema import RECORD_TABLES

_CHANGED = "what it says was changed after it was written"
_HASH_CHANGED = "its hash was changed"
_DOES_NOT_FOLLOW = "it does not follow from the row before it"


class Verified(NamedTuple):
    """The record is whole."""

    rows: int
    """How many were checked."""
    head_seq: int
    head_hash: str
    """Of the last row; to be kept elsewhere by who wants to show later that nothing changed."""
    cut_off_seq: int = 0
    """Rows up to this one are not kept any more; 0 when all are."""
    follows: str = ""
    """Why the record begins where it does; empty when it has its first row."""
    unchained: int = 0
    """Rows that a version without hashes left; nothing can be said about them."""


class BrokenRow(NamedTuple):
    """The first row that is not as it was written."""

    table: str
    """Empty when the row is gone, for nothing tells where it stood."""
    seq: int
    at: str
    """The instant in words; empty when it cannot be told."""
    problem: str
    rows: int
    """How many before it were checked and are whole."""

    def sentence(self) -> str:
        """Return it in plain words."""
        place = f" of table {self.table}" if self.table else ""
        at = f" ({self.at})" if self.at else ""
        return f"row {self.seq}{place}{at}: {self.problem}"


def verify(data_dir: Path, zone: tzinfo = UTC) -> Verified | BrokenRow:
    """Check every row of the chain; instants are told in the zone.

    Raises:
        FileNotFoundError: there is no store in the directory.
        sqlite3.Error: the file cannot be read or is no database.
    """
    with Record(data_dir) as record:
        return verify_record(record, zone)


def verify_record(record: Record, zone: tzinfo = UTC) -> Verified | BrokenRow:
    """Check every row of the chain of a store that is open; instants are told in the zone.

    Raises:
        sqlite3.Error: the file cannot be read or is no database.
    """
    walk = _Walk(record.anchors(), record.noted_end(), zone)
    for row, after in pairwise(chain(record.chained_rows(), (None,))):
        if row is None:
            break
        broken = walk.step(row, after)
        if broken is not None:
            return broken
    broken = walk.compare_end()
    if broken is not None:
        return broken
    return Verified(
        rows=walk.rows,
        head_seq=walk.seq,
        head_hash=walk.hash,
        cut_off_seq=walk.cut_off_seq,
        follows=walk.follows,
        unchained=record.count_legacy(),
    )


class _Walk:
    """Goes from row to row and knows where it is."""

    def __init__(self, anchors: list[Anchor], end: End | None, zone: tzinfo) -> None:
        self._anchors = anchors
        self._end = end
        self._zone = zone
        self.rows = 0
        self.seq = 0
        self.hash = GENESIS
        self.cut_off_seq = 0
        self.follows = ""
        self._table = ""
        if anchors:
            self._begin_after(anchors[-1])

    def _begin_after(self, anchor: Anchor) -> None:
        self.seq, self.hash, self.cut_off_seq = anchor.seq, anchor.hash, anchor.seq
        self.follows = anchor.why

    def step(self, row: RecordRow, after: RecordRow | None) -> BrokenRow | None:
        """Return what is wrong with the next row, given the one after it."""
        if self.rows == 0:
            self._begin(row.seq)
        problem = self._place(row, after)
        if problem is not None:
            return problem
        reckoned = _hash_of(self.hash, row)
        if reckoned is None or reckoned != row.hash:
            return self._broken(row, self._diagnosis(row, after, reckoned))
        self.rows += 1
        self.seq, self.hash, self._table = row.seq, reckoned, row.table
        for anchor in self._anchors:
            if anchor.seq == row.seq and anchor.hash != row.hash:
                return self._broken(row, "the record was cut off here with another hash")
        return None

    def _begin(self, first_seq: int) -> None:
        """Begin after the last anchor before the first row; later ones are compared in passing."""
        before = [anchor for anchor in self._anchors if anchor.seq < first_seq]
        if before:
            self._begin_after(before[-1])
        else:
            self.seq, self.hash, self.cut_off_seq, self.follows = 0, GENESIS, 0, ""

    def _place(self, row: RecordRow, after: RecordRow | None) -> BrokenRow | None:
        """Return a row that is missing or there twice."""
        missing = row.seq - self.seq - 1
        if missing > 0 and self._end is not None and self._end.seq <= self.seq:
            return self._broken(row, f"it was inserted; {self._noted(self._end)}")
        if missing > 0:
            many = f"it and the {missing - 1:,} after it are" if missing > 1 else "it is"
            where = f"the next is row {row.seq} of table {row.table} ({self._when(row)})"
            return BrokenRow("", self.seq + 1, "", f"{many} missing; {where}", self.rows)
        if row.seq <= self.seq:
            return self._broken(row, f"its number stands in {self._table} too")
        if after is not None and after.seq == row.seq:
            # Which of the two was put there is told by the hash.
            false, true = row, after
            if _hash_of(self.hash, row) == row.hash:
                false, true = after, row
            return self._broken(false, f"its number stands in {true.table} too")
        return None

    def _diagnosis(self, row: RecordRow, after: RecordRow | None, reckoned: str | None) -> str:
        for table in RECORD_TABLES:
            if table != row.table and _hash_of(self.hash, row._replace(table=table)) == row.hash:
                return f"it was moved here from table {table}"
        if after is not None and after.seq == row.seq + 1:
            if reckoned is not None and _hash_of(reckoned, after) == after.hash:
                return _HASH_CHANGED
            if row.hash is not None and _hash_of(row.hash, after) == after.hash:
                return self._changed()
        return _DOES_NOT_FOLLOW if after is not None else f"{_CHANGED}, or {_HASH_CHANGED}"

    def _changed(self) -> str:
        if self.rows == 0 and self.cut_off_seq:
            return f"{_CHANGED}, or the anchor at {self.cut_off_seq}, which it follows, was changed"
        return _CHANGED

    def _broken(self, row: RecordRow, problem: str) -> BrokenRow:
        return BrokenRow(row.table, row.seq, self._when(row), problem, self.rows)

    def _when(self, row: RecordRow) -> str:
        return in_words(row.at_ns, self._zone)

    def _noted(self, end: End) -> str:
        return f"run {end.run_id} notes that the record ends at {end.seq}"

    def compare_end(self) -> BrokenRow | None:
        """Return what is wrong where the rows end, compared with what the runs note."""
        end = self._end
        if end is None:
            return None
        if end.seq > self.seq:
            problem = f"it is missing; {self._noted(end)}"
            return BrokenRow("", self.seq + 1, "", problem, self.rows)
        if end.seq < self.seq:
            problem = f"it was added; {self._noted(end)}"
            return BrokenRow("", end.seq + 1, "", problem, self.rows)
        if end.hash != self.hash:
            problem = f"run {end.run_id} notes another hash for it, the last row"
            return BrokenRow(self._table, self.seq, "", problem, self.rows)
        return None


def _hash_of(previous: str, row: RecordRow) -> str | None:
    """Return the hash of a row; None when no row of ours could look like that."""
    if any(isinstance(value, bytes | float) for value in row):
        return None
    try:
        return row_hash(previous, row._asdict())
    except UnicodeEncodeError:
        return None
