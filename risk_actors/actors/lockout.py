"""The lockout actor: the single writer of the lock book."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

from risk_actors import messages as m
from risk_actors.actors.lock_store import CallCount, CountedLockStore, LockStore
from risk_actors.core.evidence import NS_PER_S, Evidence, format_day_and_instant
from risk_actors.core.lock import EndedBy, Lock
from risk_actors.core.lock_book import LockBook, past_from_ns
from risk_actors.core.trading_calendar import TradingCalendar
from risk_actors.core.unlock_policy import NEVER, UnlockPolicy, UnlockTerms
from risk_actors.core.unlock_requests import (
    ADMIN_NEEDED,
    NEVER_REFUSES,
    NOT_IN_FORCE,
    NOTHING_WAITS,
    Asking,
    UnlockDesk,
    UnlockRequest,
    UnlockStatus,
)
from risk_actors.core.verdict import LockTerms
from risk_actors.runtime.actor import Actor, ActorContext
from risk_actors.runtime.control import Control, Resync
from risk_actors.runtime.tape import STORE, StoreFailed

PANIC = "panic"
"""What stands in a lock's rule when the trader asked for it."""

RETRY_EVERY_NS = NS_PER_S
BACK_UP_AGAIN_AFTER_NS = 10 * NS_PER_S
"""A backup that could not be written is tried again this much later."""


class LockShelf:
    """The book, and what of it is not in the store yet, kept where they outlive the actor."""

    def __init__(self) -> None:
        self.book: LockBook | None = None
        self.desk: UnlockDesk | None = None
        """The unlock requests that wait; there is one when there is a book."""
        self.unsaved: list[Callable[[LockStore], None]] = []
        """Writes that failed, in their order; tried again until they succeed."""
        self.worried: set[int] = set()
        """Accounts that were told so; they are told too when all is saved."""
        self.count = CallCount()
        self.lacks_backup = False
        """Whether the last backup failed, which was told."""

    def save_again(self) -> None:
        """Have every lock in force written anew, as when the store was lost and is a new one."""
        if self.book is not None:
            held = [
                lock for each in sorted(self.book.accounts()) for lock in self.book.in_force(each)
            ]
            self.unsaved[:0] = [partial(_save, lock) for lock in held]


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
        self._unlock_terms = unlock
        self._shelf = shelf
        self._tried_ns = 0
        self._backed_up_ns = 0
        self._needs_backup = True
        self._calendar = calendar
        self._open_store = open_store
        self._book = LockBook(calendar)
        self._desk = UnlockDesk(calendar.zone)
        self._store: LockStore | None = None

    # --- life -----------------------------------------------------------------------------

    def opened(self) -> None:
        """Open the store, restore the locks, settle what fell due meanwhile, and announce all."""
        self._store = CountedLockStore(self._open_store, self._shelf.count, self._note_failure)
        now_ns = self.clock.now_ns()
        if self._shelf.book is None or self._shelf.desk is None:
            left = self._store.restored(now_ns, past_from_ns(self._calendar, now_ns))
            self._shelf.book = LockBook.restored(self._calendar, left)
            self._shelf.desk = UnlockDesk(self._calendar.zone, left.requests)
        self._book, self._desk = self._shelf.book, self._shelf.desk
        self._write_all()
        at = now_ns // 1_000_000
        self._tighten(now_ns)
        self._unlock_what_is_due(now_ns)
        self._let_go(self._book.expire(now_ns), EndedBy.EXPIRED, f"expired-{at}", now_ns)
        self._let_go(self._orphans(), EndedBy.ORPHANED, f"orphaned-{at}", now_ns)
        self._announce_all("restored", now_ns)
        self._back_up(now_ns)

    def closed(self) -> None:
        """Close the store."""
        if self._store is not None:
            self._store.close()

    def handle(self, message: Any) -> None:
        """Engage or end locks."""
        now_ns = self.clock.now_ns()
        # Before anything else: what is found after a lock's end is another lock's business.
        self._unlock_what_is_due(now_ns)
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
                self._let_go(released, EndedBy.CONDITION, message.correlation_id, now_ns)
            case m.UnlockRequested():
                self._ask(message, now_ns)
            case m.UnlockWithdrawn():
                self._withdraw(message)
            case m.Tick():
                expired = self._book.expire(now_ns)
                self._let_go(expired, EndedBy.EXPIRED, message.correlation_id, now_ns)
                self._save_what_failed(now_ns)
        self._back_up(now_ns)

    def handle_control(self, message: Control) -> None:
        """Say again which locks are in force."""
        if isinstance(message, Resync):
            self._announce_all("resync", self.clock.now_ns())

    # --- locks ----------------------------------------------------------------------------

    def _orphans(self) -> list[Lock]:
        """Take out the locks that wait for a rule which is gone, in shadow or of other settings.

        Nothing would ever end them, and an account that nothing can unlock is of no use.
        """
        return [
            lock
            for account_id in self._account_ids
            for rule_id in sorted({lock.rule_id for lock in self._book.in_force(account_id)})
            if account_id not in self._conditions.get(rule_id, ())
            for lock in self._book.release(account_id, rule_id, self.clock.now_ns())
        ]

    def _let_go(
        self, ended: Sequence[Lock], ended_by: EndedBy, correlation_id: str, now_ns: int
    ) -> None:
        """Commit and tell that locks ended by themselves; a request for one comes to nothing."""
        for lock in ended:
            moot = self._desk.ended(lock.id)
            at_ns = now_ns if lock.until_ns is None else lock.until_ns
            self._commit(partial(_end, lock, at_ns, ended_by, moot), "the end of a lock")
            self._announce(lock.account_id, correlation_id, ended=lock)
            if moot is not None:
                self._tell(moot, "the lock ended by itself first", correlation_id)

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

    # --- unlocks --------------------------------------------------------------------------

    def _ask(self, message: m.UnlockRequested, now_ns: int) -> None:
        """Let the unlock policy decide on a request; the trader is told in any case."""
        lock = self._book.find(message.lock_id)
        if lock is None or lock.account_id != message.account_id or _is_over(lock, now_ns):
            self._refuse(message, message.reason, NOT_IN_FORCE)
            return
        asking = Asking(
            reason=message.reason,
            at_ns=message.at_ns,
            correlation_id=message.correlation_id,
            is_authorised=message.is_authorised,
            denied=message.denied,
        )
        ruling, request = self._desk.judge(lock, asking, self._unlock_terms)
        if ruling.status is UnlockStatus.DONE:
            self._unlock(lock, request, now_ns, ruling.detail)
            return
        if ruling.status is UnlockStatus.ASKED and ruling.is_new:
            self._commit(partial(_save_request, request), "a request to unlock")
            self._announce(lock.account_id, message.correlation_id)
        self._tell(request, ruling.detail, message.correlation_id)

    def _withdraw(self, message: m.UnlockWithdrawn) -> None:
        request = self._desk.withdraw(message.lock_id, message.account_id)
        if request is None:
            self._refuse(message, "", NOTHING_WAITS)
            return
        self._commit(partial(_save_request, request), "the end of a request to unlock")
        self._announce(request.account_id, message.correlation_id)
        self._tell(request, "the lock ends by its own condition", message.correlation_id)

    def _unlock_what_is_due(self, now_ns: int) -> None:
        """Let the requests take effect whose instant has come, as of that instant."""
        while (request := self._desk.next_due(now_ns)) is not None:
            lock = self._book.find(request.lock_id)
            if lock is not None and not _is_over(lock, request.due_ns):
                detail = "ended after the cooling-off time"
                self._unlock(lock, self._desk.done(request), request.due_ns, detail)
                continue
            ended = self._book.expire(request.due_ns)
            self._let_go(ended, EndedBy.EXPIRED, request.correlation_id, now_ns)
            # One without its lock would be looked at for ever.
            self._desk.ended(request.lock_id)

    def _unlock(self, lock: Lock, request: UnlockRequest, at_ns: int, detail: str) -> None:
        self._book.unlock(lock.id, at_ns)
        self._commit(partial(_end, lock, at_ns, EndedBy.UNLOCK, request), "the end of a lock")
        self._announce(lock.account_id, request.correlation_id, ended=lock)
        self._tell(request, detail, request.correlation_id)

    def _tighten(self, now_ns: int) -> None:
        """Apply the policy to what was asked for under another one: the tighter one decides."""
        tightened = self._desk.tighten(self._unlock_terms)
        correlation_id = f"policy-{now_ns // 1_000_000}"
        is_never = self._unlock_terms.policy is UnlockPolicy.NEVER
        for request in tightened.refused:
            self._commit(partial(_save_request, request), "the end of a request to unlock")
            self._tell(request, NEVER_REFUSES if is_never else ADMIN_NEEDED, correlation_id)
        for request in tightened.postponed:
            self._commit(partial(_save_request, request), "a request to unlock")
            when = format_day_and_instant(request.due_ns, self._calendar.zone)
            detail = f"the cooling-off time is longer now: takes effect at {when}"
            self._tell(request, detail, correlation_id)

    def _refuse(
        self, message: m.UnlockRequested | m.UnlockWithdrawn, reason: str, detail: str
    ) -> None:
        """Tell that there is nothing that could be ended or withdrawn."""
        lock = self._book.find(message.lock_id)
        request = UnlockRequest(
            lock_id=message.lock_id,
            account_id=message.account_id,
            rule_id="" if lock is None else lock.rule_id,
            asked_ns=message.at_ns,
            due_ns=message.at_ns,
            reason=reason,
            correlation_id=message.correlation_id,
            status=UnlockStatus.REFUSED,
        )
        self._tell(request, detail, message.correlation_id)

    def _tell(self, request: UnlockRequest, detail: str, correlation_id: str) -> None:
        self.outbox.send(
            m.UnlockChanged(
                correlation_id=correlation_id,
                at_ns=self.clock.now_ns(),
                account_id=request.account_id,
                lock_id=request.lock_id,
                rule_id=request.rule_id,
                status=request.status,
                reason=request.reason,
                detail=detail,
                due_ns=request.due_ns if request.status is UnlockStatus.ASKED else None,
            )
        )

    # --- the store ------------------------------------------------------------------------

    def _note_failure(self, failed: StoreFailed) -> None:
        if self.tape is not None:
            self.tape.note(STORE, self.clock.now_ns(), failed)

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

    def _back_up(self, now_ns: int) -> None:
        """Write the locks a second time, once all are announced: it must hold nothing up."""
        if not self._needs_backup or self._store is None or not self.actor_inbox.empty():
            return
        if self._shelf.lacks_backup and 0 <= now_ns - self._backed_up_ns < BACK_UP_AGAIN_AFTER_NS:
            return
        self._backed_up_ns = now_ns
        accounts = sorted(self._book.accounts())
        try:
            self._store.back_up([lock for each in accounts for lock in self._book.in_force(each)])
        except Exception as error:  # noqa: BLE001 - the locks themselves are in force and saved
            if not self._shelf.lacks_backup:
                self.fault(
                    f"could not write the backup of the locks: {error}. The locks are in force; "
                    "only if risk.db were damaged now, a restart would not know of them."
                )
            self._shelf.lacks_backup = True
            return
        self._needs_backup = self._shelf.lacks_backup = False

    # --- telling --------------------------------------------------------------------------

    def _announce_all(self, why: str, now_ns: int) -> None:
        """Tell of every account, also that it has no lock: rules wait to know of unlocks."""
        for account_id in sorted(self._account_ids | self._book.accounts()):
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
        self._needs_backup = self._needs_backup or engaged is not None or ended is not None
        self.outbox.send(
            m.LocksChanged(
                correlation_id=correlation_id,
                at_ns=self.clock.now_ns(),
                account_id=account_id,
                locks=self._book.in_force(account_id),
                engaged=engaged,
                ended=ended,
                unsaved=len(self._shelf.unsaved),
                unlocks=self._desk.pending(account_id),
            )
        )
        self.outbox.send(
            m.NoteLocks(
                correlation_id=correlation_id,
                at_ns=self.clock.now_ns(),
                account_id=account_id,
                spans=self._book.spans(account_id),
                unlocked=self._book.unlocked(account_id),
            )
        )


def _is_over(lock: Lock, at_ns: int) -> bool:
    return lock.until_ns is not None and lock.until_ns <= at_ns


def _save(lock: Lock, store: LockStore) -> None:
    store.save(lock)


def _end(
    lock: Lock, at_ns: int, ended_by: EndedBy, request: UnlockRequest | None, store: LockStore
) -> None:
    store.end(lock, at_ns, ended_by, request)


def _save_request(request: UnlockRequest, store: LockStore) -> None:
    store.save_request(request)
