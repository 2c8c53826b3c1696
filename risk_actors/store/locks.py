"""Locks and the requests to end them in the store, so that they outlive the process (I5)."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import tzinfo
from pathlib import Path
from typing import Any, NamedTuple

from risk_actors.core.lock import EndedBy, Lock, LockSpan, Unlocked
from risk_actors.core.lock_book import RestoredLocks
from risk_actors.core.unlock_requests import UnlockRequest
from risk_actors.store.lock_backup import BACKUP_FILE, write_backup
from risk_actors.store.lock_rows import lock_of, row_of
from risk_actors.store.schema import DATABASE_FILE, open_database

BUSY_FOR_AT_MOST_MS = 250

_IN_FORCE = """
    ended_ns is null and (
        until_ns is null or until_ns > :now_ns
        or id in (select lock_id from unlock_requests where status = 'asked')
    )
"""
"""A lock that ended by time while a request for it waited counts too: which of both came first is
for the lockout actor to settle."""


class StoredLock(NamedTuple):
    """A lock in force as the store tells it to whoever only reads, and what waits for it."""

    id: int
    account_id: int
    contract_id: str | None
    rule_id: str
    since_ns: int
    until_ns: int | None
    reason: str
    due_ns: int | None
    """When a request to end it takes effect."""
    asked_for: str | None
    """The trader's reason for that."""
    correlation_id: str
    """Leads to what the lock came from."""


def stored_locks(data_dir: Path, now_ns: int) -> Sequence[StoredLock]:
    """Return the locks in force, oldest first, from a store that is only read.

    Raises:
        sqlite3.Error: there is no store, or it cannot be read.
    """
    path = (data_dir / DATABASE_FILE).absolute()
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        rows = connection.execute(
            "select locks.id, locks.account_id, contract_id, rule_id, since_ns, until_ns,"
            " locks.reason, due_ns, unlock_requests.reason, coalesce(locks.correlation_id, '')"
            " from locks left join unlock_requests"
            " on unlock_requests.lock_id = locks.id and status = 'asked'"
            " where ended_ns is null and (until_ns is null or until_ns > ?) order by locks.id",
            [now_ns],
        )
        return [StoredLock(*row) for row in rows]


class SqliteLockStore:
    """The tables `locks` and `unlock_requests`, and the backup beside them.

    Every call commits; used by the lockout actor alone, in its thread.
    """

    def __init__(self, data_dir: Path, zone: tzinfo) -> None:
        """Open the store; sentences kept in it for people say times in this zone."""
        self._zone = zone
        self._backup = data_dir / BACKUP_FILE
        self._database = open_database(data_dir)
        # A lock is announced only after this commit, so a busy file must not hold it up for long.
        self._database.execute(f"pragma busy_timeout = {BUSY_FOR_AT_MOST_MS}")

    def restored(self, now_ns: int, ended_after_ns: int) -> RestoredLocks:
        """Return what the last run left; of what has ended, what ended after an instant."""
        at = {"now_ns": now_ns, "since_ns": ended_after_ns}
        locks = self._rows(f"select * from locks where {_IN_FORCE} order by id", at)  # noqa: S608 - ours
        past = self._rows(
            "select account_id, contract_id, since_ns, coalesce(ended_ns, until_ns) as over_ns"  # noqa: S608 - ours
            f" from locks where over_ns > :since_ns and over_ns <= :now_ns and not ({_IN_FORCE})"
            " order by id",
            at,
        )
        (last,) = self._rows("select max(id) as id from locks")
        requests = self._rows(
            "select unlock_requests.*, locks.rule_id from unlock_requests"
            " join locks on locks.id = lock_id"
            " where status = 'asked' and ended_ns is null order by asked_ns"
        )
        unlocked = self._rows(
            "select account_id, rule_id, contract_id, max(ended_ns) as at_ns from locks"
            " where ended_by = 'unlock' group by account_id, rule_id, contract_id"
        )
        return RestoredLocks(
            locks=tuple(lock_of(row) for row in locks),
            past=tuple(
                (row["account_id"], LockSpan(row["contract_id"], row["since_ns"], row["over_ns"]))
                for row in past
            ),
            last_id=last["id"] or 0,
            requests=tuple(_request_of(row) for row in requests),
            unlocked=tuple(
                (row["account_id"], Unlocked(row["rule_id"], row["contract_id"], row["at_ns"]))
                for row in unlocked
            ),
        )

    def save(self, lock: Lock) -> None:
        """Commit a lock, new or changed."""
        # Not the library's upsert: it first tries out on the file whether it can, and when the
        # file is busy just then it falls back to statements that here would save nothing.
        with self._database.conn:
            self._put("locks", row_of(lock, self._zone), key=("id",), changing=("until_ns",))

    def end(
        self, lock: Lock, at_ns: int, ended_by: EndedBy, request: UnlockRequest | None = None
    ) -> None:
        """Commit that a lock ended, and what became of the request for it, as one."""
        with self._database.atomic():
            self._database.execute(
                "update locks set ended_ns = :at_ns, ended_by = :ended_by where id = :id",
                {"at_ns": at_ns, "ended_by": ended_by.value, "id": lock.id},
            )
            if request is not None:
                self._write(request)

    def save_request(self, request: UnlockRequest) -> None:
        """Commit a request, new or changed."""
        with self._database.conn:
            self._write(request)

    def back_up(self, locks: Sequence[Lock]) -> None:
        """Write the locks in force a second time, into a file beside the store."""
        write_backup(self._backup, locks, self._zone)

    def close(self) -> None:
        """Close the store."""
        self._database.close()

    def _write(self, request: UnlockRequest) -> None:
        row = {
            "lock_id": request.lock_id,
            "account_id": request.account_id,
            "asked_ns": request.asked_ns,
            "due_ns": request.due_ns,
            "reason": request.reason,
            "status": request.status.value,
            "correlation_id": request.correlation_id,
        }
        self._put(
            "unlock_requests", row, key=("lock_id", "asked_ns"), changing=("status", "due_ns")
        )

    def _put(
        self, table: str, row: Mapping[str, Any], *, key: Sequence[str], changing: Sequence[str]
    ) -> None:
        """Insert a row; where there is one, set only the columns that can change."""
        columns, values = ", ".join(row), ", ".join(f":{name}" for name in row)
        changes = ", ".join(f"{name} = excluded.{name}" for name in changing)
        self._database.execute(
            f"insert into {table} ({columns}) values ({values})"  # noqa: S608 - names, not data
            f" on conflict ({', '.join(key)}) do update set {changes}",
            dict(row),
        )

    def _rows(self, query: str, values: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        return list(self._database.query(query, dict(values or {})))


def _request_of(row: dict[str, Any]) -> UnlockRequest:
    return UnlockRequest(
        lock_id=row["lock_id"],
        account_id=row["account_id"],
        rule_id=row["rule_id"],
        asked_ns=row["asked_ns"],
        due_ns=row["due_ns"],
        reason=row["reason"],
        correlation_id=row["correlation_id"],
    )
