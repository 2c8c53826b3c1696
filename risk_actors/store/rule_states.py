"""What rules remember, so that it outlives the process (I5)."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from sqlite_utils import Database

from risk_actors.core.rules.memory import RuleMemory, encode_memory
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


class KeptMemory(NamedTuple):
    """What one rule remembers of one account."""

    rule_id: str
    rule_type: str
    account_id: int
    memory: RuleMemory


def keep_memories(data_dir: Path, memories: Iterable[KeptMemory], now_ns: int) -> None:
    """Write memories into a store that was made anew, before anybody else writes to it.

    Raises:
        sqlite3.Error: it cannot be written.
    """
    database = open_database(data_dir)
    try:
        with database.atomic():
            write_rule_states(
                database,
                [
                    RuleStateChanged(correlation_id="", at_ns=now_ns, **kept._asdict())
                    for kept in memories
                ],
            )
    finally:
        database.close()


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
