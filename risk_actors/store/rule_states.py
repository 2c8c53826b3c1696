"""What rules remember, so that it outlives the process (I5)."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from risk_actors.core.rules.memory import encode_memory
from risk_actors.messages import RuleStateChanged
from risk_actors.store.schema import open_database


def write_rule_states(database: Database, changes: Iterable[RuleStateChanged]) -> None:
    """Put the newest memories into the table `rule_states`; the caller commits."""
    for change in changes:
        database.execute(
            "insert into rule_states (rule_id, account_id, rule_type, memory, changed_ns)"
            " values (?, ?, ?, ?, ?) on conflict (rule_id, account_id) do update set"
            " rule_type = excluded.rule_type, memory = excluded.memory,"
            " changed_ns = excluded.changed_ns",
            [
                change.rule_id,
                change.account_id,
                change.rule_type,
                encode_memory(change.memory).decode(),
                change.at_ns,
            ],
        )


def read_rule_states(data_dir: Path) -> Mapping[tuple[str, str], dict[int, bytes]]:
    """Return what was stored by rule id and type, and within that by account.

    Raises:
        sqlite3.Error: the store cannot be read.
    """
    database = open_database(data_dir)
    stored: dict[tuple[str, str], dict[int, bytes]] = {}
    try:
        row: dict[str, Any]
        for row in database["rule_states"].rows:
            key = (row["rule_id"], row["rule_type"])
            stored.setdefault(key, {})[row["account_id"]] = row["memory"].encode()
    finally:
        database.close()
    return stored
