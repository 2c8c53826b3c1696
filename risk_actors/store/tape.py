"""The tape in the store: what every judging actor was given, so that a run can be done again."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec
from sqlite_utils import Database

from risk_actors.runtime.tape import Note, StoreFailed
from risk_actors.store.tape_rows import KeptNote, KeptRow, RowReader, RowWriter, squeeze, unsqueeze

_ONE, _MANY = b"1", b"n"
"""How a row's data begins: one row of notes, or many that were put together."""
_BLOCK_BYTES = 1 << 19
"""What is put together is about this large before it is compressed: it takes some 20 ms."""
_HARDEST = 9


class TapeWriter:
    """Writes the tape of one run; used by the journal's store alone, in its thread."""

    def __init__(self, database: Database, run_id: int) -> None:
        self._database = database
        self._run_id = run_id
        self._rows = RowWriter()

    def write(self, notes: Mapping[str, Sequence[Note]], lost: int = 0) -> None:
        """Add one row with the notes of each address; the caller commits.

        `lost` notes, of any address, are missing before them: what follows cannot be replayed.

        Where the caller undoes it instead, it has to say so (`undone`), for the next row begins
        where this one ended.

        Raises:
            sqlite3.Error: it cannot be written.
            ValueError: a note is none that an actor makes.
        """
        instants = [note.at_ns for taken in notes.values() for note in (*taken[:1], *taken[-1:])]
        if not instants and not lost:
            return
        data = _ONE + squeeze(self._rows.encode(notes, lost))
        try:
            self._database.execute(
                "insert into tape (run_id, first_ns, last_ns, notes, data) values (?, ?, ?, ?, ?)",
                [
                    self._run_id,
                    min(instants, default=0),
                    max(instants, default=0),
                    sum(len(taken) for taken in notes.values()),
                    data,
                ],
            )
        except BaseException:
            self.undone()
            raise

    def undone(self) -> None:
        """Take note that what was written since the last commit is not there."""
        self._rows.begin_anew()


class TapeDamagedError(Exception):
    """A row of the tape is missing or cannot be read, so what follows cannot be done again."""


class TapeCutOffError(TapeDamagedError):
    """The beginning of a tape is not kept any more."""


def read_tape(database: Database, run_id: int) -> Iterator[KeptRow]:
    """Yield what each address was given, row after row of a run, oldest first.

    In every row a note's cause is in the same row or in an earlier one.

    Raises:
        TapeCutOffError: the beginning is missing.
        TapeDamagedError: a row cannot be read.
    """
    reader, is_first = RowReader(), True
    rows = database.execute("select id, data from tape where run_id = ? order by id", [run_id])
    for row_id, data in rows:
        try:
            for piece in _pieces(data):
                if is_first and not reader.is_beginning(piece):
                    raise TapeCutOffError("the beginning of its tape is not kept any more")
                is_first = False
                yield reader.decode(piece)
        except ValueError as error:
            raise TapeDamagedError(f"row {row_id} of the tape: {error}") from error


def read_store_failures(database: Database, run_id: int) -> dict[int, str]:
    """Return which calls of the lock store raised in a run, with what they said.

    A replay must know them before it comes to the note, which follows the message that was handled.
    Where a row is damaged it is those before it, for no replay comes further.
    """
    if not _mentions(database, run_id, StoreFailed.__name__):
        return {}
    failures: dict[int, str] = {}
    with suppress(TapeDamagedError):
        for row in read_tape(database, run_id):
            for notes in row.notes.values():
                for note in notes:
                    if isinstance(note, KeptNote) and isinstance(note.message, StoreFailed):
                        failures[note.message.call] = note.message.detail
    return failures


def _mentions(database: Database, run_id: int, name: str) -> bool:
    """Tell whether some row brings a name; far cheaper than to read all notes."""
    wanted = name.encode()
    for (data,) in database.execute("select data from tape where run_id = ?", [run_id]):
        with suppress(ValueError):
            if any(wanted in piece for piece in _pieces(data)):
                return True
    return False


def compact_step(database: Database) -> bool:
    """Put some small rows of an earlier run together and commit; tell whether there were any.

    Small rows compress badly: most of each is what the row before also said. What a busy run
    wrote takes half the room afterwards.

    Raises:
        sqlite3.Error: it cannot be written.
    """
    found = database.execute(
        "select run_id, id from tape where substr(data, 1, 1) = ?"
        " and run_id < (select max(id) from runs) order by id limit 1",
        [_ONE],
    ).fetchone()
    if found is None:
        return False
    block = _block(database, *found)
    if not block:
        return False
    pieces = [piece for row in block for piece in _pieces(row[4])]
    with database.atomic():
        database.execute(
            "update tape set first_ns = ?, last_ns = ?, notes = ?, data = ? where id = ?",
            [
                min(row[1] for row in block),
                max(row[2] for row in block),
                sum(row[3] for row in block),
                _MANY + squeeze(msgspec.msgpack.encode(pieces), _HARDEST),
                block[0][0],
            ],
        )
        database.execute(
            "delete from tape where run_id = ? and id > ? and id <= ?",
            [found[0], block[0][0], block[-1][0]],
        )
    return True


def _block(database: Database, run_id: int, first_id: int) -> list[Any]:
    """Return small rows that follow one another, as many as make a block."""
    rows = database.execute(
        "select id, first_ns, last_ns, notes, data from tape where run_id = ? and id >= ?"
        " order by id",
        [run_id, first_id],
    )
    block: list[Any] = []
    size = 0
    for row in rows:
        if row[4][:1] != _ONE or size >= _BLOCK_BYTES:
            break
        try:
            size += sum(map(len, _pieces(row[4])))
        except ValueError:
            break  # what is damaged stays as it is, for a replay to name it
        block.append(row)
    return block


def _pieces(data: bytes) -> list[bytes]:
    """Return the rows of notes in a row of the table.

    Raises:
        ValueError: they cannot be read.
    """
    raw = unsqueeze(data[1:])
    if data[:1] == _ONE:
        return [raw]
    try:
        return msgspec.msgpack.decode(raw, type=list[bytes])
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from error
