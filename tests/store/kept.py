"""A store with a journal, and what a test wants of both."""

import sqlite3
import weakref
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from risk_actors import messages as m
from risk_actors.actors.record import Entry
from risk_actors.runtime.tape import Note
from risk_actors.store.journal import SqliteJournal
from risk_actors.store.retention import Retention
from risk_actors.store.runs import RunRecord
from risk_actors.store.schema import DATABASE_FILE
from risk_actors.store.tape import TapeEncoder, insert_tape_row
from tests.actors.facts import breach_found, calendar
from tests.conftest import NOON_NS

RUN = RunRecord(started_ns=NOON_NS, version="1.2", mode="paper", armed=True, setup="{}")


def journal_of(
    data_dir: Path, run: RunRecord = RUN, keep: Retention | None = None
) -> SqliteJournal:
    journal = SqliteJournal(data_dir, calendar=calendar(), run=run, keep=keep)
    # Most tests leave it as a kill would; from Python 3.13 on its connection must be closed.
    weakref.finalize(journal, journal._database.close)
    return journal


def read(data_dir: Path, query: str) -> list[tuple[Any, ...]]:
    """Ask the file with any SQLite tool's means, on a connection of our own."""
    with closing(sqlite3.connect(data_dir / DATABASE_FILE)) as connection:
        return connection.execute(query).fetchall()


def entry(at_ns: int, message: m.Message | None = None, text: str = "text") -> Entry:
    message = message or breach_found()
    return Entry(
        at_ns=at_ns,
        correlation_id=f"event-{at_ns}",
        kind=type(message).__name__,
        account_id=getattr(message, "account_id", None),
        text=text,
        message=message,
    )


def entry_of(message: m.Message) -> Entry:
    return entry(message.at_ns, message)


class TapeWriter:
    """Writes the tape of a run row by row, each committed at once."""

    def __init__(self, database: Database, run_id: int) -> None:
        self._database = database
        self._run_id = run_id
        self._encoder = TapeEncoder()

    def write(self, notes: Mapping[str, Sequence[Note]], lost: int = 0) -> None:
        row = self._encoder.encode(notes, lost)
        if row is not None:
            insert_tape_row(self._database, self._run_id, row)

    def undone(self) -> None:
        self._encoder.undone()
