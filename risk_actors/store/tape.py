"""The tape in the store: what every judging actor was given, so that a run can be done again."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

import msgspec
from sqlite_utils import Database

from risk_actors.runtime.tape import Note, StoreFailed
from risk_actors.store.tape_rows import KeptNote, KeptRow, RowReader, RowWriter, squeeze, unsqueeze

ONE, MANY = b"1", b"n"
"""How a row's data begins: one row of notes, or many that were put together."""


class TapeRow(NamedTuple):
    """A row of the table as it is inserted, but for its run."""

    first_ns: int
    last_ns: int
    notes: int
    data: bytes


class TapeEncoder:
    """Makes the rows of one run; used by the journal's store alone, in its thread.

    That takes long where there is much to tell, so it is apart from `insert_tape_row`, for which
    the locks' writer has to wait.
    """

    def __init__(self, give_way: Callable[[], None] = lambda: None) -> None:
        """Take what is called now and then while a row is made: others may be in a hurry."""
        self._rows = RowWriter(give_way)

    def encode(self, notes: Mapping[str, Sequence[Note]], lost: int = 0) -> TapeRow | None:
        """Return a row with the notes of each address, None where there is nothing to tell.

        `lost` notes, of any address, are missing before them: what follows cannot be replayed.

        Where the row is not committed, that has to be said (`undone`), for the next row begins
        where this one ended.

        Raises:
            ValueError, ArithmeticError, TypeError: a note is none that an actor makes.
        """
        instants = [note.at_ns for taken in notes.values() for note in (*taken[:1], *taken[-1:])]
        if not instants and not lost:
            return None
        return TapeRow(
            first_ns=min(instants, default=0),
            last_ns=max(instants, default=0),
            notes=sum(len(taken) for taken in notes.values()),
            data=ONE + squeeze(self._rows.encode(notes, lost)),
        )

    def undone(self) -> None:
        """Take note that what was made since the last commit is not there."""
        self._rows.begin_anew()


def insert_tape_row(database: Database, run_id: int, row: TapeRow) -> None:
    """Add a row to a run's tape; the caller commits."""
    database.execute(
        "insert into tape (run_id, first_ns, last_ns, notes, data) values (?, ?, ?, ?, ?)",
        [run_id, *row],
    )


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
            for piece in pieces_of(data):
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
            if any(wanted in piece for piece in pieces_of(data)):
                return True
    return False


def is_cut_off(data: bytes) -> bool:
    """Tell whether the first row that is left of a tape needs one that came before."""
    try:
        return not RowReader().is_beginning(pieces_of(data)[0])
    except (ValueError, LookupError):
        return False  # what is damaged stays as it is, for a replay to name it


def pieces_of(data: bytes) -> list[bytes]:
    """Return the rows of notes in a row of the table.

    Raises:
        ValueError: they cannot be read.
    """
    raw = unsqueeze(data[1:])
    if data[:1] == ONE:
        return [raw]
    try:
        return msgspec.msgpack.decode(raw, type=list[bytes])
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from error
