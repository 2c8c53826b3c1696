"""What the record tells of each lock, and where it may lack what was committed last.

A lock is committed before it is announced, and what was announced reaches the record within 50 ms.
So a process that is killed can leave a change of a lock that the record never heard of; a run that
ended in order cannot.
"""

from typing import Any, NamedTuple

from risk_actors.core.evidence import NS_PER_S
from risk_actors.store.audit import Record
from risk_actors.store.audit_lock_rows import (
    StoredLockRow,
    first_run_row_ns,
    lost_spans,
    run_spans,
    told_locks,
    told_requests,
)

TAIL_NS = 5 * NS_PER_S
"""So near to the last sign of life of a run that was killed, the record may lack something. It is
far more than a write takes when the file is busy."""

_NEVER_OF_A_TIMED_LOCK = ("condition", "orphaned", None)


class Told(NamedTuple):
    """What the record tells of one lock."""

    lock: dict[str, Any]
    """Its fields, as they were told last."""
    told_ns: int
    """When it was last told to be in force."""
    ended_ns: int | None = None
    """When its end was told; None: it was not."""
    ended_by: frozenset[str] = frozenset()
    """What may have ended it, by what was told."""
    is_gone: bool = False
    """Whether the locks in force were told without it, and its end was not."""
    may_lack: bool = False
    """Whether what was told last may not have been committed: the store could not be written."""
    until_was_ns: int | None = None
    """An end that was told before an earlier one, with nothing that moved it."""


class LockHistory:
    """All that the record of versions with runs tells of locks, read once."""

    def __init__(self, record: Record) -> None:
        """Read it.

        Raises:
            sqlite3.Error: the file cannot be read.
        """
        self.since_ns = first_run_row_ns(record)
        """Instant of the first row that counts; None when there is none."""
        self.told: dict[int, Told] = {}
        """By lock id."""
        self._runs = run_spans(record)
        self._lost = lost_spans(record)
        self.is_open = bool(self._runs) and not self._runs[-1].is_ended
        """Whether the last run was killed, or runs."""
        self.alive_ns = max((run.alive_ns for run in self._runs), default=0)
        """When a run was last known to live."""
        requests = told_requests(record)
        self._unlocked = {each.lock_id for each in requests if each.status == "done"}
        self.dues = {(each.lock_id, each.due_ns) for each in requests}
        """By lock id, the instants at which a request to end it was to take effect."""
        self._unsaved: set[int] = set()
        self._run_id: int | None = None
        for row in told_locks(record):
            try:
                self._take(row.run_id, row.at_ns, row.correlation_id, row.message)
            except (KeyError, TypeError, AttributeError):
                # A row that says something else than ours is for the chain of hashes to find.
                continue

    def may_lack(self, at_ns: int) -> bool:
        """Tell whether the record may lack what was committed to the store at an instant."""
        if any(since_ns <= at_ns <= until_ns for since_ns, until_ns in self._lost):
            return True
        before_ns = 0
        for run in self._runs:
            # What fell due while nothing ran is settled at the start, as of when it fell due.
            is_short = run.alive_ns - run.started_ns < TAIL_NS
            since_ns = min(before_ns, run.started_ns) if is_short else run.alive_ns
            is_near = since_ns - TAIL_NS <= at_ns <= run.alive_ns + TAIL_NS
            if is_near and not run.is_ended:
                return True
            before_ns = run.alive_ns
        return False

    def was_killed_after(self, at_ns: int) -> bool:
        """Tell whether a run that lived then or later did not end in order, or still runs."""
        return any(not run.is_ended and run.alive_ns + TAIL_NS >= at_ns for run in self._runs)

    def _take(self, run_id: int, at_ns: int, correlation_id: str, message: dict[str, Any]) -> None:
        if run_id != self._run_id and not message.get("unsaved"):
            # What a killed run could not save is lost with it.
            self._unsaved = set()
        self._run_id = run_id
        locks = {lock["id"]: lock for lock in message["locks"]}
        engaged, ended = message.get("engaged"), message.get("ended")
        engaged_id = engaged["id"] if engaged else None
        for lock_id, lock in locks.items():
            self._in_force(lock_id, lock, at_ns, is_engaged=lock_id == engaged_id)
        if ended:
            self._ended(ended, at_ns, correlation_id)
        for lock_id, told in self.told.items():
            if (
                told.lock["account_id"] == message["account_id"]
                and lock_id not in locks
                and told.ended_ns is None
                and not _is_over(told.lock["until_ns"], at_ns)
            ):
                self.told[lock_id] = told._replace(is_gone=True)
        self._note_unsaved(message.get("unsaved", 0), [engaged, ended])

    def _in_force(
        self, lock_id: int, lock: dict[str, Any], at_ns: int, *, is_engaged: bool
    ) -> None:
        before = self.told.get(lock_id)
        until_was_ns = None if before is None else before.until_was_ns
        if before is not None and not before.may_lack and not is_engaged:
            was_ns, is_ns = before.lock["until_ns"], lock["until_ns"]
            if was_ns != is_ns and (was_ns is None or is_ns is None or is_ns < was_ns):
                until_was_ns = was_ns
        may_lack = before is not None and before.may_lack and lock_id in self._unsaved
        self.told[lock_id] = Told(lock, at_ns, may_lack=may_lack, until_was_ns=until_was_ns)

    def _ended(self, lock: dict[str, Any], at_ns: int, correlation_id: str) -> None:
        until_ns = lock["until_ns"]
        if lock["id"] in self._unlocked:
            ended_by = {"unlock"}
        elif until_ns is not None:
            ended_by = {"expired"} if at_ns >= until_ns else {"unlock"}
        else:
            ended_by = {"orphaned"} if correlation_id.startswith("orphaned-") else {"condition"}
            if self.was_killed_after(at_ns) and self.may_lack(at_ns):
                ended_by.add("unlock")
        before = self.told.get(lock["id"])
        self.told[lock["id"]] = Told(
            lock,
            at_ns if before is None else before.told_ns,
            ended_ns=at_ns,
            ended_by=frozenset(ended_by),
            until_was_ns=None if before is None else before.until_was_ns,
        )

    def _note_unsaved(self, unsaved: int, changed: list[dict[str, Any] | None]) -> None:
        if unsaved:
            self._unsaved |= {lock["id"] for lock in changed if lock}
            for lock_id in self._unsaved & self.told.keys():
                self.told[lock_id] = self.told[lock_id]._replace(may_lack=True)
            return
        for lock_id in self._unsaved & self.told.keys():
            self.told[lock_id] = self.told[lock_id]._replace(may_lack=False)
        self._unsaved.clear()


def is_end_of_ours(row: StoredLockRow) -> bool:
    """Tell whether a lock of a table can have ended the way the table says, whatever was told.

    A lock that ends at an instant has no condition that could end it, and ends then or by the
    unlock policy.
    """
    if row.until_ns is None:
        return row.ended_by in ("condition", "orphaned", "unlock")
    if row.ended_by in _NEVER_OF_A_TIMED_LOCK:
        return False
    return row.ended_by == "unlock" or row.ended_ns == row.until_ns


def _is_over(until_ns: int | None, at_ns: int) -> bool:
    return until_ns is not None and until_ns <= at_ns
