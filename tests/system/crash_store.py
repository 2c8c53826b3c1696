"""What a store must be like whenever its writers were killed."""

import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from crash_sight import SeenLock
from daemon_process import Daemon

from risk_actors.store.audit import Record
from risk_actors.store.audit_locks import BrokenLock, verify_locks
from risk_actors.store.audit_verify import BrokenRow, verify
from risk_actors.store.schema import RECORD_TABLES

_MS = 1_000_000
"""Instants are shown with milliseconds."""


def faults_of_store(daemon: Daemon, announced: Iterable[SeenLock]) -> list[str]:
    """Return what is wrong with the store of a daemon that was just killed (I5, I9).

    Args:
        daemon: the killed one.
        announced: the locks that it had shown before.
    """
    path = daemon.data_dir / "risk.db"
    if not path.exists():
        return []
    found = []
    # Opened for writing: what the killed process left in the log is recovered, as at a start.
    database = sqlite3.connect(path)
    try:
        verdict = database.execute("pragma integrity_check").fetchone()[0]
        if verdict != "ok":
            found.append(f"integrity check: {verdict}")
        tables = {name for (name,) in database.execute("select name from sqlite_master")}
        if "locks" in tables:
            found += _missing_locks(database, announced)
        if RECORD_TABLES[-1] in tables:
            record = verify(daemon.data_dir)
            found += [record.sentence()] if isinstance(record, BrokenRow) else []
            with Record(daemon.data_dir) as rows:
                locks = verify_locks(rows, UTC)
            found += [locks.sentence()] if isinstance(locks, BrokenLock) else []
    except sqlite3.Error as error:
        found.append(f"{type(error).__name__}: {error}")
    finally:
        database.close()
    return found


def _missing_locks(database: sqlite3.Connection, announced: Iterable[SeenLock]) -> list[str]:
    kept = {
        (account, rule, contract or "account", None if until is None else until // _MS)
        for account, rule, contract, until in database.execute(
            "select account_id, rule_id, contract_id, until_ns from locks"
        )
    }
    return [
        f"a lock was announced and is not in the store: {lock}"
        for lock in announced
        if (lock.account, lock.rule, lock.scope, _millis(lock.until)) not in kept
    ]


def _millis(at: datetime | None) -> int | None:
    if at is None:
        return None
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
