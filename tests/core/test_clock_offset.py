"""How far our clock is from the broker's."""

import pytest
from core.builders import NOON, SELL, S, book, fill, order, position

from risk_actors.core.clock_offset import AGREEING, ClockOffset
from risk_actors.core.lock import LockSpan


def offset_after(*differences_s: float, every_s: float = 3.0) -> int:
    """Return the estimate after rows that were received so long after they were made."""
    offset = ClockOffset()
    for number, difference_s in enumerate(differences_s):
        made_ns = NOON + int(number * every_s * S)
        offset.take(made_ns, made_ns + int(difference_s * S))
    return offset.ahead_ns


@pytest.mark.parametrize(
    ("differences_s", "ahead_s"),
    [
        ((30.0, 30.0), 0),
        ((30.02, 30.01, 30.05), 30.01),
        ((-30.0, -29.9, -29.99), -30.0),
        ((0.05, 0.02, 0.1), 0),
        ((1.99, 1.99, 1.99), 0),
        ((2.0, 2.0, 2.0), 2.0),
        ((30.0, 5.0, 12.0, 2.5), 0),
        ((30.0, 30.0, 30.0, 0.5), 0),
        ((0.02, -21_600.0, 0.03), 0),
        ((-21_600.0, -21_600.0, -21_600.0), 0),
        ((30.0, 30.0, 30.0, -21_600.0), 30.0),
        ((30.0, 30.0, 30.0, 45.0), 30.0),
        ((30.0, 30.0, 30.0, 45.0, 45.2, 45.1), 45.0),
    ],
    ids=[
        "too little is known",
        "ahead",
        "behind",
        "rows travel",
        "just below what counts",
        "just what counts",
        "rows that are late by this and that",
        "one row timed right shows that the clock was set",
        "one row timed in the future",
        "times that no clock would explain",
        "a wrong row changes nothing",
        "nor does a late one",
        "rows that agree on another time do",
    ],
)
def test_only_rows_that_agree_move_the_estimate(
    differences_s: tuple[float, ...], ahead_s: float
) -> None:
    """I10: one bad number never flattens."""
    assert offset_after(*differences_s) == int(ahead_s * S)


def test_a_burst_of_late_rows_is_one_witness() -> None:
    assert offset_after(*[30.0] * 12, every_s=0.01) == 0


def test_the_account_tells_how_far_our_clock_is_from_the_brokers() -> None:
    made = book()
    for number in range(AGREEING):
        told = fill(number + 1, 1, 100, at_ns=NOON + number * 3 * S)
        made.on_fill(told, NOON + number * 3 * S + 30 * S)
        made.on_fill(told, NOON + number * 3 * S + 30 * S + 1)

    assert made.state().clock_ahead_ns == 30 * S


def test_rows_read_from_the_broker_tell_nothing_of_its_clock() -> None:
    fills = tuple(fill(number, 1, 100, at_ns=NOON - 3600 * S) for number in range(1, 9))
    made = book(fills=fills, orders=(order(1, SELL),))

    assert made.state().clock_ahead_ns == 0


def test_what_was_read_later_is_matched_with_locks_by_our_clock() -> None:
    """Entered under a lock and read after a restart: its time is the broker's, the lock's ours."""
    lock_span = LockSpan(None, NOON + 30 * S, NOON + 90 * S)
    entered = fill(1, 1, 100, at_ns=NOON + 10 * S)
    made = book(positions=(position(1),), fills=(entered,), now_ns=NOON + 200 * S)
    made.on_locks((lock_span,))
    before = made.state().entries
    for number in range(2, 2 + AGREEING):
        at_ns = NOON + (200 + 3 * number) * S
        made.on_fill(fill(number, 1, 100, at_ns=at_ns), at_ns + 30 * S)

    assert before == 1
    assert made.state().entries == AGREEING
    assert made.state().history.entries[0].under_lock
