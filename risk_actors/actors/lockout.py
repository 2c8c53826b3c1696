"""The lockout actor: the single writer of the lock book."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, Protocol

from risk_actors import messages as m
from risk_actors.core.evidence import NS_PER_S, Evidence
from risk_actors.core.lock import Lock, LockSpan
from risk_actors.core.lock_book import LockBook
from risk_actors.core.trading_calendar import TradingCalendar
from risk_actors.core.unlock_policy import NEVER, UnlockTerms
from risk_actors.core.verdict import LockTerms
from risk_actors.runtime.actor import Actor, ActorContext
from risk_actors.runtime.control import Control, Resync

PANIC = "panic"
"""What stands in a lock's rule when the trader asked for it."""


class LockStore(Protocol):
    """Where locks outlive the process. Opened, used and closed in the actor's own thread."""

    def in_force(self, now_ns: int) -> Sequence[Lock]:
        """Return the locks not ended by now."""

    def ended_between(self, since_ns: int, now_ns: int) -> Sequence[tuple[int, LockSpan]]:
        """Return by account the locks in force after an instant that have ended by now."""

    def last_id(self) -> int:
        """Return the highest lock id ever given, 0 when there was none."""

    def save(self, lock: Lock) -> None:
        """Commit a lock, new or changed."""

    def end(self, lock: Lock, at_ns: int) -> None:
        """Commit that a lock ended."""

    def close(self) -> None:
        """Close the store."""


RETRY_EVERY_NS = NS_PER_S


class LockShelf:
    """The book, and what of it is not in the store yet, kept where they outlive the actor."""

    def __init__(self) -> None:
        self.book: LockBook | None = None
        self.unsaved: list[Callable[[LockStore], None]] = []
        """Writes that failed, in their order; tried again until they succeed."""
        self.worried: set[int] = set()
        """Accounts that were told so; they are told too when all is saved."""


class LockoutActor(Actor):
    """Engages and ends locks; a lock is committed before it is announced (I5)."""

    kind = "lockout"
    receives = frozenset(
        {
            m.BreachFound,
            m.ConditionEnded,
            m.PanicRequested,
            m.UnlockRequested,
            m.UnlockWithdrawn,
            m.Tick,
        }
    )
    sends = frozenset({m.LocksChanged, m.UnlockChanged, m.NoteLocks})

    def __init__(
        self,
        context: ActorContext,
        *,
        calendar: TradingCalendar,
        open_store: Callable[[], LockStore],
        shelf: LockShelf,
        account_ids: Iterable[int] = (),
        conditions: Mapping[str, Collection[int]] = MappingProxyType({}),
        unlock: UnlockTerms = NEVER,
    ) -> None:
        """Take where locks are kept, the guarded accounts, and who can end what.

        Args:
            context: what every actor gets.
            calendar: the trading day and week.
            open_store: opens the store in this actor's thread.
            shelf: the book, where it outlives the actor.
            account_ids: the guarded accounts.
            conditions: by rule id, the accounts on which the rule ends its locks by a condition.
            unlock: whether a lock may be ended before its time.
        """
        super().__init__(context)
        self._account_ids = frozenset(account_ids)
        self._conditions = conditions
        self._unlock = unlock
        self._shelf = shelf
        self._tried_ns = 0
        self._calendar = calendar
        self._open_store = open_store
        self._book = LockBook(calendar)
        self._store: LockStore | None = None

    def opened(self) -> None:
        """Open the store, restore the locks and announce them."""
        self._store = self._open_store()
        now_ns = self.clock.now_ns()
        if self._shelf.book is None:
            self._shelf.book = LockBook(
                self._calendar,
                self._store.in_force(now_ns),
                self._store.ended_between(self._calendar.week(now_ns).start_ns, now_ns),
            )
            self._shelf.book.number_after(self._store.last_id())
        self._book = self._shelf.book
        self._write_all()
        self._announce_all("restored", now_ns)
        self._let_go(self._orphans(), f"orphaned-{now_ns // 1_000_000}", now_ns)

    def closed(self) -> None:
        """Close the store."""
        if self._store is not None:
            self._store.close()

    def handle(self, message: Any) -> None:
        """Engage or end locks."""
        now_ns = self.clock.now_ns()
        match message:
            case m.BreachFound():
                for terms in message.breach.locks:
                    self._engage(
                        message.account_id,
                        message.rule_id,
                        terms,
                        message.breach.evidence,
                        message,
                    )
            case m.PanicRequested():
                self._engage(
                    message.account_id,
                    PANIC,
                    LockTerms(),
                    message.evidence,
                    message,
                )
            case m.ConditionEnded():
                released = self._book.release(message.account_id, message.rule_id, now_ns)
                self._let_go(released, message.correlation_id, now_ns)
            case m.Tick():
                self._let_go(self._book.expire(now_ns), message.correlation_id, now_ns)
                self._save_what_failed(now_ns)

    def handle_control(self, message: Control) -> None:
        """Say again which locks are in force."""
        if isinstance(message, Resync):
            self._announce_all("resync", self.clock.now_ns())

    def _orphans(self) -> list[Lock]:
        """Take out the locks that wait for a rule which is gone, in shadow or of other settings.

        Nothing would ever end them, and an account that nothing can unlock is of no use.
        """
        return [
            lock
            for account_id in self._account_ids
            for rule_id in {lock.rule_id for lock in self._book.in_force(account_id)}
            if account_id not in self._conditions.get(rule_id, ())
            for lock in self._book.release(account_id, rule_id, self.clock.now_ns())
        ]

    def _let_go(self, ended: Sequence[Lock], correlation_id: str, now_ns: int) -> None:
        for lock in ended:
            self._commit(partial(_end, lock, now_ns), "the end of a lock")
            self._announce(lock.account_id, correlation_id, ended=lock)

    def _engage(
        self,
        account_id: int,
        rule_id: str,
        terms: LockTerms,
        evidence: Evidence,
        cause: m.BreachFound | m.PanicRequested,
    ) -> None:
        """Lock a scope as of its cause: the day that was broken is the one locked."""
        lock = self._book.engage(
            account_id=account_id,
            rule_id=rule_id,
            terms=terms,
            evidence=evidence,
            correlation_id=cause.correlation_id,
            now_ns=cause.at_ns,
        )
        if lock is None:
            return
        self._commit(partial(_save, lock), "a lock")
        self._announce(account_id, cause.correlation_id, engaged=lock)

    def _commit(self, write: Callable[[LockStore], None], what: str) -> None:
        """Write to the store; what cannot be written holds in memory and is tried again."""
        self._shelf.unsaved.append(write)
        error = self._write_all()
        if error is not None:
            self.fault(
                f"could not save {what}: {error}. It holds while the program runs and is tried "
                "again every second; free disk space, or close what keeps the file busy."
            )

    def _write_all(self) -> Exception | None:
        """Write what waits, in its order; return what stopped it."""
        waiting = self._shelf.unsaved
        while waiting and self._store is not None:
            try:
                waiting[0](self._store)
            except Exception as error:  # noqa: BLE001 - protection goes on without the store
                return error
            del waiting[0]
        return None

    def _save_what_failed(self, now_ns: int) -> None:
        if not self._shelf.unsaved or now_ns - self._tried_ns < RETRY_EVERY_NS:
            return
        self._tried_ns = now_ns
        if self._write_all() is None:
            worried, self._shelf.worried = self._shelf.worried, set()
            for account_id in sorted(worried):
                self._announce(account_id, f"saved-{now_ns // 1_000_000}")

    def _announce_all(self, why: str, now_ns: int) -> None:
        for account_id in self._book.accounts():
            self._announce(account_id, f"{why}-{now_ns // 1_000_000}")

    def _announce(
        self,
        account_id: int,
        correlation_id: str,
        *,
        engaged: Lock | None = None,
        ended: Lock | None = None,
    ) -> None:
        if self._shelf.unsaved:
            self._shelf.worried.add(account_id)
        self.outbox.send(
            m.LocksChanged(
                correlation_id=correlation_id,
                at_ns=self.clock.now_ns(),
                account_id=account_id,
                locks=self._book.in_force(account_id),
                engaged=engaged,
                ended=ended,
                unsaved=len(self._shelf.unsaved),
            )
        )
        self.outbox.send(
            m.NoteLocks(
                correlation_id=correlation_id,
                at_ns=self.clock.now_ns(),
                account_id=account_id,
                spans=self._book.spans(account_id),
            )
        )


def _save(lock: Lock, store: LockStore) -> None:
    store.save(lock)


def _end(lock: Lock, at_ns: int, store: LockStore) -> None:
    store.end(lock, at_ns)
