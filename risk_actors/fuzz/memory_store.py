"""The edge of the store, in memory: what a lock store and a journal would keep."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from risk_actors.actors.record import Batch, Entry
from risk_actors.core.lock import EndedBy, Lock, LockSpan, Unlocked
from risk_actors.core.lock_book import RestoredLocks
from risk_actors.core.unlock_requests import UnlockRequest, UnlockStatus


@dataclass
class MemoryLocks:
    """What a lock store would keep."""

    saved: dict[int, Lock] = field(default_factory=dict)
    ended: dict[int, int] = field(default_factory=dict)
    unlocked: set[int] = field(default_factory=set)
    requests: dict[tuple[int, int], UnlockRequest] = field(default_factory=dict)

    def restored(self, now_ns: int, ended_after_ns: int) -> RestoredLocks:
        """Return what the last run left; of what has ended, what ended after an instant."""
        asked = {
            each.lock_id for each in self.requests.values() if each.status is UnlockStatus.ASKED
        }
        over = {
            lock.id: over_ns
            for lock in self.saved.values()
            if (over_ns := self.ended.get(lock.id, lock.until_ns)) is not None
            and over_ns <= now_ns
            and (lock.id in self.ended or lock.id not in asked)
        }
        return RestoredLocks(
            locks=tuple(lock for lock in self.saved.values() if lock.id not in over),
            past=tuple(
                (lock.account_id, LockSpan(lock.contract_id, lock.since_ns, over[lock.id]))
                for lock in self.saved.values()
                if over.get(lock.id, 0) > ended_after_ns
            ),
            last_id=max(self.saved, default=0),
            requests=tuple(
                each
                for each in self.requests.values()
                if each.status is UnlockStatus.ASKED and each.lock_id not in self.ended
            ),
            unlocked=tuple(
                (lock.account_id, Unlocked(lock.rule_id, lock.contract_id, self.ended[lock.id]))
                for lock in self.saved.values()
                if lock.id in self.unlocked
            ),
        )

    def save(self, lock: Lock) -> None:
        """Keep a lock, new or changed."""
        self.saved[lock.id] = lock

    def end(
        self, lock: Lock, at_ns: int, ended_by: EndedBy, request: UnlockRequest | None = None
    ) -> None:
        """Keep that a lock ended, and what became of the request for it."""
        self.ended[lock.id] = at_ns
        if ended_by is EndedBy.UNLOCK:
            self.unlocked.add(lock.id)
        if request is not None:
            self.save_request(request)

    def save_request(self, request: UnlockRequest) -> None:
        """Keep a request, new or changed."""
        self.requests[request.lock_id, request.asked_ns] = request

    def back_up(self, locks: Sequence[Lock]) -> None:
        """Keep nothing a second time: memory is not damaged."""

    def close(self) -> None:
        """Nothing has to be closed."""


@dataclass
class MemoryJournal:
    """What a journal would keep: the record alone."""

    entries: list[Entry] = field(default_factory=list)

    def write(self, batch: Batch) -> None:
        """Keep a batch."""
        self.entries += batch.entries

    def tidy(self, now_ns: int) -> bool:  # noqa: ARG002 - the store's signature
        """Keep everything."""
        return False

    def close(self) -> None:
        """Nothing has to be closed."""
