"""The tables of `risk.db`, built up by forward migrations; a released one never changes."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from risk_actors.core.evidence import iso_utc
from risk_actors.store.record_chain import GENESIS, row_hash

DATABASE_FILE = "risk.db"
WAL_KEPT_BYTES = 8_000_000
"""A write-ahead log that once grew larger is cut to this."""
_INCREMENTAL = 2

migrations = Migrations("risk_actors")
"""In the order in which they are applied."""


@migrations()  # type: ignore[untyped-decorator]
def create_locks_and_journal(db: Database) -> None:
    """Create the tables of the first version. Instants are nanoseconds of UTC."""
    db["locks"].create(
        {
            "id": int,
            "account_id": int,
            "contract_id": str,
            "rule_id": str,
            "since_ns": int,
            "until_ns": int,
            "ended_ns": int,
            "existing": str,
            "reason": str,
            "evidence": str,
            "correlation_id": str,
        },
        pk="id",
        not_null={"account_id", "rule_id", "since_ns", "existing", "evidence", "correlation_id"},
    )
    db["journal"].create(
        {
            "seq": int,
            "at_ns": int,
            "correlation_id": str,
            "kind": str,
            "account_id": int,
            "text": str,
            "message": str,
        },
        pk="seq",
        not_null={"at_ns", "correlation_id", "kind", "message"},
    )
    db["journal"].create_index(["correlation_id"])


@migrations()  # type: ignore[untyped-decorator]
def remember_rules_and_kept_positions(db: Database) -> None:
    """Add what rules remember, and the sizes that a lock lets stay."""
    db["rule_states"].create(
        {
            "rule_id": str,
            "account_id": int,
            "rule_type": str,
            "memory": str,
            "changed_ns": int,
        },
        pk=("rule_id", "account_id"),
        not_null={"rule_type", "memory", "changed_ns"},
    )
    db["locks"].add_column("kept", str)


@migrations()  # type: ignore[untyped-decorator]
def split_the_record_and_keep_what_is(db: Database) -> None:
    """Part the record into four chained tables, and add what a person looks for.

    Amounts and prices are exact decimals in text; `at` is the instant in words a person reads.
    """
    for name in RECORD_TABLES:
        db[name].create(_RECORD_COLUMNS, pk="seq", not_null=_RECORD_NOT_NULL)
        db[name].create_index(["correlation_id"])
        db[name].create_index(["at_ns"])
    # For a person who looks: all of it in its order.
    selects = [f"select '{name}' as place, * from {name}" for name in RECORD_TABLES]  # noqa: S608 - ours
    db.create_view("record", " union all ".join(selects))
    for name, (columns, key, *indexes) in _STATE_TABLES.items():
        db[name].create(columns, pk=key)
        for index in indexes:
            db[name].create_index(index)
    db["locks"].add_column("ended_by", str)
    _chain_the_journal(db)
    db["journal"].drop()


_KINDS_THEN = {
    "BreachEnded": "decisions",
    "BreachFound": "decisions",
    "CommandAnswered": "outcomes",
    "ConditionEnded": "decisions",
    "EnforcementChanged": "decisions",
    "LocksChanged": "decisions",
    "SendCancel": "commands",
    "SendClose": "commands",
    "SendMoveStop": "commands",
    "ShadowBreachFound": "decisions",
    "ShadowStopMoves": "decisions",
    "StopMovesWanted": "decisions",
    "VerdictChanged": "decisions",
    "WarningRaised": "decisions",
}
"""What the first two versions wrote into their one table; all else were events."""


def _chain_the_journal(db: Database) -> None:
    """Move the rows of the table `journal`; of which run and zone they were is not known."""
    head, last = GENESIS, 0
    query = (
        "select seq, at_ns, account_id, correlation_id, kind, text, message from journal"
        " where seq > ? order by seq limit 1000"
    )
    number = 0
    while rows := db.execute(query, [last]).fetchall():
        for _, at_ns, *rest in rows:
            number += 1
            account_id, correlation_id, kind, text, message = rest
            row = {
                "table": _KINDS_THEN.get(kind, "events"),
                "seq": number,
                "at": iso_utc(at_ns).replace("T", " "),
                "at_ns": at_ns,
                "run_id": 0,
                "account_id": account_id,
                "correlation_id": correlation_id,
                "kind": kind,
                "text": text,
                "message": message,
            }
            head = row["hash"] = row_hash(head, row)
            insert_record_row(db, row)
        last = rows[-1][0]


def insert_record_row(db: Database, row: Mapping[str, Any]) -> None:
    """Insert a row of the record into the table that it names."""
    db.execute(_RECORD_INSERTS[row["table"]], row)


RECORD_TABLES = ("events", "decisions", "commands", "outcomes")
"""The record: one sequence of rows over these four, each with the hash of the row before."""

_RECORD_COLUMNS = {
    "seq": int,
    "at": str,
    "at_ns": int,
    "run_id": int,
    "account_id": int,
    "correlation_id": str,
    "kind": str,
    "text": str,
    "message": str,
    "hash": str,
}
_RECORD_INSERTS = {
    name: f"insert into {name} ({', '.join(_RECORD_COLUMNS)})"  # noqa: S608 - names, not data
    f" values ({', '.join(f':{column}' for column in _RECORD_COLUMNS)})"
    for name in RECORD_TABLES
}
_RECORD_NOT_NULL = {"at_ns", "run_id", "correlation_id", "kind", "message", "hash"}

type _Table = tuple[Any, ...]
_STATE_TABLES: dict[str, _Table] = {
    # From start to stop; `setup` is what a replay begins from, `alive_ns` is brought up as it runs.
    # `last_seq` and `last_hash`, brought up with each batch of rows, say where the record ends.
    "runs": (
        {
            "id": int,
            "started_ns": int,
            "alive_ns": int,
            "ended_ns": int,
            "version": str,
            "mode": str,
            "broker": str,
            "armed": int,
            "setup": str,
            "last_seq": int,
            "last_hash": str,
        },
        "id",
    ),
    # Where the record was cut off at its beginning: what the first row kept follows from.
    "record_anchors": ({"seq": int, "hash": str, "at_ns": int, "why": str}, "seq"),
    "accounts": (
        {
            "id": int,
            "name": str,
            "balance_usd": str,
            "can_trade": int,
            "changed_ns": int,
        },
        "id",
    ),
    "fills": (
        {
            "account_id": int,
            "id": int,
            "at": str,
            "at_ns": int,
            "day_start_ns": int,
            "contract_id": str,
            "order_id": int,
            "side": str,
            "size": int,
            "price": str,
            "profit_usd": str,
            "costs_usd": str,
            "voided": int,
            "seen_ns": int,
        },
        ("account_id", "id"),
        ["account_id", "at_ns"],
    ),
    "trades": (
        {
            "account_id": int,
            "contract_id": str,
            "opened_ns": int,
            "first_fill_id": int,
            "side": str,
            "opened_at": str,
            "closed_ns": int,
            "peak_size": int,
            "entries": int,
            "net_usd": str,
            "under_lock": int,
        },
        ("account_id", "contract_id", "opened_ns", "first_fill_id", "side"),
    ),
    "positions": (
        {
            "account_id": int,
            "contract_id": str,
            "symbol": str,
            "size": int,
            "average_price": str,
            "opened_ns": int,
        },
        ("account_id", "contract_id"),
    ),
    "pnl_days": (
        {
            "account_id": int,
            "day_start_ns": int,
            "day": str,
            "realized_usd": str,
            "costs_usd": str,
            "fills": int,
            "trades": int,
            "entries": int,
            "start_balance_usd": str,
            "balance_usd": str,
            "unexplained_usd": str,
        },
        ("account_id", "day_start_ns"),
    ),
    "timers": (
        {"name": str, "cron": str, "zone": str, "last_ns": int, "next_ns": int},
        "name",
    ),
    "resets": (
        {"name": str, "at_ns": int, "at": str, "told_ns": int, "caught_up": int},
        ("name", "at_ns"),
    ),
    "unlock_requests": (
        {
            "lock_id": int,
            "account_id": int,
            "asked_ns": int,
            "due_ns": int,
            "reason": str,
            "status": str,
            "correlation_id": str,
        },
        ("lock_id", "asked_ns"),
    ),
    # One row for each change: the last one is what the next start compares the files with.
    "settings": (
        {
            "id": int,
            "at_ns": int,
            "day_start_ns": int,
            "in_force": str,
            "pending": str,
            "armed_by_command": int,
        },
        "id",
    ),
    # What every judging actor was given, for the replay; each row some seconds of one run.
    "tape": (
        {"id": int, "run_id": int, "first_ns": int, "last_ns": int, "notes": int, "data": bytes},
        "id",
        ["run_id", "id"],
    ),
}


class NewerStoreError(sqlite3.Error):
    """The store was written by a later version of this program."""


def open_database(data_dir: Path) -> Database:
    """Open the store in the calling thread, which alone may use it.

    Raises:
        sqlite3.Error: the file cannot be opened or is no database.
    """
    path = data_dir / DATABASE_FILE
    is_new = not path.exists() or path.stat().st_size == 0
    database = Database(path)
    try:
        if is_new:
            # A file gives back what was deleted only if it is told so before its first table.
            database.execute("pragma auto_vacuum = incremental")
        database.enable_wal()
        database.execute(f"pragma journal_size_limit = {WAL_KEPT_BYTES}")
    except BaseException:
        database.close()
        raise
    return database


def migrate(data_dir: Path) -> None:
    """Bring the store to this version.

    Raises:
        NewerStoreError: the file is of a later version; it was not touched.
        sqlite3.Error: the file cannot be opened, written, or is no database.
    """
    refuse_newer(data_dir)
    database = open_database(data_dir)
    try:
        migrations.apply(database)
        if database.execute("pragma auto_vacuum").fetchone()[0] != _INCREMENTAL:
            # Files of the first two versions never gave anything back.
            database.execute("pragma auto_vacuum = incremental")
            database.execute("vacuum")
    finally:
        database.close()


def refuse_newer(data_dir: Path) -> None:
    """Look whether a store has migrations that this version does not know.

    Raises:
        NewerStoreError: it has.
        sqlite3.Error: the file cannot be opened or is no database.
    """
    path = data_dir / DATABASE_FILE
    if path.exists():
        with closing(sqlite3.connect(path)) as connection:
            refuse_newer_file(connection, path)


def refuse_newer_file(connection: sqlite3.Connection, path: Path) -> None:
    """Look whether an open file has migrations that this version does not know.

    Raises:
        NewerStoreError: it has.
        sqlite3.Error: the file is no database.
    """
    known = {migration.name for migration in migrations._migrations}  # noqa: SLF001 - no other way
    table = migrations.migrations_table
    if not connection.execute("select 1 from sqlite_master where name = ?", [table]).fetchall():
        return
    applied = connection.execute(
        f"select name from {table} where migration_set = ?",  # noqa: S608 - a name
        [migrations.name],
    ).fetchall()
    later = sorted(name for (name,) in applied if name not in known)
    if later:
        raise NewerStoreError(
            f"{path} was written by a later version of risk-actors (it has "
            f"{', '.join(later)}); nothing was changed. Use that version, or another data directory"
        )


def missing_columns(connection: sqlite3.Connection) -> list[str]:
    """Return what a store that has every migration should have, and has not: `table.column`.

    Of an earlier version nothing is said.
    """
    database = Database(memory=True)
    try:
        migrations.apply(database)
        query = (
            "select m.name, c.name from sqlite_master m, pragma_table_info(m.name) c"
            " where m.type = 'table'"
        )
        wanted = set(database.execute(query).fetchall())
    finally:
        database.close()
    there = set(connection.execute(query).fetchall())
    table = migrations.migrations_table
    if not any(name == table for name, _ in there):
        return []
    done = connection.execute(
        f"select count(*) from {table} where migration_set = ?",  # noqa: S608 - a name
        [migrations.name],
    ).fetchone()
    if done[0] < len(migrations._migrations):  # noqa: SLF001 - no other way
        return []
    return sorted(f"{name}.{column}" for name, column in wanted - there)
