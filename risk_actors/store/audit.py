"""Reading the record without touching it, while the daemon writes and when none runs."""

import json
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

from risk_actors.store.schema import DATABASE_FILE, RECORD_TABLES

LEGACY_TABLE = "journal"
"""Where versions before the chained record kept it; its rows have neither run nor hash."""

_COLUMNS = (
    "seq",
    "at",
    "at_ns",
    "run_id",
    "account_id",
    "correlation_id",
    "kind",
    "text",
    "message",
    "hash",
)
_LEGACY_LACKS = {"at", "run_id", "hash"}
_BUSY_S = 5.0
_INSTRUCTIONS_BETWEEN_LOOKS = 20_000


class RecordRow(NamedTuple):
    """One row of the record, and the table it stands in."""

    table: str
    seq: int
    at: str | None
    """The instant in words."""
    at_ns: int
    run_id: int | None
    account_id: int | None
    correlation_id: str
    kind: str
    """The name of the message."""
    text: str | None
    message: str
    """The message as JSON."""
    hash: str | None


class Anchor(NamedTuple):
    """Where the record was cut off at its beginning: the last row that is not kept any more."""

    seq: int
    hash: str
    at_ns: int
    why: str


class End(NamedTuple):
    """Where a run notes that the record ends."""

    run_id: int
    seq: int
    hash: str


class Selection(NamedTuple):
    """Which rows are asked for; None stands for all."""

    since_ns: int | None = None
    """Included."""
    until_ns: int | None = None
    """Not included."""
    account_id: int | None = None
    correlation_ids: tuple[str, ...] | None = None

    def condition(self) -> tuple[str, dict[str, Any]]:
        """Return the SQL condition and its values."""
        terms = (
            ("at_ns >= :since_ns", self.since_ns),
            ("at_ns < :until_ns", self.until_ns),
            ("account_id = :account_id", self.account_id),
            ("correlation_id in (select value from json_each(:ids))", self.correlation_ids),
        )
        wanted = [term for term, value in terms if value is not None]
        ids = json.dumps(self.correlation_ids or ())
        return " and ".join(wanted) or "true", {**self._asdict(), "ids": ids}


EVERYTHING = Selection()


class Record:
    """The record as it is at one instant; every reading of one object sees the same rows."""

    def __init__(self, data_dir: Path) -> None:
        """Open the store of a data directory, or the file itself.

        Raises:
            FileNotFoundError: there is no store in the directory.
            sqlite3.Error: the file cannot be read or is no database.
        """
        file = data_dir if data_dir.is_file() else data_dir / DATABASE_FILE
        if not file.is_file():
            raise FileNotFoundError(file)
        self._connection = sqlite3.connect(
            f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_S, isolation_level=None
        )
        # Text that was made no text shall be found and named, not stop the reading.
        self._connection.text_factory = lambda data: data.decode(errors="surrogateescape")
        try:
            self._connection.execute("begin")
            found = self._connection.execute("select name from sqlite_master where type = 'table'")
            self._tables = {name for (name,) in found}
        except sqlite3.Error:
            self._connection.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the store."""
        self._connection.close()

    def give_up_after(self, seconds: float) -> None:
        """Let whatever is asked fail once so much time has passed from now."""
        until = time.monotonic() + seconds
        self._connection.set_progress_handler(
            lambda: int(time.monotonic() > until), _INSTRUCTIONS_BETWEEN_LOOKS
        )

    def rows(self, selection: Selection = EVERYTHING) -> Iterator[RecordRow]:
        """Yield the rows of an earlier version, then those of the chain, each in seq order."""
        yield from self._rows((LEGACY_TABLE,), *selection.condition())
        yield from self.chained_rows(selection)

    def chained_rows(self, selection: Selection = EVERYTHING) -> Iterator[RecordRow]:
        """Yield the rows of the chain in seq order."""
        return self._rows(RECORD_TABLES, *selection.condition())

    def rows_of(self, correlation_ids: Sequence[str]) -> Iterator[RecordRow]:
        """Yield all rows of these correlation ids, in the order of `rows`."""
        self._connection.execute("create temp table if not exists wanted (id text primary key)")
        self._connection.execute("delete from temp.wanted")
        self._connection.executemany(
            "insert or ignore into temp.wanted values (?)", ((each,) for each in correlation_ids)
        )
        condition = "correlation_id in (select id from temp.wanted)"
        yield from self._rows((LEGACY_TABLE,), condition, {})
        yield from self._rows(RECORD_TABLES, condition, {})

    def _rows(
        self, tables: Sequence[str], condition: str, values: dict[str, Any]
    ) -> Iterator[RecordRow]:
        # One instant is told by all tables; a file of an earlier version has only some of them.
        parts = [
            f"select '{table}' as place, {_columns_of(table)} from {table} where {condition}"  # noqa: S608 - our own names
            for table in tables
            if table in self._tables
        ]
        if not parts:
            return
        query = " union all ".join(parts) + " order by seq, place"
        for row in self._connection.execute(query, values):
            yield RecordRow._make(row)

    def count_legacy(self) -> int:
        """Return how many rows an earlier version left, which no hash protects."""
        if LEGACY_TABLE not in self._tables:
            return 0
        return int(self._connection.execute("select count(*) from journal").fetchone()[0])

    def latest_ns(self, selection: Selection = EVERYTHING) -> int | None:
        """Return the instant of the latest row of a selection, None when there is none."""
        reach = self.reach_ns(selection)
        return None if reach is None else reach[1]

    def reach_ns(self, selection: Selection = EVERYTHING) -> tuple[int, int] | None:
        """Return the instants of the first and last row of a selection, None when there is none."""
        condition, values = selection.condition()
        found: list[tuple[int | None, int | None]] = [
            self._connection.execute(
                f"select min(at_ns), max(at_ns) from {table} where {condition}",  # noqa: S608 - ours
                values,
            ).fetchone()
            for table in (LEGACY_TABLE, *RECORD_TABLES)
            if table in self._tables
        ]
        instants = [at_ns for reach in found for at_ns in reach if at_ns is not None]
        return (min(instants), max(instants)) if instants else None

    def latest_rows(self, selection: Selection, before_seq: int, at_most: int) -> list[RecordRow]:
        """Return the newest rows of the chain with a number below one, the newest first."""
        condition, values = selection.condition()
        parts = [
            f"select * from (select '{table}' as place, {_columns_of(table)} from {table}"  # noqa: S608 - our own names
            f" where seq < :before_seq and {condition} order by seq desc limit :at_most)"
            for table in RECORD_TABLES
            if table in self._tables
        ]
        if not parts:
            return []
        query = " union all ".join(parts) + " order by seq desc limit :at_most"
        wanted = {**values, "before_seq": before_seq, "at_most": at_most}
        return [RecordRow._make(row) for row in self._connection.execute(query, wanted)]

    def chains_that_begin(self, text: str, at_most: int) -> list[str]:
        """Return the one correlation id that a text is, else those that begin with it."""
        parts = [
            f"select correlation_id from {table} where correlation_id >= :text"  # noqa: S608 - ours
            " and substr(correlation_id, 1, length(:text)) = :text"
            for table in (LEGACY_TABLE, *RECORD_TABLES)
            if table in self._tables
        ]
        if not parts:
            return []
        # The text itself comes before whatever is longer.
        query = f"{' union '.join(parts)} order by 1 limit :at_most"
        found = self._connection.execute(query, {"text": text, "at_most": at_most + 1})
        ids = [correlation_id for (correlation_id,) in found]
        return ids[:1] if ids[:1] == [text] else ids

    def ask(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """Return what the file answers to a query."""
        return self._connection.execute(query, values).fetchall()

    def has(self, table: str) -> bool:
        """Tell whether there is a table; a file of an earlier version lacks some."""
        return table in self._tables

    def account_names(self) -> dict[int, str]:
        """Return the names of the accounts that were ever seen, by id."""
        if "accounts" not in self._tables:
            return {}
        found = self._connection.execute("select id, name from accounts where name is not null")
        return dict(found.fetchall())

    def anchors(self) -> list[Anchor]:
        """Return where the record was cut off, in seq order."""
        if "record_anchors" not in self._tables:
            return []
        query = "select seq, hash, at_ns, why from record_anchors order by seq"
        return [Anchor._make(row) for row in self._connection.execute(query)]

    def noted_end(self) -> End | None:
        """Return the end of the record as the runs note it, None when none does."""
        if "runs" not in self._tables:
            return None
        query = (
            "select id, last_seq, last_hash from runs where last_seq is not null "
            "order by last_seq desc, id desc limit 1"
        )
        row = self._connection.execute(query).fetchone()
        return None if row is None else End._make(row)

    def settings_in_force(self) -> str | None:
        """Return the settings last noted as in force, as JSON; None when none were."""
        if "settings" not in self._tables:
            return None
        query = "select in_force from settings where in_force is not null order by id desc limit 1"
        row = self._connection.execute(query).fetchone()
        return None if row is None else str(row[0])


def _columns_of(table: str) -> str:
    if table != LEGACY_TABLE:
        return ", ".join(_COLUMNS)
    return ", ".join(f"null as {c}" if c in _LEGACY_LACKS else c for c in _COLUMNS)
