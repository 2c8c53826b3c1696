"""Small rows of the tape put together, once the run that wrote them is over.

Small rows compress badly: most of each is what the row before also said. What a busy run wrote
takes half the room afterwards.
"""

from typing import Any

import msgspec
from sqlite_utils import Database

from risk_actors.store.tape import MANY, ONE, pieces_of
from risk_actors.store.tape_rows import squeeze

_BLOCK_BYTES = 1 << 19
"""What is put together is about this large before it is compressed: it takes some 20 ms."""
_ROWS_AT_ONCE = 1_000
"""As many small rows are put together at most, for each that goes has to be taken out."""
_LOOKED_AT_ONCE = 20
"""Rows looked at in one step: each is read whole."""
_HARDEST = 9


class Compaction:
    """Puts rows together from the first to the last, a few in each step."""

    def __init__(self, database: Database) -> None:
        self._database = database
        # Up to here nothing is left to do; rows are only ever added behind.
        self._done_id = 0

    def step(self) -> bool:
        """Put some rows together and commit; tell whether there may be more.

        Raises:
            sqlite3.Error: it cannot be written.
        """
        looked_at = self._database.execute(
            "select run_id, id, substr(data, 1, 1) from tape"
            " where id > ? and run_id < (select max(id) from runs) order by id limit ?",
            [self._done_id, _LOOKED_AT_ONCE],
        ).fetchall()
        for run_id, row_id, kind in looked_at:
            self._done_id = row_id
            if kind == ONE:
                block = self._block(run_id, row_id)
                if block:
                    self._put_together(run_id, block)
                    self._done_id = block[-1][0]
                    break
        return bool(looked_at)

    def _put_together(self, run_id: int, block: list[Any]) -> None:
        pieces = [piece for row in block for piece in pieces_of(row[4])]
        # It takes long, so it is done before the locks' writer has to wait.
        data = MANY + squeeze(msgspec.msgpack.encode(pieces), _HARDEST)
        with self._database.atomic():
            self._database.execute(
                "update tape set first_ns = ?, last_ns = ?, notes = ?, data = ? where id = ?",
                [
                    min(row[1] for row in block),
                    max(row[2] for row in block),
                    sum(row[3] for row in block),
                    data,
                    block[0][0],
                ],
            )
            self._database.execute(
                "delete from tape where run_id = ? and id > ? and id <= ?",
                [run_id, block[0][0], block[-1][0]],
            )

    def _block(self, run_id: int, first_id: int) -> list[Any]:
        """Return small rows that follow one another, as many as make a block."""
        rows = self._database.execute(
            "select id, first_ns, last_ns, notes, data from tape where run_id = ? and id >= ?"
            " order by id limit ?",
            [run_id, first_id, _ROWS_AT_ONCE],
        )
        block: list[Any] = []
        size = 0
        for row in rows:
            if row[4][:1] != ONE or size >= _BLOCK_BYTES:
                break
            try:
                size += sum(map(len, pieces_of(row[4])))
            except ValueError:
                break  # what is damaged stays as it is, for a replay to name it
            block.append(row)
        return block
