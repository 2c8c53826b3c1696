"""What is kept of the runs in a store: what they began from, their tapes and their decisions."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, Self

from sqlite_utils import Database

from risk_actors.actors.enforcer import EnforcerActor
from risk_actors.actors.lockout import LockoutActor
from risk_actors.actors.pnl import PnlActor
from risk_actors.actors.position import PositionActor
from risk_actors.actors.rule import RuleActor
from risk_actors.app.replay_compare import COMPARED, Decision
from risk_actors.store.tape import read_store_failures, read_tape
from risk_actors.store.tape_rows import KeptRow

_BUSY_S = 5.0
_TABLES = ("events", "decisions", "commands")

_SENDERS: Mapping[str, str] = {
    message.__name__: kind
    for kind, actor in (
        (LockoutActor.kind, LockoutActor),
        (EnforcerActor.kind, EnforcerActor),
        (PnlActor.kind, PnlActor),
        (PositionActor.kind, PositionActor),
        (RuleActor.kind, RuleActor),
    )
    for message in actor.sends
    if message.__name__ in COMPARED
}


class RecordedRun(NamedTuple):
    """One run as it was noted."""

    id: int
    started_ns: int
    last_ns: int
    """When it was last known to be alive."""
    is_complete: bool
    """Whether it ended in order, so that all it decided is recorded."""
    version: str
    setup: str
    """What it began from, as JSON."""


class RecordedRuns:
    """Reads a store without touching it; every reading sees it as it was at one instant."""

    def __init__(self, file: Path) -> None:
        """Open a `risk.db`.

        Raises:
            sqlite3.Error: it cannot be read or is no database.
        """
        self._connection = sqlite3.connect(
            f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=_BUSY_S, isolation_level=None
        )
        try:
            self._connection.execute("begin")
            self._connection.execute("select name from sqlite_master limit 1").fetchall()
        except sqlite3.Error:
            self._connection.close()
            raise
        self._database = Database(self._connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def runs(self) -> list[RecordedRun]:
        """Return all runs, the oldest first; none where the store is of an earlier version."""
        if "runs" not in self._database.table_names():
            return []
        rows = self._connection.execute(
            "select id, started_ns, max(started_ns, coalesce(alive_ns, 0)), ended_ns is not null,"
            " version, setup from runs order by id"
        )
        return [
            RecordedRun(
                id=row[0],
                started_ns=row[1],
                last_ns=row[2],
                is_complete=bool(row[3]),
                version=row[4],
                setup=row[5],
            )
            for row in rows
        ]

    def decisions(self, run: RecordedRun) -> Iterator[Decision]:
        """Yield what was decided in a run, in the order of the record."""
        columns = "seq, at_ns, account_id, correlation_id, kind, text, message"
        query = " union all ".join(
            f"select {columns} from {table} where run_id = {run.id:d}"  # noqa: S608 - our own names
            for table in _TABLES
        )
        for row in self._connection.execute(f"{query} order by seq"):
            seq, at_ns, account_id, correlation_id, kind, text, message = row
            if kind in COMPARED:
                yield Decision(
                    seq=seq,
                    sender=_sender(kind, account_id, message),
                    at_ns=at_ns,
                    account_id=account_id,
                    correlation_id=correlation_id,
                    kind=kind,
                    text=text or "",
                    message=message,
                )

    def has_tape(self, run: RecordedRun) -> bool:
        """Tell whether anything of a run's tape is kept."""
        found = self._connection.execute("select 1 from tape where run_id = ? limit 1", [run.id])
        return found.fetchone() is not None

    def tape(self, run: RecordedRun) -> Iterator[KeptRow]:
        """Yield the tape of a run.

        Raises:
            TapeDamagedError: it cannot be read from its beginning on.
        """
        return read_tape(self._database, run.id)

    def store_failures(self, run: RecordedRun) -> dict[int, str]:
        """Return which calls of the lock store raised."""
        return read_store_failures(self._database, run.id)


def _sender(kind: str, account_id: int | None, message: str) -> str:
    """Return who said what a row holds."""
    sender = _SENDERS[kind]
    if sender == RuleActor.kind:
        return f"{sender}:{json.loads(message)['rule_id']}"
    if sender == PositionActor.kind:
        return f"{sender}:{account_id}"
    return sender
