"""What the journal has not written yet. While the store cannot be written it is bounded.

Then the tape goes first, for it is large and serves the replay alone; then what the broker said,
oldest first, for it can say it again; then whatever is oldest. Nothing goes silently: the record
says what is missing as soon as it can be written again.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from risk_actors import messages as m
from risk_actors.actors.record import Batch, Entry
from risk_actors.runtime.tape import Note, Tape

KEEP_ROWS = 10_000
"""Rows kept in memory while the store cannot be written."""
KEEP_NOTES = 50_000
"""Notes of the tape kept meanwhile."""
ROWS_AT_ONCE = 200
"""Rows written in one transaction: the lockout must not wait long to store a lock."""

_DROPPED_AT_ONCE = KEEP_ROWS // 10
_SAID_AGAIN = (
    m.AccountReported,
    m.AccountSnapshot,
    m.BarsReported,
    m.FillReported,
    m.OrderReported,
    m.PositionReported,
    m.QuoteReported,
)
"""What the broker can tell once more."""


class _Lost(NamedTuple):
    """What was dropped since the store could last be written."""

    rows: int = 0
    notes: int = 0
    since_ns: int = 0


class Backlog:
    """Rows, memories, accounts and notes that wait for the next transaction."""

    def __init__(self, address: str, tapes: Mapping[str, Tape]) -> None:
        """Take the journal's address, and the tapes in the order in which they are drained."""
        self._address = address
        self._tapes = tapes
        self.entries: list[Entry] = []
        self._memories: dict[tuple[str, int], m.RuleStateChanged] = {}
        self._accounts: dict[int, m.AccountUpdated] = {}
        self._notes: dict[str, list[Note]] = {}
        self._lost = _Lost()
        self._overflowed = 0

    def __bool__(self) -> bool:
        """Tell whether anything waits besides the tape."""
        return bool(self.entries or self._memories or self._accounts)

    def add(self, entry: Entry) -> None:
        """Keep a row."""
        self.entries.append(entry)

    def remember(self, change: m.RuleStateChanged) -> None:
        """Keep what a rule remembers, in place of what it remembered before."""
        self._memories[change.rule_id, change.account_id] = change

    def show(self, update: m.AccountUpdated) -> None:
        """Keep where an account stands, in place of where it stood before."""
        self._accounts[update.account_id] = update

    def drain(self) -> None:
        """Take what is on the tapes."""
        for address, tape in self._tapes.items():
            notes = tape.drain()
            if notes:
                self._notes.setdefault(address, []).extend(notes)

    def waiting_notes(self) -> int:
        """Return how many notes wait on the tapes."""
        return sum(tape.waiting for tape in self._tapes.values())

    def batch(self, now_ns: int) -> Batch:
        """Return what to write next."""
        entries: Sequence[Entry] = self.entries[:ROWS_AT_ONCE]
        notes_lost = self._lost.notes + self._newly_overflowed()
        if self._lost.rows or notes_lost:
            entries = (self._say_lost(now_ns, notes_lost), *entries)
        return Batch(
            entries=entries,
            memories=tuple(self._memories.values()),
            accounts=tuple(self._accounts.values()),
            tape=self._notes,
            tape_lost=notes_lost,
            alive_ns=now_ns,
        )

    def written(self) -> None:
        """Forget what the last batch held; it is in the store."""
        del self.entries[:ROWS_AT_ONCE]
        self._memories.clear()
        self._accounts.clear()
        self._notes = {}
        self._overflowed += self._newly_overflowed()
        self._lost = _Lost()

    def bound(self, now_ns: int) -> None:
        """Drop what is too much to be kept while the store cannot be written."""
        notes = sum(map(len, self._notes.values()))
        if notes > KEEP_NOTES:
            self._notes = {}
            self._lose(now_ns, notes=notes)
        excess = len(self.entries) - KEEP_ROWS
        if excess > 0:
            self._drop(max(excess, _DROPPED_AT_ONCE))
            self._lose(now_ns, rows=max(excess, _DROPPED_AT_ONCE))

    @property
    def lost_rows(self) -> int:
        """Rows that were dropped since the store could last be written."""
        return self._lost.rows

    def _drop(self, count: int) -> None:
        dropped = 0
        kept: list[Entry] = []
        for entry in self.entries:
            if dropped < count and isinstance(entry.message, _SAID_AGAIN):
                dropped += 1
            else:
                kept.append(entry)
        self.entries = kept[count - dropped :]

    def _lose(self, now_ns: int, rows: int = 0, notes: int = 0) -> None:
        lost = self._lost
        self._lost = _Lost(lost.rows + rows, lost.notes + notes, lost.since_ns or now_ns)

    def _newly_overflowed(self) -> int:
        """Return the notes that the tapes themselves had to drop since the last batch."""
        # While an actor is noting, its count may for a moment be one short.
        return max(sum(tape.lost for tape in self._tapes.values()) - self._overflowed, 0)

    def _say_lost(self, now_ns: int, notes: int) -> Entry:
        """Return the row that says what is missing."""
        rows = self._lost.rows
        missing = [f"{rows} rows"] if rows else []
        missing += [f"{notes} notes of the tape"] if notes else []
        since_s = max(now_ns - (self._lost.since_ns or now_ns), 0) / 1e9
        text = (
            f"{self._address}: the store could not be written; {' and '.join(missing)} of the "
            f"last {since_s:.0f} s are not in the record"
        )
        return Entry(
            at_ns=now_ns,
            correlation_id=f"{self._address}-{now_ns // 1_000_000}",
            kind=m.ActorChanged.__name__,
            account_id=None,
            text=text,
            message=m.ActorChanged(
                correlation_id=f"{self._address}-{now_ns // 1_000_000}",
                at_ns=now_ns,
                address=self._address,
                status=m.ActorStatus.FAULT,
                detail=text,
            ),
        )
