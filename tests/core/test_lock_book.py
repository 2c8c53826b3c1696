"""Locks: engaged by breaches, ended by their own condition alone (I4)."""

from typing import Any

import pytest
from core.builders import ACCOUNT, ES, MNQ, NOON, H, S, at, chicago_calendar

from risk_actors.core.evidence import Evidence
from risk_actors.core.lock import Lock, LockSpan, Unlocked
from risk_actors.core.lock_book import LockBook, RestoredLocks
from risk_actors.core.verdict import Existing, LockEnd, LockTerms

OTHER = 202


def lock_book(*locks: Lock) -> LockBook:
    return LockBook(chicago_calendar(), locks)


def engage(
    book: LockBook,
    *,
    account_id: int = ACCOUNT,
    rule_id: str = "daily-loss",
    now_ns: int = NOON,
    **terms: Any,
) -> Lock | None:
    return book.engage(
        account_id=account_id,
        rule_id=rule_id,
        terms=LockTerms(**terms),
        evidence=Evidence(template=f"said at {now_ns}"),
        correlation_id=f"c-{now_ns}",
        now_ns=now_ns,
    )


@pytest.mark.parametrize(
    ("terms", "until"),
    [
        ({}, at(2026, 11, 17, 17)),
        ({"end": LockEnd.DAILY_RESET}, at(2026, 11, 17, 17)),
        ({"end": LockEnd.WEEKLY_RESET}, at(2026, 11, 22, 17)),
        ({"end": LockEnd.INSTANT, "until_ns": NOON + 60 * S}, NOON + 60 * S),
        ({"end": LockEnd.INSTANT, "until_ns": None}, None),
    ],
)
def test_a_lock_ends_as_its_terms_say(terms: dict[str, Any], until: int | None) -> None:
    book = lock_book()

    lock = engage(book, **terms)

    assert lock is not None
    assert lock.until_ns == until
    assert lock.since_ns == NOON
    assert lock.correlation_id == f"c-{NOON}"
    assert book.in_force(ACCOUNT) == (lock,)


def test_a_lock_at_the_reset_lasts_the_whole_next_day() -> None:
    lock = engage(lock_book(), now_ns=at(2026, 11, 17, 17))

    assert lock is not None
    assert lock.until_ns == at(2026, 11, 18, 17)


def test_the_lock_of_a_long_day_lasts_to_the_reset_on_the_wall_clock() -> None:
    lock = engage(lock_book(), now_ns=at(2026, 10, 31, 17))

    assert lock is not None
    assert lock.until_ns == at(2026, 10, 31, 17) + 25 * H


def test_i4_a_lock_ends_at_its_instant_and_not_a_moment_before() -> None:
    book = lock_book()
    lock = engage(book)
    assert lock is not None
    end_ns = at(2026, 11, 17, 17)

    assert book.expire(end_ns - 1) == []
    assert book.in_force(ACCOUNT) == (lock,)
    assert book.expire(end_ns) == [lock]
    assert book.in_force(ACCOUNT) == ()
    assert book.expire(end_ns) == []


def test_i4_a_lock_that_ends_on_a_condition_never_expires() -> None:
    book = lock_book()
    lock = engage(book, end=LockEnd.INSTANT)

    assert book.expire(NOON + 10**6 * H) == []
    assert book.in_force(ACCOUNT) == (lock,)


def test_i4_told_again_a_lock_can_only_end_later() -> None:
    book = lock_book()
    first = engage(book, end=LockEnd.INSTANT, until_ns=NOON + 60 * S)
    assert first is not None

    same = engage(book, now_ns=NOON + S, end=LockEnd.INSTANT, until_ns=NOON + 60 * S)
    sooner = engage(book, now_ns=NOON + S, end=LockEnd.INSTANT, until_ns=NOON + 30 * S)
    later = engage(book, now_ns=NOON + S, end=LockEnd.INSTANT, until_ns=NOON + 90 * S)

    assert same is None
    assert sooner is None
    assert later is not None
    assert (later.id, later.since_ns, later.until_ns) == (first.id, NOON, NOON + 90 * S)
    assert book.in_force(ACCOUNT) == (later,)
    assert book.expire(NOON + 60 * S) == []


def test_i4_a_lock_without_an_end_is_not_given_one() -> None:
    """Nor does one with an end lose it: they are two locks, and each ends by its own."""
    book = lock_book()
    open_ended = engage(book, end=LockEnd.CONDITION)
    timed = engage(book, end=LockEnd.DAILY_RESET)

    assert book.in_force(ACCOUNT) == (open_ended, timed)


def test_each_rule_and_each_scope_has_a_lock_of_its_own() -> None:
    book = lock_book()

    locks = [
        engage(book),
        engage(book, rule_id="symbols"),
        engage(book, rule_id="symbols", contract_id=ES),
        engage(book, rule_id="symbols", contract_id=MNQ),
        engage(book, account_id=OTHER),
    ]

    assert [lock.id for lock in locks if lock] == [1, 2, 3, 4, 5]
    assert book.in_force(ACCOUNT) == tuple(locks[:4])
    assert book.in_force(OTHER) == (locks[4],)
    assert book.accounts() == {ACCOUNT, OTHER}


def test_one_locks_end_leaves_the_others_in_force() -> None:
    book = lock_book()
    short = engage(book, rule_id="cooldown", end=LockEnd.INSTANT, until_ns=NOON + S)
    long = engage(book)

    assert book.expire(NOON + S) == [short]
    assert book.in_force(ACCOUNT) == (long,)


def test_a_lock_whose_end_has_passed_does_not_begin() -> None:
    book = lock_book()

    assert engage(book, end=LockEnd.INSTANT, until_ns=NOON) is None
    assert engage(book, end=LockEnd.INSTANT, until_ns=NOON - S) is None
    assert book.accounts() == frozenset()


def test_a_breach_after_a_locks_end_is_a_lock_of_its_own_even_before_the_clock_ended_the_old() -> (
    None
):
    book = lock_book()
    yesterday = engage(book)
    reset_ns = at(2026, 11, 17, 17)

    today = engage(book, now_ns=reset_ns + 50)

    assert yesterday is not None
    assert today is not None
    assert today.id != yesterday.id
    assert (today.since_ns, today.correlation_id) == (reset_ns + 50, f"c-{reset_ns + 50}")
    assert book.expire(reset_ns + 100) == [yesterday]
    assert book.in_force(ACCOUNT) == (today,)


def test_locks_of_the_last_run_are_in_force_and_their_ids_are_not_given_again() -> None:
    first_run = lock_book()
    kept = engage(first_run)
    assert kept is not None

    book = lock_book(kept)
    book.number_after(41)
    lock = engage(book, rule_id="symbols")

    assert lock is not None
    assert lock.id == 42
    assert book.in_force(ACCOUNT) == (kept, lock)
    assert engage(book) is None


def test_numbering_never_goes_back() -> None:
    book = lock_book()
    engage(book)
    engage(book, rule_id="b")

    book.number_after(1)
    lock = engage(book, rule_id="c")

    assert lock is not None
    assert lock.id == 3


def test_the_scope_covers_a_contract_or_the_whole_account() -> None:
    book = lock_book()
    whole = engage(book, existing=Existing.KEEP)
    one = engage(book, contract_id=ES)

    assert whole is not None
    assert one is not None
    assert whole.covers(ES)
    assert whole.covers(MNQ)
    assert one.covers(ES)
    assert not one.covers(MNQ)
    assert (whole.existing, one.existing) == (Existing.KEEP, Existing.FLATTEN)


def test_a_lock_on_a_condition_ends_when_it_is_released_and_by_nothing_else() -> None:
    book = lock_book()
    engage(book, rule_id="guard", end=LockEnd.CONDITION)
    engage(book, rule_id="guard", end=LockEnd.DAILY_RESET)
    engage(book, rule_id="guard", account_id=OTHER, end=LockEnd.CONDITION)
    engage(book, rule_id="other", end=LockEnd.CONDITION)

    ended = book.release(ACCOUNT, "guard", NOON + S)

    assert [(lock.rule_id, lock.account_id, lock.until_ns) for lock in ended] == [
        ("guard", ACCOUNT, None)
    ]
    left = [(lock.rule_id, lock.until_ns is None) for lock in book.in_force(ACCOUNT)]
    assert left == [("guard", False), ("other", True)]
    assert len(book.in_force(OTHER)) == 1
    assert book.release(ACCOUNT, "guard", NOON + 2 * S) == []


def test_a_condition_locks_once_however_often_it_is_told() -> None:
    book = lock_book()

    assert engage(book, end=LockEnd.CONDITION) is not None
    assert engage(book, end=LockEnd.CONDITION, now_ns=NOON + S) is None


def test_what_a_lock_lets_stay_is_kept_with_it() -> None:
    lock = engage(lock_book(), existing=Existing.KEEP, kept=((MNQ, 2),))

    assert lock is not None
    assert lock.kept == ((MNQ, 2),)


def test_spans_tell_when_an_account_was_locked_and_is() -> None:
    book = LockBook(chicago_calendar(), [], [(ACCOUNT, LockSpan(ES, 5, 9))])
    engage(book, end=LockEnd.INSTANT, until_ns=NOON + 10 * S, contract_id=MNQ)
    engage(book, rule_id="guard", end=LockEnd.CONDITION, now_ns=NOON + S)
    book.expire(NOON + 60 * S)
    book.release(ACCOUNT, "guard", NOON + 70 * S)
    engage(book, now_ns=NOON + 80 * S)

    assert book.spans(ACCOUNT) == (
        LockSpan(ES, 5, 9),
        LockSpan(MNQ, NOON, NOON + 10 * S),
        LockSpan(None, NOON + S, NOON + 70 * S),
        LockSpan(None, NOON + 80 * S, at(2026, 11, 17, 17)),
    )
    assert book.spans(OTHER) == ()


@pytest.mark.parametrize(
    ("contract_id", "at_ns", "covered"),
    [(MNQ, 9, False), (MNQ, 10, True), (MNQ, 19, True), (MNQ, 20, False), (ES, 15, False)],
)
def test_a_span_covers_its_contract_from_its_start_to_before_its_end(
    contract_id: str, at_ns: int, covered: bool
) -> None:
    assert LockSpan(MNQ, 10, 20).covers(contract_id, at_ns) is covered
    assert LockSpan(None, 10, None).covers(contract_id, at_ns) is (at_ns >= 10)


# --- unlocked before its time -----------------------------------------------------------------


def test_an_unlock_ends_one_lock_as_of_its_instant() -> None:
    book = lock_book()
    first, other = engage(book), engage(book, rule_id="other")
    assert first is not None

    ended = book.unlock(first.id, NOON + 5 * S)

    assert ended == first
    assert book.in_force(ACCOUNT) == (other,)
    assert book.spans(ACCOUNT)[0] == LockSpan(None, NOON, NOON + 5 * S)
    assert book.unlocked(ACCOUNT) == (Unlocked("daily-loss", None, NOON + 5 * S),)
    assert book.unlocked(OTHER) == ()
    assert book.unlock(first.id, NOON + 6 * S) is None


def test_a_lock_that_had_ended_by_then_is_not_unlocked() -> None:
    book = lock_book()
    lock = engage(book, end=LockEnd.INSTANT, until_ns=NOON + 5 * S)
    assert lock is not None

    assert book.unlock(lock.id, NOON + 5 * S) is None
    assert book.expire(NOON + 5 * S) == [lock]
    assert book.unlocked(ACCOUNT) == ()


@pytest.mark.parametrize(
    ("found_ns", "who", "locks"),
    [
        (NOON + 4 * S, {}, False),
        (NOON + 5 * S, {}, False),
        (NOON + 5 * S + 1, {}, True),
        (NOON + 4 * S, {"rule_id": "other"}, True),
        (NOON + 4 * S, {"account_id": OTHER}, True),
        (NOON + 4 * S, {"contract_id": ES}, True),
    ],
    ids=["before", "at", "after", "another rule", "another account", "another scope"],
)
def test_what_was_found_before_an_unlock_locks_nothing_any_more(
    found_ns: int, who: dict[str, Any], locks: bool
) -> None:
    book = lock_book()
    lock = engage(book)
    assert lock is not None
    book.unlock(lock.id, NOON + 5 * S)

    assert (engage(book, now_ns=found_ns, **who) is not None) is locks


def test_what_the_last_run_left_is_what_the_next_begins_with() -> None:
    kept = engage(lock_book())
    assert kept is not None
    left = RestoredLocks(
        locks=(kept,),
        past=((ACCOUNT, LockSpan(ES, 5, 9)),),
        last_id=41,
        unlocked=((ACCOUNT, Unlocked("symbols", ES, NOON)),),
    )

    book = LockBook.restored(chicago_calendar(), left)

    assert book.in_force(ACCOUNT) == (kept,)
    assert book.find(kept.id) == kept
    assert book.spans(ACCOUNT)[0] == LockSpan(ES, 5, 9)
    assert engage(book, rule_id="symbols", contract_id=ES) is None
    new = engage(book, rule_id="symbols", contract_id=ES, now_ns=NOON + 1)
    assert new is not None
    assert new.id == 42
