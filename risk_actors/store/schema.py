"""The tables of `risk.db`, built up by forward migrations; a released one never changes."""

from pathlib import Path

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
