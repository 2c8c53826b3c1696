"""Saving what can be read from a damaged store."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from sqlite_utils import Database

from risk_actors.store.lock_rows import lock_of

_KEY = "_row_key"

type _Row = dict[str, Any]


class Salvaged(NamedTuple):
    """What became of one table."""

    table: str
    rows: int
    is_whole: bool
    """Whether it was read to its end, and every row made sense."""


def salvage(damaged: Path, into: Database) -> list[Salvaged]:
    """Copy what can be read, what protection needs most first; the caller commits."""
    try:
        source = sqlite3.connect(f"{damaged.absolute().as_uri()}?mode=ro", uri=True)
    except sqlite3.Error:
        return [Salvaged(table, 0, is_whole=False) for table in _TABLES]
    with closing(source):
        source.row_factory = sqlite3.Row
        source.text_factory = lambda data: data.decode(errors="backslashreplace")
        return [_copy(source, into, table) for table in _TABLES]


def _copy(source: sqlite3.Connection, into: Database, table: str) -> Salvaged:
    columns = set(into[table].columns_dict)
    makes_sense = _TABLES[table]
    reading = _Reading(source, table)
    saved, is_whole = 0, True
    for row in reading.rows():
        kept = {name: value for name, value in row.items() if name in columns}
        with suppress(msgspec.MsgspecError, sqlite3.Error, KeyError, ValueError, TypeError):
            makes_sense(kept)
            names, values = ", ".join(kept), ", ".join(f":{name}" for name in kept)
            into.execute(
                f"insert or replace into {table} ({names})"  # noqa: S608 - names of our columns
                f" values ({values})",
                kept,
            )
            saved += 1
            continue
        is_whole = False
    return Salvaged(table, saved, is_whole and reading.is_whole)


class _Reading:
    """Reads a table from both ends, as far as its pages can be read."""

    def __init__(self, source: sqlite3.Connection, table: str) -> None:
        self._source = source
        self._table = table
        self.is_whole = True

    def rows(self) -> Iterator[_Row]:
        """Yield the rows that can be read."""
        last = -1
        for row in self._read("where rowid > ? order by rowid", last):
            last = row.pop(_KEY)
            yield row
        if not self.is_whole:
            for row in self._read("where rowid > ? order by rowid desc", last):
                del row[_KEY]
                yield row

    def _read(self, where: str, key: int) -> Iterator[_Row]:
        query = f"select rowid as {_KEY}, * from {self._table} {where}"  # noqa: S608 - ours
        try:
            for row in self._source.execute(query, [key]):
                yield dict(row)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            # A file of an earlier version may lack the table; then nothing of it is lost.
            self.is_whole = "no such table" in str(error)


def _is_lock(row: _Row) -> None:
    """Refuse what the lockout actor could not take for a lock; it would not start.

    Raises:
        msgspec.MsgspecError, KeyError, ValueError, TypeError: it is none.
    """
    msgspec.convert(
        msgspec.to_builtins(lock_of({"kept": None, **row})), type=dict[str, Any], strict=True
    )
    whole = [row["id"], row["account_id"], row["since_ns"]]
    whole += [row[name] for name in ("until_ns", "ended_ns") if row[name] is not None]
    if not all(isinstance(value, int) for value in whole) or not isinstance(row["rule_id"], str):
        raise TypeError("a lock's number is none")


def _is_memory(row: _Row) -> None:
    msgspec.json.decode(row["memory"])


def _is_opening(row: _Row) -> None:
    msgspec.convert(
        (row["account_id"], row["day_start_ns"], row["start_balance_usd"]),
        type=tuple[int, int, str | None],
    )


def _is_settings(row: _Row) -> None:
    msgspec.json.decode(row["in_force"])


def _begins_no_record(row: _Row) -> None:
    """Keep when it ran; where its record ended is told by the file that was set aside."""
    row["last_seq"] = row["last_hash"] = None
    row["setup"] = ""


def _is_any(row: _Row) -> None:
    """Take whatever the table takes."""


_TABLES: dict[str, Callable[[_Row], None]] = {
    "locks": _is_lock,
    "rule_states": _is_memory,
    "settings": _is_settings,
    "unlock_requests": _is_any,
    "timers": _is_any,
    "runs": _begins_no_record,
    "pnl_days": _is_opening,
    "fills": _is_any,
}
