"""The record of what happened, in the store."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from risk_actors.actors.journal import Entry
from risk_actors.messages import Message, RuleStateChanged
from risk_actors.store.rule_states import write_rule_states
from risk_actors.store.schema import open_database


class SqliteJournal:
    """The table `journal`. Used by the journal actor alone, in its thread."""

    def __init__(self, data_dir: Path) -> None:
        self._database = open_database(data_dir)
        # A killed process loses nothing by it; only the locks' writer waits for the disk each time.
        self._database.execute("pragma synchronous = normal")
        self._table = self._database["journal"]

    def append(self, entries: Sequence[Entry], memories: Sequence[RuleStateChanged] = ()) -> None:
        """Commit entries in their order, and what rules remember, in one transaction."""
        rows = [_row(entry) for entry in entries]
        # A large insert is split into several, and looks at the table first: a transaction that
        # begins with a look fails when the locks' writer comes in between, so it begins as ours.
        self._database.execute("begin immediate")
        try:
            self._table.insert_all(rows)
            write_rule_states(self._database, memories)
            self._database.commit()
        except BaseException:
            self._database.rollback()
            raise

    def close(self) -> None:
        """Close the store."""
        self._database.close()


def _row(entry: Entry) -> dict[str, Any]:
    return {
        "at_ns": entry.at_ns,
        "correlation_id": entry.correlation_id,
        "kind": entry.kind,
        "account_id": entry.account_id,
        "text": entry.text.encode(errors="backslashreplace").decode(),
        "message": _encoded(entry.message),
    }


def _encoded(message: Message) -> str:
    """Return a message as JSON; text that is no valid Unicode must not hold up all other rows."""
    try:
        return _encode(message).decode()
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(message))


_encode = msgspec.json.Encoder().encode
