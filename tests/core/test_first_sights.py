"""When orders were first seen, whatever order they are heard of in."""

import random

import pytest

from risk_actors.core.first_sights import OUT_OF_ORDER_NS, REMEMBER_ORDERS, FirstSights
from tests.conftest import NOON_NS, S


def slowly(seen_ns: dict[int, int], order_id: int, now_ns: int) -> int:
    """Return what is meant: the earliest sight of it, or of any numbered after it."""
    if order_id not in seen_ns:
        later = [at_ns for known_id, at_ns in seen_ns.items() if known_id > order_id]
        seen_ns[order_id] = min(later, default=now_ns)
    return seen_ns[order_id]


@pytest.mark.parametrize("seed", range(30))
def test_an_order_is_as_old_as_the_oldest_sight_of_one_numbered_after_it(seed: int) -> None:
    rng = random.Random(seed)
    sights, expected = FirstSights(), dict[int, int]()
    now_ns = NOON_NS
    for _ in range(400):
        now_ns += rng.choice((0, S, 20 * S))
        order_id = rng.randrange(1, 300)
        created_ns = rng.choice((0, NOON_NS))
        assert sights.note(order_id, now_ns, created_ns) == slowly(expected, order_id, now_ns)
        assert order_id in sights
        assert sights.get(order_id, 0) == expected[order_id]


def test_one_that_is_not_known_was_seen_when_it_is_said() -> None:
    sights = FirstSights()

    assert 7 not in sights
    assert sights.get(7, NOON_NS) == NOON_NS


def test_a_number_of_another_kind_makes_no_later_order_look_old() -> None:
    """Of a position's close it would be said that what it filled was ordered before."""
    sights = FirstSights()
    sights.note(10**15, NOON_NS, NOON_NS)

    # Without a time nothing can be said against the number: the close waits for a look.
    assert sights.note(2000, NOON_NS + 100 * S) == NOON_NS
    later_ns = NOON_NS + 200 * S
    assert sights.note(2001, later_ns, later_ns) == later_ns
    assert sights.note(2002, later_ns + S) == later_ns + S
    assert sights.note(1999, later_ns + 2 * S) == NOON_NS
    assert sights.get(10**15, 0) == NOON_NS


def test_numbers_given_within_a_minute_may_come_in_any_order() -> None:
    sights = FirstSights()
    sights.note(11, NOON_NS, NOON_NS)

    assert sights.note(10, NOON_NS + 5 * S, NOON_NS + OUT_OF_ORDER_NS) == NOON_NS


def test_the_oldest_are_forgotten() -> None:
    sights = FirstSights()
    sights.note(10**9, NOON_NS)
    for number in range(REMEMBER_ORDERS):
        sights.note(number, NOON_NS + number, NOON_NS)
    assert sights.get(0, 1) == NOON_NS

    sights.forget_oldest()

    assert 10**9 not in sights
    assert 0 in sights
    assert sights.note(REMEMBER_ORDERS, NOON_NS + S) == NOON_NS + S
