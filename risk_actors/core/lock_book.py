"""The locks in force: engaged by breaches, ended by their own condition or an unlock (I4)."""

from collections import defaultdict
from collections.abc import Iterable

import msgspec

from risk_actors.core.evidence import NS_PER_S, Evidence
from risk_actors.core.lock import Lock, LockSpan, Unlocked
from risk_actors.core.lock_end import lock_end_ns
from risk_actors.core.trading_calendar import TradingCalendar
from risk_actors.core.unlock_requests import UnlockRequest
from risk_actors.core.verdict import LockTerms

REMEMBER_PAST = 500
"""How many ended locks of an account are remembered: far more than a week has."""
CLOCKS_DIFFER_NS = 3600 * NS_PER_S
"""More than our clock and the broker's are ever apart while entries are counted."""


class RestoredLocks(msgspec.Struct, frozen=True, kw_only=True):
    """What the last run left: all that a lock book and the unlock requests begin from."""

    locks: tuple[Lock, ...] = ()
    """In force, oldest first; also those that ended by time while a request for them waited, for
    which of both came first is still to be settled."""
    past: tuple[tuple[int, LockSpan], ...] = ()
    """By account, when locks that have ended were in force."""
    last_id: int = 0
    """The highest lock id ever given."""
    requests: tuple[UnlockRequest, ...] = ()
    """Those that wait."""
    unlocked: tuple[tuple[int, Unlocked], ...] = ()
    """By account, the latest unlock of each rule and scope."""


def past_from_ns(calendar: TradingCalendar, now_ns: int) -> int:
    """Return since when locks that have ended still matter: they say which entries count.

    Locks are timed by our clock and the week's entries by the broker's. Where ours is behind, an
    entry of the week's first moments was made under a lock that ended before the week began.
    """
    return calendar.week(now_ns).start_ns - CLOCKS_DIFFER_NS


class LockBook:
    """Every lock of every account. Its owner is the only writer."""

    def __init__(
        self,
        calendar: TradingCalendar,
        locks: Iterable[Lock] = (),
        past: Iterable[tuple[int, LockSpan]] = (),
        unlocked: Iterable[tuple[int, Unlocked]] = (),
    ) -> None:
        """Take the locks in force when the last run ended, and by account those ended lately."""
        self._calendar = calendar
        self._locks = {lock.id: lock for lock in locks}
        self._past: defaultdict[int, list[LockSpan]] = defaultdict(list)
        for account_id, span in past:
            self._past[account_id].append(span)
        self._unlocked = {
            (account_id, each.rule_id, each.contract_id): each for account_id, each in unlocked
        }
        self._last_id = max(self._locks, default=0)

    @classmethod
    def restored(cls, calendar: TradingCalendar, left: RestoredLocks) -> "LockBook":
        """Return the book as the last run left it."""
        book = cls(calendar, left.locks, left.past, left.unlocked)
        book.number_after(left.last_id)
        return book

    def number_after(self, last_id: int) -> None:
        """Give new locks ids above this one, which an ended lock may have had."""
        self._last_id = max(self._last_id, last_id)

    def in_force(self, account_id: int) -> tuple[Lock, ...]:
        """Return the locks on an account, oldest first."""
        return tuple(lock for lock in self._locks.values() if lock.account_id == account_id)

    def accounts(self) -> frozenset[int]:
        """Return the accounts that have a lock."""
        return frozenset(lock.account_id for lock in self._locks.values())

    def find(self, lock_id: int) -> Lock | None:
        """Return the lock in force that has an id."""
        return self._locks.get(lock_id)

    def engage(
        self,
        *,
        account_id: int,
        rule_id: str,
        terms: LockTerms,
        evidence: Evidence,
        correlation_id: str,
        now_ns: int,
    ) -> Lock | None:
        """Lock a scope; return the lock that is new or now ends later, else None.

        A rule locks a scope once: told again, it can only move the end further away. A lock that
        waits for a condition is apart from one that ends at an instant. A lock whose end has come
        neither begins nor goes on. What was found before an unlock locks nothing any more.
        """
        unlocked = self._unlocked.get((account_id, rule_id, terms.contract_id))
        if unlocked is not None and now_ns <= unlocked.at_ns:
            return None
        until_ns = lock_end_ns(terms, self._calendar, now_ns)
        if until_ns is not None and until_ns <= now_ns:
            return None
        wanted = (rule_id, account_id, terms.contract_id, until_ns is None)
        held = self._held(wanted, now_ns)
        if held is not None:
            if held.until_ns is None or until_ns is None or until_ns <= held.until_ns:
                return None
            lock = msgspec.structs.replace(held, until_ns=until_ns)
        else:
            self._last_id += 1
            lock = Lock(
                id=self._last_id,
                account_id=account_id,
                contract_id=terms.contract_id,
                rule_id=rule_id,
                since_ns=now_ns,
                until_ns=until_ns,
                evidence=evidence,
                correlation_id=correlation_id,
                existing=terms.existing,
                kept=terms.kept,
            )
        self._locks[lock.id] = lock
        return lock

    def expire(self, now_ns: int) -> list[Lock]:
        """End the locks whose instant has come; return them."""
        ended = [
            lock
            for lock in self._locks.values()
            if lock.until_ns is not None and lock.until_ns <= now_ns
        ]
        for lock in ended:
            self._end(lock, lock.until_ns or now_ns)
        return ended

    def release(self, account_id: int, rule_id: str, now_ns: int) -> list[Lock]:
        """End a rule's locks on an account that wait for its condition; return them."""
        ended = [
            lock
            for lock in self._locks.values()
            if (lock.account_id, lock.rule_id, lock.until_ns) == (account_id, rule_id, None)
        ]
        for lock in ended:
            self._end(lock, now_ns)
        return ended

    def unlock(self, lock_id: int, at_ns: int) -> Lock | None:
        """End a lock before its time, as of an instant; return it, None when it had ended by then.

        Whether it may be is for the unlock policy to say.
        """
        lock = self._locks.get(lock_id)
        if lock is None or (lock.until_ns is not None and lock.until_ns <= at_ns):
            return None
        self._end(lock, at_ns)
        key = (lock.account_id, lock.rule_id, lock.contract_id)
        self._unlocked[key] = Unlocked(lock.rule_id, lock.contract_id, at_ns)
        return lock

    def unlocked(self, account_id: int) -> tuple[Unlocked, ...]:
        """Return the latest unlock of each rule and scope on an account."""
        return tuple(each for key, each in self._unlocked.items() if key[0] == account_id)

    def _end(self, lock: Lock, at_ns: int) -> None:
        del self._locks[lock.id]
        past = self._past[lock.account_id]
        past.append(LockSpan(lock.contract_id, lock.since_ns, at_ns))
        del past[:-REMEMBER_PAST]

    def spans(self, account_id: int) -> tuple[LockSpan, ...]:
        """Return when an account was locked of late, and is."""
        present = (
            LockSpan(lock.contract_id, lock.since_ns, lock.until_ns)
            for lock in self.in_force(account_id)
        )
        return (*self._past[account_id], *present)

    def _held(self, wanted: tuple[str, int, str | None, bool], now_ns: int) -> Lock | None:
        """Return the lock of a rule on a scope, with or without an instant at which it ends."""
        for lock in self._locks.values():
            is_over = lock.until_ns is not None and lock.until_ns <= now_ns
            has = (lock.rule_id, lock.account_id, lock.contract_id, lock.until_ns is None)
            if has == wanted and not is_over:
                return lock
        return None
