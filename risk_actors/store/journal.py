"""The record of what happened, in the store."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from risk_actors.actors.journal import Entry
from risk_actors.store.schema import open_database


class SqliteJournal:
    """The table `journal`. Used by the journal actor alone, in its thread."""

    def __init__(self, data_dir: Path) -> None:
        self._database = open_database(data_dir)
        self._table = self._database["journal"]
        self._encode = msgspec.json.Encoder().encode

    def append(self, entries: Sequence[Entry]) -> None:
        """Commit entries in their order, in one transaction."""
        self._table.insert_all(
            {
                "at_ns": entry.at_ns,
                "correlation_id": entry.correlation_id,
                "kind": entry.kind,
                "account_id": entry.account_id,
                "text": entry.text,
                "message": self._encode(entry.message).decode(),
            }
            for entry in entries
        )

    def close(self) -> None:
        """Close the store."""
        self._database.close()
