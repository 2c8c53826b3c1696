"""The lock store of a replay: tells what was restored, keeps nothing, and fails where it failed."""

from collections.abc import Callable, Mapping, Sequence

from risk_actors.core.lock import EndedBy, Lock
from risk_actors.core.lock_book import RestoredLocks
from risk_actors.core.unlock_requests import UnlockRequest


class StoreFailedThenError(Exception):
    """In the run that is replayed, this call raised."""


class ReplayedLockStore:
    """Counts calls as the run did: each in its order and from 1, opening included."""

    def __init__(
        self, restored: Callable[[int, int], RestoredLocks], failing: Mapping[int, str]
    ) -> None:
        """Take what the store told, and the errors by call."""
        self._restored = restored
        self._failing = failing
        self._calls = 0

    def open(self) -> "ReplayedLockStore":
        """Open it, again after each restart of its actor."""
        self._count()
        return self

    def restored(self, now_ns: int, ended_after_ns: int) -> RestoredLocks:
        """Return what the last run left."""
        self._count()
        return self._restored(now_ns, ended_after_ns)

    def save(self, lock: Lock) -> None:  # noqa: ARG002 - nothing is kept
        """Commit a lock."""
        self._count()

    def end(
        self,
        lock: Lock,  # noqa: ARG002
        at_ns: int,  # noqa: ARG002
        ended_by: EndedBy,  # noqa: ARG002
        request: UnlockRequest | None = None,  # noqa: ARG002
    ) -> None:
        """Commit that a lock ended."""
        self._count()

    def save_request(self, request: UnlockRequest) -> None:  # noqa: ARG002
        """Commit a request."""
        self._count()

    def back_up(self, locks: Sequence[Lock]) -> None:
        """Do nothing: no decision depends on it, so it does not count."""

    def close(self) -> None:
        """Do nothing."""

    def _count(self) -> None:
        self._calls += 1
        detail = self._failing.get(self._calls)
        if detail is not None:
            raise StoreFailedThenError(detail)
