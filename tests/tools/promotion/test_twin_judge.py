"""Which breaches count as missed and which as false, by the instants of two worlds."""

import pytest
from promotion.config import StagingConfig
from promotion.staging import check_soak
from promotion.twin_days import Span, Told, TwinDay, World, play_twins
from promotion.twin_judge import Judged, judge_day

from risk_actors.core.evidence import NS_PER_S

type Spans = list[tuple[float, float]]


def ns(at_s: float) -> int:
    return round(at_s * NS_PER_S)


def world(broken: Spans, found: list[float]) -> World:
    spans = [Span(ns(since_s), ns(until_s)) for since_s, until_s in broken]
    return World({1: Told(spans, [ns(at_s) for at_s in found])}, [], [])


def judged(truth: Spans, told: Spans, found: list[float], blind: Spans) -> tuple[int, ...]:
    """Return how many were seeable, unseen, missed and false."""
    day = TwinDay(
        1,
        0,
        world(truth, [s for s, _ in truth]),
        world(told, found),
        [Span(ns(since_s), ns(until_s)) for since_s, until_s in blind],
    )
    result = Judged()
    judge_day(day, result)
    assert len(result.words) == result.missed + result.false
    return (result.seeable, result.unseen, result.missed, result.false)


@pytest.mark.parametrize(
    ("truth", "told", "found", "blind", "counts"),
    [
        ([(100, 200)], [(100.2, 200)], [100.2], [], (1, 0, 0, 0)),
        ([(100, 200)], [], [], [], (1, 0, 1, 0)),
        ([(100, 200)], [(104, 200)], [104], [], (1, 0, 1, 0)),
        ([], [(100, 200)], [100], [], (0, 0, 0, 1)),
        ([(300, 400)], [(100, 200), (300, 400)], [100, 300], [], (1, 0, 0, 1)),
        # It came and went while nothing could be seen.
        ([(100, 110)], [], [], [(90, 120)], (0, 1, 0, 0)),
        # It stood until long after.
        ([(100, 900)], [(130, 900)], [130], [(90, 120)], (1, 0, 0, 0)),
        ([(100, 900)], [], [], [(90, 120)], (1, 0, 1, 0)),
        ([(100, 900)], [(300, 900)], [300], [(90, 120)], (1, 0, 1, 0)),
        # What was heard late is late; what nobody ever told is false, blind or not.
        ([(100, 110)], [(121, 125)], [121], [(90, 120)], (1, 0, 0, 0)),
        ([], [(121, 125)], [121], [(90, 120)], (0, 0, 0, 1)),
        # It stands there still from the breach before, and says nothing new.
        ([(100, 110), (112, 200)], [(100, 200)], [100], [], (2, 0, 0, 0)),
    ],
)
def test_a_breach_is_missed_or_false_by_what_could_be_seen(
    truth: Spans, told: Spans, found: list[float], blind: Spans, counts: tuple[int, ...]
) -> None:
    assert judged(truth, told, found, blind) == counts


def test_a_day_is_the_same_for_the_broker_in_both_worlds_and_seeds_repeat() -> None:
    first, again = (play_twins(1, "max_contracts", {"limit": 1}) for _ in range(2))

    assert first == again
    assert first.is_comparable
    assert first.truth.fills
    assert first.blind
    assert first.truth.accounts != first.told.accounts, "nothing was disturbed"


def test_a_soak_that_saw_too_little_proves_nothing() -> None:
    outcome = check_soak(
        "max_contracts", [{"limit": 5000}], StagingConfig(days=1, least_breaches=1), lambda _: None
    )

    (problem,) = outcome.problems
    assert "the soak saw only 0 true breaches, and 1 are needed" in problem
    assert outcome.facts["missed_breach_rate"] is None
