"""How far another clock is ahead, from what is told by it."""

import pytest

from risk_actors.watch.clocks import Clocks, Told


@pytest.mark.parametrize(
    ("ahead_s", "told_after_s", "heard_after_s", "found_s"),
    [
        (0.0, 0.01, 0.02, 0.0),
        (0.0, 0.01, 8.0, 0.0),
        (3600.0, 0.01, 0.02, 3599.99),
        (-3600.0, 0.01, 0.02, -3599.99),
        (600.0, 2.0, 4.0, 598.0),
        (1.0, 2.0, 4.0, 0.0),
    ],
)
def test_clocks_that_may_agree_do_and_others_differ_by_no_more_than_is_known(
    ahead_s: float, told_after_s: float, heard_after_s: float, found_s: float
) -> None:
    clocks = Clocks()
    at_s = 1_000.0 + told_after_s + ahead_s
    clocks.take(Told(at_s, at_s, 1_000.0 + heard_after_s, 1_000.0))

    assert clocks.ahead_s == pytest.approx(found_s, abs=0.011)


def test_what_comes_late_later_does_not_change_what_is_known_of_the_clock() -> None:
    clocks = Clocks()
    clocks.take(Told(4_600.0, 4_600.0, 1_000.1, 1_000.0))
    known_s = clocks.ahead_s
    clocks.take(Told(4_610.0, 4_610.0, 1_071.0))

    assert clocks.ahead_s == known_s


def test_whole_seconds_bound_it_by_a_second() -> None:
    clocks = Clocks()
    clocks.take(Told(1_000.0, 1_001.0, 1_000.9, 1_000.8))

    assert clocks.ahead_s == 0.0


@pytest.mark.parametrize("set_by_s", [3_600.0, -3_600.0])
def test_a_clock_that_was_set_is_found_by_asking(set_by_s: float) -> None:
    clocks = Clocks()
    clocks.take(Told(1_000.0, 1_000.0, 1_000.1, 1_000.0))
    at_s = 1_010.0 + set_by_s
    clocks.take(Told(at_s, at_s, 1_010.1, 1_010.0))

    assert clocks.ahead_s == pytest.approx(set_by_s, abs=0.2)
