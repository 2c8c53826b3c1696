"""Where the lockout actor keeps locks, and how it is noted that this failed."""

from collections.abc import Callable, Sequence
from typing import Protocol

from risk_actors.core.lock import EndedBy, Lock
from risk_actors.core.lock_book import RestoredLocks
from risk_actors.core.unlock_requests import UnlockRequest
from risk_actors.runtime.tape import StoreFailed


class LockStore(Protocol):
    """Where locks outlive the process. Opened, used and closed in the actor's own thread."""

    def restored(self, now_ns: int, ended_after_ns: int) -> RestoredLocks:
        """Return what the last run left; of what has ended, what ended after an instant."""

    def save(self, lock: Lock) -> None:
        """Commit a lock, new or changed."""

    def end(
        self, lock: Lock, at_ns: int, ended_by: EndedBy, request: UnlockRequest | None = None
    ) -> None:
        """Commit that a lock ended, and what became of the request for it, as one."""

    def save_request(self, request: UnlockRequest) -> None:
        """Commit a request, new or changed."""

    def back_up(self, locks: Sequence[Lock]) -> None:
        """Write the locks in force a second time, apart from the rest."""

    def close(self) -> None:
        """Close the store."""


class CallCount:
    """How many calls of the store were made since the start of the run."""

    def __init__(self) -> None:
        self.calls = 0


class CountedLockStore:
    """A lock store whose failing calls are noted, so that a replay lets the same ones fail.

    Every call counts, in its order and from 1, opening the store included; closing it and the
    backup, of which no decision depends, do not.
    """

    def __init__(
        self,
        open_store: Callable[[], LockStore],
        count: CallCount,
        on_failure: Callable[[StoreFailed], None],
    ) -> None:
        """Open the store.

        Args:
            open_store: opens it in the calling thread.
            count: goes on from one store to the next of the same run.
            on_failure: told of each call that raised, before the error goes on.
        """
        self._count = count
        self._on_failure = on_failure
        self._store = self._counted(open_store)

    def restored(self, now_ns: int, ended_after_ns: int) -> RestoredLocks:
        """Return what the last run left."""
        return self._counted(lambda: self._store.restored(now_ns, ended_after_ns))

    def save(self, lock: Lock) -> None:
        """Commit a lock."""
        self._counted(lambda: self._store.save(lock))

    def end(
        self, lock: Lock, at_ns: int, ended_by: EndedBy, request: UnlockRequest | None = None
    ) -> None:
        """Commit that a lock ended."""
        self._counted(lambda: self._store.end(lock, at_ns, ended_by, request))

    def save_request(self, request: UnlockRequest) -> None:
        """Commit a request."""
        self._counted(lambda: self._store.save_request(request))

    def back_up(self, locks: Sequence[Lock]) -> None:
        """Write the locks in force a second time."""
        self._store.back_up(locks)

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    def _counted[T](self, call: Callable[[], T]) -> T:
        self._count.calls += 1
        try:
            return call()
        except Exception as error:
            self._on_failure(StoreFailed(self._count.calls, str(error)))
            raise
