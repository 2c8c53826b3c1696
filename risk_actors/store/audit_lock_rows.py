"""What of the store is about locks: the table, what the record tells of them, and the runs."""

import json
from typing import Any, NamedTuple

from risk_actors.store.audit import LEGACY_TABLE, Record
from risk_actors.store.schema import RECORD_TABLES


class RunSpan(NamedTuple):
    """When a run lived."""

    started_ns: int
    alive_ns: int
    """When it was last known to live."""
    is_ended: bool
    """Whether it ended in order; False: it was killed, or runs."""


class StoredLockRow(NamedTuple):
    """A row of the table `locks`, as far as the record tells the same."""

    id: int
    account_id: int
    contract_id: str | None
    rule_id: str
    since_ns: int
    until_ns: int | None
    ended_ns: int | None
    ended_by: str | None
    existing: str
    kept: str | None
    correlation_id: str


class ToldLocks(NamedTuple):
    """One time that a run told the locks of an account."""

    run_id: int
    at_ns: int
    correlation_id: str
    message: Any
    """The fields of a `LocksChanged`."""


class ToldRequest(NamedTuple):
    """One time that a request to end a lock was told."""

    lock_id: int
    status: str
    due_ns: int | None


def stored_lock_rows(record: Record) -> list[StoredLockRow]:
    """Return the table `locks`, in the order of ids."""
    if not record.has("runs"):
        return []
    query = f"select {', '.join(StoredLockRow._fields)} from locks order by id"  # noqa: S608 - ours
    return [StoredLockRow._make(row) for row in record.ask(query)]


def told_locks(record: Record) -> list[ToldLocks]:
    """Return what runs told of locks, in the order of the record."""
    return [
        ToldLocks(run_id, at_ns, correlation_id, fields)
        for run_id, at_ns, correlation_id, fields in _told(record, "LocksChanged")
    ]


def told_requests(record: Record) -> list[ToldRequest]:
    """Return what runs told of requests to end a lock."""
    return [
        ToldRequest(fields["lock_id"], str(fields.get("status")), fields.get("due_ns"))
        for *_, fields in _told(record, "UnlockChanged")
        if "lock_id" in fields
    ]


def first_run_row_ns(record: Record) -> int | None:
    """Return the instant of the first row that a run wrote, not a version before there were any."""
    if not record.has("runs"):
        return None
    found = [
        row
        for table in RECORD_TABLES
        for row in record.ask(
            f"select seq, at_ns from {table} where run_id > 0 order by seq limit 1"  # noqa: S608 - ours
        )
    ]
    return min(found)[1] if found else None


def run_spans(record: Record) -> list[RunSpan]:
    """Return when the runs lived, in their order; what they recorded tells at least how long."""
    if not record.has("runs"):
        return []
    last_ns: dict[int, int] = {}
    for table in RECORD_TABLES:
        query = f"select run_id, max(at_ns) from {table} group by run_id"  # noqa: S608 - our names
        for run_id, at_ns in record.ask(query):
            last_ns[run_id] = max(at_ns, last_ns.get(run_id, 0))
    query = (
        "select id, started_ns, coalesce(alive_ns, 0), ended_ns is not null from runs order by id"
    )
    return [
        RunSpan(started_ns, max(started_ns, alive_ns, last_ns.get(run_id, 0)), bool(is_ended))
        for run_id, started_ns, alive_ns, is_ended in record.ask(query)
    ]


def lost_spans(record: Record) -> list[tuple[int, int]]:
    """Return from when to when the record lacks rows, because the store could not be written."""
    if not record.has("runs"):
        return []
    spans = []
    said = "select seq, at_ns from events where kind = 'ActorChanged' and text like :words"
    for seq, at_ns in record.ask(said, words="% are not in the record"):
        before = [
            row
            for table in RECORD_TABLES
            for row in record.ask(
                f"select seq, at_ns from {table} where seq < :seq"  # noqa: S608 - our own names
                " order by seq desc limit 1",
                seq=seq,
            )
        ]
        spans.append((max(before)[1] if before else 0, at_ns))
    return spans


def chains_of_lock(record: Record, lock_id: int) -> list[str]:
    """Return the correlation ids of what engaged or ended a lock, or asked that it end."""
    found: dict[str, None] = {}
    # Its number somewhere in the text is quickly found; whether it is the lock's, then.
    query = (
        "select correlation_id, message from {} where message like :number and kind in"
        " ('LocksChanged', 'UnlockChanged', 'UnlockRequested', 'UnlockWithdrawn') order by seq"
    )
    for table in (LEGACY_TABLE, "decisions", "events"):
        if record.has(table):
            for correlation_id, message in record.ask(query.format(table), number=f"%{lock_id}%"):
                if lock_id in _lock_ids(_fields(message)):
                    found[correlation_id] = None
    return list(found)


def _lock_ids(fields: dict[str, Any]) -> list[object]:
    changed = (fields.get("engaged"), fields.get("ended"))
    return [fields.get("lock_id"), *(lock.get("id") for lock in changed if isinstance(lock, dict))]


def _told(record: Record, kind: str) -> list[tuple[int, int, str, dict[str, Any]]]:
    if not record.has("decisions"):
        return []
    query = (
        "select run_id, at_ns, correlation_id, message from decisions"
        " where kind = :kind and run_id > 0 order by seq"
    )
    return [(*row, _fields(message)) for *row, message in record.ask(query, kind=kind)]


def _fields(message: object) -> dict[str, Any]:
    """Return a message's fields; none where a row was made something else than ours."""
    try:
        fields = json.loads(message) if isinstance(message, str) else None
    except ValueError:
        fields = None
    return fields if isinstance(fields, dict) else {}
