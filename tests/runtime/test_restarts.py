"""When an actor is made anew and when it is given up: decisions without actors."""

import pytest

from risk_actors.runtime.restarts import (
    MAX_LEFT_BEHIND,
    GiveUp,
    Restart,
    RestartBook,
    RestartPolicy,
    WhenGivenUp,
    WhenStuck,
)
from tests.conftest import MS, S


def book_of(**terms: object) -> RestartBook:
    """Return a book of three actors, the first of which is looked after by these terms."""
    book = RestartBook(resync=("sender", "third"))
    book.add("a", "first", RestartPolicy(**terms))  # type: ignore[arg-type]
    book.add("b:1", "sender", RestartPolicy())
    book.add("b:2", "sender", RestartPolicy())
    book.add("c", "other", RestartPolicy())
    return book


def test_the_first_failure_is_followed_at_once_and_later_ones_after_growing_pauses() -> None:
    book = book_of()

    pauses = [book.failed("a", 0) for _ in range(5)]

    assert pauses == [Restart(ms * MS, ()) for ms in (0, 50, 100, 200, 400)]


def test_a_pause_has_an_end() -> None:
    book = book_of(max_restarts=20)

    last = [book.failed("a", 0) for _ in range(20)][-1]

    assert last == Restart(1 * S, ())


def test_one_failure_more_than_allowed_within_the_window_and_it_is_given_up() -> None:
    book = book_of(max_restarts=2, window_ns=10 * S)
    for at_s in (0, 5):
        assert isinstance(book.failed("a", at_s * S), Restart)

    assert book.failed("a", 10 * S) == GiveUp(WhenGivenUp.REMAKE, "failed 3 times within 10 s")


def test_failures_that_lie_further_back_than_the_window_do_not_count() -> None:
    book = book_of(max_restarts=2, window_ns=10 * S)
    for at_s in (0, 5):
        book.failed("a", at_s * S)

    assert isinstance(book.failed("a", 10 * S + 1), Restart)


def test_it_brings_all_actors_of_the_kinds_named_in_the_order_to_start() -> None:
    book = book_of(brings=("other", "sender"))

    assert book.failed("a", 0) == Restart(0, ("b:1", "b:2", "c"))
    assert book.failed("c", 0) == Restart(0, ())


def test_those_who_can_say_what_is_true_are_found_by_kind() -> None:
    assert book_of().to_resync() == ("b:1", "b:2")


def test_one_that_fails_closed_is_tried_again_after_growing_gaps() -> None:
    book = book_of(
        max_restarts=0, given_up=WhenGivenUp.FAIL_CLOSED, tried_again_after_ns=(30 * S, 60 * S)
    )
    now_ns, gaps = 0, []
    for _ in range(3):
        given_up = book.failed("a", now_ns)
        assert isinstance(given_up, GiveUp)
        assert given_up.how is WhenGivenUp.FAIL_CLOSED
        assert book.is_closed("a")
        gap_s = next(s for s in range(1000) if book.due(now_ns + s * S))
        now_ns += gap_s * S
        gaps.append(gap_s)
        assert not book.is_closed("a")

    assert gaps == [30, 60, 60]
    assert book.due(now_ns) == []


def test_one_that_lasted_when_it_was_tried_is_forgiven() -> None:
    book = book_of(
        max_restarts=1, given_up=WhenGivenUp.FAIL_CLOSED, tried_again_after_ns=(30 * S, 60 * S)
    )
    for at_ns in (0, 1):
        book.failed("a", at_ns)
    assert book.due(31 * S) == ["a"]

    assert isinstance(book.failed("a", 31 * S + 30 * S + 1), Restart)


def test_where_even_failing_closed_fails_all_has_to_be_made_anew() -> None:
    book = book_of(max_restarts=0, given_up=WhenGivenUp.FAIL_CLOSED)
    book.failed("a", 0)

    decision = book.failed("a", 1)

    assert isinstance(decision, GiveUp)
    assert decision.how is WhenGivenUp.REMAKE


def test_one_that_must_not_be_replaced_is_not() -> None:
    assert not book_of(stuck=WhenStuck.REPORT).may_be_replaced("a")
    assert book_of(stuck=WhenStuck.REPLACE).may_be_replaced("a")


def test_one_that_is_stuck_too_often_is_given_up() -> None:
    """Each one leaves a thread behind that may run for ever."""
    book = book_of(stuck=WhenStuck.REPLACE, max_replacements=2)

    decisions = [book.stuck("a", at_s * S, left_behind=1) for at_s in (0, 10, 20)]

    assert decisions[:2] == [Restart(0, ()), Restart(0, ())]
    assert decisions[2] == GiveUp(WhenGivenUp.REMAKE, "was stuck 3 times within 600 s")


def test_one_that_hangs_whenever_it_is_tried_leaves_a_few_threads_behind_and_no_more() -> None:
    """Four hours of a rule that hangs at every fact: each hang costs a thread for good."""
    book = book_of(
        stuck=WhenStuck.REPLACE,
        given_up=WhenGivenUp.FAIL_CLOSED,
        tried_again_after_ns=(30 * S, 60 * S, 300 * S),
    )
    now_s, left, told = 0, 0, []
    while now_s < 4 * 3600:
        now_s += 12
        left += 1
        decision = book.stuck("a", now_s * S, left)
        if isinstance(decision, GiveUp):
            told.append((decision.how, decision.detail))
            while now_s < 4 * 3600 and not book.due(now_s * S):
                now_s += 1

    assert left == MAX_LEFT_BEHIND
    assert [how for how, _ in told] == [WhenGivenUp.FAIL_CLOSED] * 3
    assert [detail for _, detail in told] == [
        "was stuck 3 times within 600 s; tried again in 30 s",
        "was stuck again when it was tried; tried again in 60 s",
        "was stuck, and 5 of its threads do not end; not tried again before the program restarts",
    ]
    assert book.is_closed("a")


def test_one_that_fails_is_not_made_anew_beside_too_many_that_do_not_end() -> None:
    """As one that never opens in time: ten seconds each, so that few fall into the window."""
    book = book_of()

    decisions = [book.failed("a", 11 * n * S, n) for n in range(1, MAX_LEFT_BEHIND + 1)]

    assert all(isinstance(each, Restart) for each in decisions[:-1])
    assert decisions[-1] == GiveUp(WhenGivenUp.REMAKE, "failed, and 5 of its threads do not end")


def test_one_that_hung_but_ended_is_tried_again_without_end() -> None:
    """Whatever it waited for came at last, so nothing is left behind."""
    book = book_of(
        stuck=WhenStuck.REPLACE,
        max_replacements=0,
        given_up=WhenGivenUp.FAIL_CLOSED,
        tried_again_after_ns=(30 * S, 60 * S),
    )
    now_s, gaps = 0, []
    for _ in range(8):
        assert isinstance(book.stuck("a", now_s * S, left_behind=1), GiveUp)
        gaps.append(next(s for s in range(1000) if book.due((now_s + s) * S)))
        now_s += gaps[-1] + 12

    assert gaps == [30] + [60] * 7


def test_one_that_lasted_before_it_got_stuck_again_is_replaced_as_the_first_time() -> None:
    book = book_of(
        stuck=WhenStuck.REPLACE,
        max_replacements=1,
        given_up=WhenGivenUp.FAIL_CLOSED,
        tried_again_after_ns=(30 * S,),
    )
    for at_s in (0, 10):
        book.stuck("a", at_s * S, left_behind=1)
    assert book.due(40 * S) == ["a"]

    assert isinstance(book.stuck("a", 641 * S, left_behind=1), Restart)


@pytest.mark.parametrize("how", [WhenGivenUp.REMAKE, WhenGivenUp.DO_WITHOUT])
def test_what_does_not_fail_closed_is_not_tried_again(how: WhenGivenUp) -> None:
    book = book_of(max_restarts=0, given_up=how, tried_again_after_ns=(1 * S,))
    book.failed("a", 0)

    assert book.due(10_000 * S) == []
