"""The record of what happened, in the store, and where accounts stand."""

import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from risk_actors.actors.record import Batch, Entry
from risk_actors.core.trading_calendar import TradingCalendar
from risk_actors.messages import RuleStateChanged
from risk_actors.runtime.right_of_way import Courtesy
from risk_actors.store.account_tables import AccountTables
from risk_actors.store.record_chain import GENESIS, row_hash
from risk_actors.store.record_rows import local_time, message_json, table_of, unstorable_json
from risk_actors.store.retention import Retention, Tidying
from risk_actors.store.rule_states import write_rule_states
from risk_actors.store.runs import RunRecord, note_run
from risk_actors.store.schema import RECORD_TABLES, insert_record_row, open_database
from risk_actors.store.storable import NO_COLUMN_HOLDS, held, readable
from risk_actors.store.suspect import note_suspect
from risk_actors.store.tape import TapeEncoder, TapeRow, insert_tape_row

BUSY_FOR_AT_MOST_MS = 5_000
"""How long a write waits for the locks' writer, or for somebody who looks into the file."""


class SqliteJournal:
    """The record and the tables of state. Used by the journal actor alone, in its thread."""

    def __init__(
        self,
        data_dir: Path,
        *,
        calendar: TradingCalendar,
        run: RunRecord,
        keep: Retention | None = None,
    ) -> None:
        """Open the store; the run's row is written with the first batch."""
        self._data_dir = data_dir
        self._calendar = calendar
        self._run = run
        self._database = open_database(data_dir)
        # A killed process loses nothing by it; only the locks' writer waits for the disk each time.
        self._database.execute("pragma synchronous = normal")
        self._database.execute(f"pragma busy_timeout = {BUSY_FOR_AT_MOST_MS}")
        self._tables = AccountTables(self._database, calendar)
        self._tidying = Tidying(self._database, keep or Retention())
        self._run_id: int | None = None
        self._give_way = Courtesy()
        self._tape = TapeEncoder(self._give_way)
        # Of a run whose tape lacks something in the middle, the rest cannot be replayed.
        self._is_tape_whole = True
        self._alive_ns = run.started_ns

    def write(self, batch: Batch) -> None:
        """Commit a batch in one transaction.

        Raises:
            sqlite3.Error: nothing of it was committed.
        """
        # It may take long, so it comes before what the locks' writer has to wait for.
        tape_row, is_tape_whole = self._tape_row(batch)
        run_id = self._run_id
        # Not from here on: the locks' writer would have to wait for it too.
        self._give_way()
        try:
            # A transaction that begins with a look fails when the locks' writer comes in between,
            # so it begins as ours.
            self._database.execute("begin immediate")
            if run_id is None:
                run_id = note_run(self._database, self._run)
                self._tables.begin_timers(self._run.started_ns)
            head = self._append(batch, run_id)
            self._remember(batch.memories)
            self._tables.show(batch.accounts)
            self._tables.finish()
            if tape_row is not None:
                insert_tape_row(self._database, run_id, tape_row)
            self._database.execute(
                "update runs set alive_ns = max(alive_ns, ?), last_seq = ?, last_hash = ?"
                " where id = ?",
                [batch.alive_ns, *head, run_id],
            )
            self._database.commit()
        except BaseException as error:
            self._database.rollback()
            self._tables.forget()
            self._tape.undone()
            note_suspect(self._data_dir, error)
            raise
        self._run_id, self._is_tape_whole = run_id, is_tape_whole
        self._alive_ns = max(self._alive_ns, batch.alive_ns)

    def tidy(self, now_ns: int) -> bool:
        """Drop a little of what is too old; tell whether more is left to do."""
        return self._tidying.step(now_ns)

    def close(self) -> None:
        """Note that the run ended, and close the store."""
        try:
            if self._run_id is not None:
                # On a full disk it stays open-ended, as after a kill.
                with suppress(sqlite3.Error):
                    self._database.execute(
                        "update runs set ended_ns = ? where id = ?", [self._alive_ns, self._run_id]
                    )
        finally:
            self._database.close()

    def _tape_row(self, batch: Batch) -> tuple[TapeRow | None, bool]:
        """Return what to add to the tape, and whether it is whole still."""
        if not self._is_tape_whole:
            return None, False
        lost = batch.tape_lost
        if not lost:
            try:
                return self._tape.encode(batch.tape), True
            except NO_COLUMN_HOLDS:
                # What a tape cannot hold would else hold up the record for ever.
                lost = sum(map(len, batch.tape.values()))
        # A replay must know that it ends here.
        return self._tape.encode({}, lost=lost), False

    def _remember(self, memories: Iterable[RuleStateChanged]) -> None:
        """Store what rules remember; what cannot be stored leaves what was there before."""
        for change in memories:
            with suppress(*NO_COLUMN_HOLDS):  # the journal looked at it, and said so
                write_rule_states(self._database, [change])

    def _append(self, batch: Batch, run_id: int) -> tuple[int, str]:
        """Add rows to the record and to the tables of state; return its last number and hash."""
        seq, previous = self._head()
        for entry in batch.entries:
            seq += 1
            try:
                previous = self._insert(self._row(entry, seq, run_id), previous)
            except NO_COLUMN_HOLDS as error:
                # It would else hold up all that comes after it for ever.
                bare = self._bare_row(entry, seq, run_id, batch.alive_ns, error)
                previous = self._insert(bare, previous)
        return seq, previous

    def _insert(self, row: dict[str, Any], previous: str) -> str:
        """Add a row to the record; return its hash."""
        row["hash"] = row_hash(previous, row)
        insert_record_row(self._database, row)
        return str(row["hash"])

    def _row(self, entry: Entry, seq: int, run_id: int) -> dict[str, Any]:
        try:
            reconciled = self._tables.take(entry.message)
        except NO_COLUMN_HOLDS:
            # What the broker said makes no sense as a fact; that it said so is kept.
            reconciled = None
        return {
            "table": table_of(entry.message),
            "seq": seq,
            "at": local_time(entry.at_ns, self._calendar.zone),
            "at_ns": entry.at_ns,
            "run_id": run_id,
            "account_id": held(entry.account_id),
            "correlation_id": readable(entry.correlation_id),
            "kind": entry.kind,
            "text": readable(entry.text),
            "message": message_json(entry.message, reconciled),
        }

    def _bare_row(
        self, entry: Entry, seq: int, run_id: int, now_ns: int, error: Exception
    ) -> dict[str, Any]:
        """Return a row that says what can be said of one that cannot be stored."""
        return {
            "table": table_of(entry.message),
            "seq": seq,
            "at": local_time(now_ns, self._calendar.zone),
            "at_ns": now_ns,
            "run_id": run_id,
            "account_id": held(entry.account_id),
            "correlation_id": readable(entry.correlation_id),
            "kind": readable(entry.kind),
            "text": readable(entry.text),
            "message": unstorable_json(entry.message, error),
        }

    def _head(self) -> tuple[int, str]:
        """Return number and hash of the last row, or of what the first one follows from."""
        heads = [
            self._database.execute(
                f"select seq, hash from {name} order by seq desc limit 1"  # noqa: S608 - a name
            ).fetchone()
            for name in (*RECORD_TABLES, "record_anchors")
        ]
        return max((head for head in heads if head is not None), default=(0, GENESIS))
