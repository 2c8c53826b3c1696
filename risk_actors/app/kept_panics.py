"""Panics whose lock is not in force yet: a panic must not be lost with the actor that locks.

One that reaches a lockout actor that was given up is a dead letter, and the message on which an
actor failed is not given to the next one. So each is kept and given again until the lock book has
its lock; given twice it changes nothing.
"""

import threading
from dataclasses import dataclass

from risk_actors.actors.lockout import PANIC
from risk_actors.actors.operator import OPERATOR
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.lock_book import LockBook
from risk_actors.core.lock_end import lock_end_ns
from risk_actors.core.trading_calendar import TradingCalendar
from risk_actors.core.verdict import LockTerms
from risk_actors.messages import PanicRequested
from risk_actors.runtime.mailbox import Mailbox

FIRST_GAP_NS = NS_PER_S
"""Before a panic is given again; it doubles from there, for it may be what the actor fails on."""
LONGEST_GAP_NS = 60 * NS_PER_S


@dataclass
class _Kept:
    asked: PanicRequested
    given_ns: int
    times: int = 0

    @property
    def due_ns(self) -> int:
        return self.given_ns + min(FIRST_GAP_NS << min(self.times, 6), LONGEST_GAP_NS)


class KeptPanics:
    """What the trader asked for and does not have yet; any thread may call."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: list[_Kept] = []

    def keep(self, asked: PanicRequested, now_ns: int) -> None:
        """Keep a panic that is given to the lockout actor now, by a clock that is never set."""
        with self._lock:
            self._kept.append(_Kept(asked, now_ns))

    def settle(self, book: LockBook | None, calendar: TradingCalendar, now_ns: int) -> bool:
        """Forget those that are locked, or not to be any more; tell whether any is left."""
        with self._lock:
            self._kept = [
                each
                for each in self._kept
                if not (_is_over(each.asked, calendar, now_ns) or _is_held(each.asked, book))
            ]
            return bool(self._kept)

    def give(self, mailbox: Mailbox, now_ns: int, *, is_new: bool = False) -> None:
        """Give again what is due, or all to a new actor; nothing to one that is behind or gone."""
        with self._lock:
            for each in self._kept:
                is_due = is_new or (now_ns >= each.due_ns and mailbox.empty())
                if is_due and mailbox.deliver(each.asked, OPERATOR):
                    each.given_ns, each.times = now_ns, each.times + 1


def _is_over(asked: PanicRequested, calendar: TradingCalendar, now_ns: int) -> bool:
    until_ns = lock_end_ns(LockTerms(), calendar, asked.at_ns)
    return until_ns is not None and until_ns <= now_ns


def _is_held(asked: PanicRequested, book: LockBook | None) -> bool:
    """Tell whether its lock is in force, or was and was ended by an unlock."""
    if book is None:
        return False
    try:
        locks, unlocked = book.in_force(asked.account_id), book.unlocked(asked.account_id)
    except RuntimeError:  # its owner is just writing to it
        return False
    return any(lock.rule_id == PANIC for lock in locks) or any(
        each.rule_id == PANIC and each.at_ns >= asked.at_ns for each in unlocked
    )
