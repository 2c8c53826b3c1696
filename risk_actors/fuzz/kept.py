"""A store in memory that outlives the guard's process: what the next start finds.

It keeps what the real one keeps, decided by the same messages, so that a kill costs here what it
costs there: what the journal had not written is lost, a lock that was announced is not.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from risk_actors import messages as m
from risk_actors.actors.record import Batch, Entry
from risk_actors.core.balance_check import DayOpening
from risk_actors.core.last_run import LastRun
from risk_actors.core.rules import Rule
from risk_actors.core.rules.memory import RuleMemory, decode_memory, encode_memory
from risk_actors.core.trade_ledger import SeenBefore
from risk_actors.core.trading_calendar import TradingCalendar
from risk_actors.fuzz.memory_store import MemoryLocks


class KeptStore:
    """Locks and record of one data directory."""

    def __init__(self, calendar: TradingCalendar, now_ns: int) -> None:
        """Begin an empty store; the day and week of the first run count as told."""
        self.locks = MemoryLocks()
        self.entries: list[Entry] = []
        self._memories: dict[tuple[str, int], bytes] = {}
        self._alive_ns: int | None = None
        self._day_start_ns = calendar.day(now_ns).start_ns
        self._week_start_ns = calendar.week(now_ns).start_ns
        self._openings: dict[int, DayOpening] = {}
        self._fills: dict[int, dict[int, SeenBefore | None]] = {}

    def open_journal(self) -> "JournalOf":
        """Return what one process writes with."""
        return JournalOf(self)

    def keep(self, batch: Batch) -> None:
        """Commit a batch."""
        self.entries += batch.entries
        self._alive_ns = max(batch.alive_ns, self._alive_ns or 0)
        for change in batch.memories:
            key = (change.rule_id, change.account_id)
            self._memories[key] = encode_memory(change.memory)
        for entry in batch.entries:
            self._take(entry.message)

    def _take(self, message: m.Message) -> None:
        match message:
            case m.DailyReset():
                self._day_start_ns = message.day_start_ns
            case m.WeeklyReset():
                self._week_start_ns = message.week_start_ns
            case m.DayOpened():
                self._openings[message.account_id] = DayOpening(
                    day_start_ns=message.day_start_ns, balance_usd=message.balance_usd
                )
            case m.FillReported():
                fill = message.fill
                known = self._fills.setdefault(fill.account_id, {})
                known.setdefault(fill.id, SeenBefore(fill.at_ns, message.at_ns))
            case m.AccountSnapshot():
                known = self._fills.setdefault(message.account_id, {})
                for fill in message.fills or ():
                    known.setdefault(fill.id, None)

    # --- what a start finds -----------------------------------------------------------------

    def last_run(self) -> LastRun:
        """Return what the run before left."""
        return LastRun(
            alive_ns=self._alive_ns,
            day_start_ns=self._day_start_ns,
            week_start_ns=self._week_start_ns,
        )

    def openings(self) -> Mapping[int, DayOpening]:
        """Return the balances with which the day began."""
        return dict(self._openings)

    def seen_fills(self) -> Mapping[int, Mapping[int, SeenBefore]]:
        """Return when fills were pushed."""
        return {
            account_id: {fill_id: seen for fill_id, seen in fills.items() if seen is not None}
            for account_id, fills in self._fills.items()
        }

    def memories(self, rules: Sequence[Rule[Any, Any]]) -> Mapping[tuple[str, int], RuleMemory]:
        """Return what rules remembered."""
        by_id = {rule.settings.id: rule for rule in rules}
        return {
            key: decode_memory(by_id[key[0]], stored)
            for key, stored in self._memories.items()
            if key[0] in by_id
        }


class JournalOf:
    """The journal's way to the store; a process that was killed writes nothing any more."""

    def __init__(self, store: KeptStore) -> None:
        self._store: KeptStore | None = store

    def write(self, batch: Batch) -> None:
        """Commit a batch."""
        if self._store is not None:
            self._store.keep(batch)

    def tidy(self, now_ns: int) -> bool:  # noqa: ARG002 - the store's signature
        """Keep everything."""
        return False

    def close(self) -> None:
        """Write nothing any more."""
        self._store = None
