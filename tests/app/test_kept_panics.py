"""A panic is given again until it has locked, and then never again."""

from zoneinfo import ZoneInfo

import pytest
from core.builders import NOON, S

from risk_actors.actors.lockout import PANIC
from risk_actors.app.kept_panics import LONGEST_GAP_NS, KeptPanics
from risk_actors.core.evidence import Evidence
from risk_actors.core.lock_book import LockBook
from risk_actors.core.trading_calendar import TradingCalendar
from risk_actors.core.verdict import LockTerms
from risk_actors.messages import PanicRequested
from risk_actors.runtime.mailbox import Mailbox

ACCOUNT = 7
SAID = Evidence(template="panic")
DAY_NS = 24 * 3600 * S


class Desk:
    """A panic that was asked for at noon, a lock book and the lockout's mailbox."""

    def __init__(self) -> None:
        self.calendar = TradingCalendar(
            zone=ZoneInfo("America/Chicago"),
            daily_reset="0 17 * * *",
            weekly_reset="0 17 * * SUN",
        )
        self.book = LockBook(self.calendar)
        self.mailbox = Mailbox("lockout")
        self.panics = KeptPanics()
        asked = PanicRequested(correlation_id="op-1", at_ns=NOON, account_id=ACCOUNT, evidence=SAID)
        self.panics.keep(asked, 0)

    def lock(self, rule_id: str, at_ns: int = NOON) -> int:
        lock = self.book.engage(
            account_id=ACCOUNT,
            rule_id=rule_id,
            terms=LockTerms(),
            evidence=SAID,
            correlation_id="c",
            now_ns=at_ns,
        )
        assert lock is not None
        return lock.id

    def is_left(self, at_ns: int = NOON + S) -> bool:
        return self.panics.settle(self.book, self.calendar, at_ns)

    def given(self, at_ns: int, *, is_new: bool = False) -> int:
        """Return how many messages are given to the mailbox at an instant; they are taken."""
        self.panics.give(self.mailbox, at_ns, is_new=is_new)
        taken = 0
        while self.mailbox.get_nowait() is not None:
            taken += 1
        return taken


def test_it_is_left_until_its_own_lock_is_in_force() -> None:
    desk = Desk()
    assert desk.is_left()
    desk.lock("daily-loss")
    assert desk.is_left()

    desk.lock(PANIC)

    assert not desk.is_left()


def test_it_is_left_where_no_lock_is_known_yet() -> None:
    desk = Desk()
    assert desk.panics.settle(None, desk.calendar, NOON)


@pytest.mark.parametrize(("unlocked_ns", "left"), [(NOON - S, True), (NOON + S, False)])
def test_an_unlock_since_is_the_end_of_it(unlocked_ns: int, *, left: bool) -> None:
    desk = Desk()
    desk.book.unlock(desk.lock(PANIC, NOON - 2 * S), unlocked_ns)

    assert desk.is_left(NOON + 2 * S) is left


def test_it_is_moot_after_the_reset() -> None:
    assert not Desk().is_left(NOON + DAY_NS)


def test_it_is_given_again_with_growing_gaps() -> None:
    desk = Desk()

    at_s = [n for n in range(200) if desk.given(n * S)]

    assert at_s == [1, 3, 7, 15, 31, 63, 123, 183]
    assert LONGEST_GAP_NS == 60 * S


def test_new_actors_are_given_it_at_once() -> None:
    desk = Desk()

    assert desk.given(0) == 0
    assert desk.given(0, is_new=True) == 1


def test_a_mailbox_that_is_behind_or_closed_is_given_nothing() -> None:
    desk = Desk()
    desk.mailbox.deliver("something")
    desk.panics.give(desk.mailbox, 5 * S)
    assert desk.mailbox.depth == 1

    desk.mailbox.get()
    desk.mailbox.close()

    assert desk.given(5 * S, is_new=True) == 0
    assert desk.is_left()
