"""The tables of `risk.db`, built up by forward migrations; a released one never changes."""

from pathlib import Path
from typing import Any

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

DATABASE_FILE = "risk.db"

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
    for name, (columns, key, *indexes) in _STATE_TABLES.items():
        db[name].create(columns, pk=key)
        for index in indexes:
            db[name].create_index(index)
    db["locks"].add_column("ended_by", str)


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
_RECORD_NOT_NULL = {"at_ns", "run_id", "correlation_id", "kind", "message", "hash"}

type _Table = tuple[Any, ...]
_STATE_TABLES: dict[str, _Table] = {
    # From start to stop; `setup` is what a replay begins from, `alive_ns` is brought up as it runs.
    "runs": (
        {
            "id": int,
            "started_ns": int,
            "alive_ns": int,
            "ended_ns": int,
            "version": str,
            "mode": str,
            "armed": int,
            "setup": str,
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
        },
        ("account_id", "id"),
        ["account_id", "at_ns"],
    ),
    "trades": (
        {
            "account_id": int,
            "contract_id": str,
            "opened_ns": int,
            "opened_at": str,
            "closed_ns": int,
            "side": str,
            "peak_size": int,
            "entries": int,
            "net_usd": str,
            "under_lock": int,
        },
        ("account_id", "contract_id", "opened_ns"),
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


def open_database(data_dir: Path) -> Database:
    """Open the store in the calling thread, which alone may use it.

    Raises:
        sqlite3.Error: the file cannot be opened or is no database.
    """
    database = Database(data_dir / DATABASE_FILE)
    database.enable_wal()
    return database


def migrate(data_dir: Path) -> None:
    """Bring the store to this version.

    Raises:
        sqlite3.Error: the file cannot be opened, written, or is no database.
    """
    database = open_database(data_dir)
    try:
        migrations.apply(database)
    finally:
        database.close()
