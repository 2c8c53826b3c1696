"""How far our clock is from the broker's."""

import pytest
from core.builders import NOON, SELL, S, book, fill, order, position

from risk_actors.core.clock_offset import SAMPLES_AT_LEAST, ClockOffset
from risk_actors.core.lock import LockSpan


def offset_after(*differences_s: float) -> int:
    offset = ClockOffset()
    for number, difference_s in enumerate(differences_s):
        made_ns = NOON + number * S
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
        ((5.0, 0.02, 5.0, 5.0), 0),
        ((30.0, 30.0, 30.0, 0.0), 0),
    ],
    ids=[
        "too little is known",
        "ahead",
        "behind",
        "rows travel",
        "just below what counts",
        "just what counts",
        "late rows between timely ones",
        "the clock was set right",
    ],
)
def test_the_smallest_difference_of_the_last_rows_is_nearest_to_the_truth(
    differences_s: tuple[float, ...], ahead_s: float
) -> None:
    assert offset_after(*differences_s) == int(ahead_s * S)


def test_a_clock_that_was_set_is_noticed_once_old_rows_are_forgotten() -> None:
    assert offset_after(*[0.01] * 12, *[30.0] * 11) == 0
    assert offset_after(*[0.01] * 12, *[30.0] * 12) == 30 * S


def test_a_small_change_does_not_move_the_estimate() -> None:
    assert offset_after(*[30.0] * 3, *[29.7] * 3) == 30 * S


def test_the_account_tells_how_far_our_clock_is_from_the_brokers() -> None:
    made = book()
    for number in range(SAMPLES_AT_LEAST):
        told = fill(number + 1, 1, 100, at_ns=NOON + number * S)
        made.on_fill(told, NOON + number * S + 30 * S)
        made.on_fill(told, NOON + number * S + 300 * S)

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
    for number in range(2, 2 + SAMPLES_AT_LEAST):
        at_ns = NOON + (200 + number) * S
        made.on_fill(fill(number, 1, 100, at_ns=at_ns), at_ns + 30 * S)

    assert before == 1
    assert made.state().entries == SAMPLES_AT_LEAST
    assert made.state().history.entries[0].under_lock
