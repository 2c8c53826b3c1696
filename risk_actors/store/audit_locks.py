"""Whether the table `locks` is what the record tells of each lock.

The record is chained and the table is not; so what the table says of a lock is compared with what
was told of it. What a kill may have kept out of the record is not held against the table.
"""

import json
from collections.abc import Iterator
from datetime import tzinfo
from typing import Any, NamedTuple

from risk_actors.store.audit import Record
from risk_actors.store.audit_lock_rows import StoredLockRow, stored_lock_rows
from risk_actors.store.audit_words import in_words
from risk_actors.store.lock_history import TAIL_NS, LockHistory, Told, is_end_of_ours


class LocksVerified(NamedTuple):
    """The table fits the record."""

    compared: int
    not_judged: int = 0
    """Locks that are older than the record, or that a killed run may have left out of it."""


class BrokenLock(NamedTuple):
    """The first lock that is not as the record tells it."""

    lock_id: int
    rule_id: str
    account_id: int
    problem: str

    def sentence(self) -> str:
        """Return it in plain words."""
        return f"lock {self.lock_id} of {self.rule_id} on account {self.account_id}: {self.problem}"


def verify_locks(record: Record, zone: tzinfo) -> LocksVerified | BrokenLock:
    """Compare every lock; instants are told in the zone.

    Raises:
        sqlite3.Error: the file cannot be read.
    """
    history = LockHistory(record)
    rows = {row.id: row for row in stored_lock_rows(record)}
    compare = _Comparison(history, zone)
    compared = not_judged = 0
    for lock_id in sorted(rows.keys() | history.told.keys()):
        row, told = rows.get(lock_id), history.told.get(lock_id)
        problem = None
        if told is not None:
            problem = compare.gone(told) if row is None else next(compare.all(row, told), None)
            compared += 1
        elif row is not None and compare.may_be_unknown(row):
            not_judged += 1
        else:
            problem = "the record tells of no such lock"
        if problem is not None:
            lock = row._asdict() if row is not None else told.lock if told is not None else {}
            return BrokenLock(lock_id, lock["rule_id"], lock["account_id"], problem)
    return LocksVerified(compared, not_judged)


class _Comparison:
    """Compares locks with what was told of them, and says in words what does not fit."""

    def __init__(self, history: LockHistory, zone: tzinfo) -> None:
        self._history = history
        self._zone = zone
        self._last_id = max(history.told, default=0)

    def may_be_unknown(self, row: StoredLockRow) -> bool:
        """Tell whether the record need not tell of a lock."""
        since_ns = self._history.since_ns
        if since_ns is None or row.since_ns < since_ns + TAIL_NS:
            return True
        # A breach that is told again locks as of when it was found first.
        is_last = row.id > self._last_id and self._history.is_open
        return is_last or self._history.may_lack(row.since_ns)

    def gone(self, told: Told) -> str | None:
        """Return what is wrong with a lock that the table lacks."""
        return None if told.may_lack else "it is not in the table locks"

    def all(self, row: StoredLockRow, told: Told) -> Iterator[str]:
        """Yield what is wrong with a lock."""
        yield from self._scope(row, told.lock)
        yield from self._until(row, told)
        if row.ended_ns is None:
            yield from self._in_force(told)
        else:
            yield from self._ended(row, row.ended_ns, told)

    def _scope(self, row: StoredLockRow, lock: dict[str, Any]) -> Iterator[str]:
        if row.since_ns != lock["since_ns"]:
            yield self._differs("began", self._at(row.since_ns), self._at(lock["since_ns"]))
        for name, words in _NAMES.items():
            stored, told = getattr(row, name), lock[name]
            if stored != told:
                default = _NULL.get(name, "nothing")
                yield self._differs(words, stored or default, told or default)
        if _kept(row.kept) != lock["kept"]:
            yield self._differs("lets stay", row.kept, json.dumps(lock["kept"]))

    def _until(self, row: StoredLockRow, told: Told) -> Iterator[str]:
        told_ns = told.lock["until_ns"]
        if told.until_was_ns is not None:
            yield (
                f"it was to hold until {self._at(told.until_was_ns)}, is told to hold until "
                f"{self._until_words(told_ns)} since, and nothing in the record moved that"
            )
        if row.until_ns == told_ns or told.may_lack:
            return
        is_later = None not in (row.until_ns, told_ns) and row.until_ns > told_ns
        # A lock that was made longer, and the run was killed before it could be told.
        if not (is_later and self._history.was_killed_after(told.told_ns)):
            yield self._differs(
                "holds until", self._until_words(row.until_ns), self._until_words(told_ns)
            )

    def _in_force(self, told: Told) -> Iterator[str]:
        if told.may_lack:
            return
        if told.ended_ns is not None:
            yield self._differs("ended", "no end of it", self._at(told.ended_ns))
        elif told.is_gone:
            yield "the record stops telling of it as in force, and tells of no end of it"

    def _ended(self, row: StoredLockRow, ended_ns: int, told: Told) -> Iterator[str]:
        if not isinstance(ended_ns, int) or not is_end_of_ours(row):
            yield f"{self._end(row)}; no lock like it ends so"
        elif told.ended_ns is not None:
            is_told = row.ended_by in told.ended_by and self._fits(row, ended_ns, told.ended_ns)
            if not is_told:
                by = " or ".join(sorted(told.ended_by))
                yield f"{self._end(row)}; the record says {self._at(told.ended_ns)}, by {by}"
        elif row.ended_by == "expired":
            # Whether it was told or not: then it was over. Only it cannot be before then.
            if ended_ns > self._history.alive_ns + TAIL_NS:
                yield f"{self._end(row)}, when nothing ran that could end it"
        elif ended_ns + TAIL_NS < told.told_ns:
            yield (
                f"{self._end(row)}; the record says that it was in force at "
                f"{self._at(told.told_ns)}"
            )
        elif not self._history.may_lack(ended_ns):
            yield f"{self._end(row)}; the record tells of no end of it"

    def _fits(self, row: StoredLockRow, ended_ns: int, told_ns: int) -> bool:
        """Tell whether a lock can have ended at an instant when that was told at another."""
        if row.ended_by == "expired" or (row.id, ended_ns) in self._history.dues:
            return True
        return told_ns - TAIL_NS <= ended_ns <= told_ns

    def _end(self, row: StoredLockRow) -> str:
        by = f", by {row.ended_by}" if row.ended_by else ""
        return f"the table locks says that it ended at {self._at(row.ended_ns)}{by}"

    def _differs(self, what: str, stored: object, told: object) -> str:
        return f"{what}: the table locks says {stored}, the record {told}"

    def _until_words(self, until_ns: object) -> str:
        return "a condition" if until_ns is None else self._at(until_ns)

    def _at(self, at_ns: object) -> str:
        return in_words(at_ns, self._zone) or repr(at_ns)


_NAMES = {
    "account_id": "account",
    "contract_id": "scope",
    "rule_id": "rule",
    "existing": "open positions",
    "correlation_id": "chain",
}
_NULL = {"contract_id": "the whole account"}


def _kept(text: str | None) -> object:
    try:
        return json.loads(text or "[]")
    except (ValueError, TypeError):
        return text


def ended_by_hand(record: Record) -> frozenset[int]:
    """Return the locks that the table says ended, of which it is certain that no run ended them.

    Either the record, whose last word is that they are in force, cannot lack their end, or no lock
    like them ends so.

    Raises:
        sqlite3.Error: the file cannot be read.
    """
    history = LockHistory(record)
    found = set()
    for row in stored_lock_rows(record):
        told = history.told.get(row.id)
        if row.ended_ns is None or told is None:
            continue
        if told.ended_ns is not None or told.is_gone or told.may_lack:
            continue
        if row.ended_by == "expired" and row.ended_ns <= history.alive_ns + TAIL_NS:
            continue
        if not is_end_of_ours(row) or not history.may_lack(row.ended_ns):
            found.add(row.id)
    return frozenset(found)
