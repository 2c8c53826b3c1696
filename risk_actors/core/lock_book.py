"""The locks in force: engaged by breaches, ended by their own condition alone (I4)."""

from collections import defaultdict
from collections.abc import Iterable

import msgspec

from risk_actors.core.evidence import Evidence
from risk_actors.core.lock import Lock, LockSpan
from risk_actors.core.lock_end import lock_end_ns
from risk_actors.core.trading_calendar import TradingCalendar
from risk_actors.core.verdict import LockTerms

REMEMBER_PAST = 500
"""How many ended locks of an account are remembered: far more than a week has."""


class LockBook:
    """Every lock of every account. Its owner is the only writer."""

    def __init__(
        self,
        calendar: TradingCalendar,
        locks: Iterable[Lock] = (),
        past: Iterable[tuple[int, LockSpan]] = (),
    ) -> None:
        """Take the locks in force when the last run ended, and by account those ended lately."""
        self._calendar = calendar
        self._locks = {lock.id: lock for lock in locks}
        self._past: defaultdict[int, list[LockSpan]] = defaultdict(list)
        for account_id, span in past:
            self._past[account_id].append(span)
        self._last_id = max(self._locks, default=0)

    def number_after(self, last_id: int) -> None:
        """Give new locks ids above this one, which an ended lock may have had."""
        self._last_id = max(self._last_id, last_id)

    def in_force(self, account_id: int) -> tuple[Lock, ...]:
        """Return the locks on an account, oldest first."""
        return tuple(lock for lock in self._locks.values() if lock.account_id == account_id)

    def accounts(self) -> frozenset[int]:
        """Return the accounts that have a lock."""
        return frozenset(lock.account_id for lock in self._locks.values())

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
        neither begins nor goes on.
        """
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
