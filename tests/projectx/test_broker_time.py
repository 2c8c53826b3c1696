"""The broker's time from the `Date` of its answers: what they say, and what is believed."""

from random import Random

import pytest

from risk_actors.projectx.broker_time import (
    CONFIRMED_AFTER_NS,
    KEPT_NS,
    BrokerTime,
    Sample,
    instant_of,
)
from risk_actors.runtime.clock import Reference

S = 1_000_000_000
MS = S // 1000
NOON = 1_794_931_200 * S


class Broker:
    """A server with a clock of its own; ours is monotonic and began at 0."""

    def __init__(self, *, late_ns: int = 0) -> None:
        self.offset_ns = NOON + 123 * MS
        self.late_ns = late_ns
        self.time = BrokerTime()

    def answer(self, at_ns: int, *, there: int = 20 * MS, back: int = 20 * MS) -> Reference | None:
        """Return what an answer says that the server gave at an instant of our clock."""
        truth = at_ns + self.offset_ns
        said = (truth - self.late_ns) // S * S
        return self.time.take(Sample(at_ns - there, said, at_ns + back))

    def holds(self, found: Reference | None) -> bool:
        assert found is not None
        truth = found.monotonic_ns + self.offset_ns
        return found.earliest_ns <= truth <= found.latest_ns


@pytest.mark.parametrize("late_ns", [0, S - 1])
def test_the_truth_is_always_within_the_bounds_and_answers_narrow_them(late_ns: int) -> None:
    random = Random(7)
    broker = Broker(late_ns=late_ns)
    widths = []
    at_ns = 0
    for _ in range(300):
        at_ns += random.randrange(100 * MS, 5 * S)
        there, back = random.randrange(5 * MS, 400 * MS), random.randrange(5 * MS, 400 * MS)
        found = broker.answer(at_ns, there=there, back=back)
        assert broker.holds(found)
        assert found is not None
        widths.append(found.latest_ns - found.earliest_ns)
    assert widths[0] > 2 * S > widths[-1]


def test_one_answer_that_contradicts_the_others_is_not_believed() -> None:
    broker = Broker()
    broker.answer(S)
    broker.offset_ns += 86_400 * S

    assert broker.answer(2 * S) is None
    assert broker.time.is_in_doubt

    broker.offset_ns -= 86_400 * S
    assert broker.holds(broker.answer(4 * S))
    assert not broker.time.is_in_doubt


def test_one_that_a_later_answer_confirms_is_believed() -> None:
    broker = Broker()
    broker.answer(S)
    broker.offset_ns += 8 * 3_600 * S

    assert broker.answer(20 * S) is None
    assert broker.answer(20 * S + MS) is None
    assert broker.holds(broker.answer(20 * S + CONFIRMED_AFTER_NS))
    assert not broker.time.is_in_doubt


def test_two_that_contradict_each_other_too_confirm_nothing() -> None:
    broker = Broker()
    broker.answer(S)
    for number in range(1, 6):
        broker.offset_ns += 3_600 * S
        assert broker.answer(S + number * 2 * S) is None


def test_what_is_old_says_nothing_any_more() -> None:
    broker = Broker()
    broker.answer(S)
    broker.offset_ns += 10 * S

    assert broker.holds(broker.answer(2 * S + KEPT_NS))


@pytest.mark.parametrize(("there", "back"), [(3 * S, 3 * S), (-2 * S, S)])
def test_an_answer_that_took_too_long_or_no_time_says_nothing(there: int, back: int) -> None:
    assert Broker().answer(20 * S, there=there, back=back) is None


@pytest.mark.parametrize(
    ("date", "instant"),
    [
        ("Tue, 17 Nov 2026 16:00:00 GMT", NOON),
        ("Tue, 17 Nov 2026 10:00:00 -0600", NOON),
        ("yesterday", None),
        ("", None),
        (None, None),
        ("Tue, 17 Nov 99999999 16:00:00 GMT", None),
        ("Tue, 17 Nov 2026 16:00:00 +9999", None),
    ],
)
def test_a_date_is_read_or_it_is_none(date: str | None, instant: int | None) -> None:
    assert instant_of(date) == instant
