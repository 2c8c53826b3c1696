"""What a 429 changes: reads make way, ordinary ones first and most; commands never."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_actors.projectx.backoff import LONGEST_RETRY_AFTER_S, PAUSES_S, Backoff

S = 1_000_000_000
FULL = 160


def pauses(backoff: Backoff, now_ns: int) -> tuple[float, float]:
    """Return the pauses of ordinary and of urgent reads, in s."""
    return (
        backoff.pause_ns(now_ns, is_urgent=False) / S,
        backoff.pause_ns(now_ns, is_urgent=True) / S,
    )


def test_pauses_grow_with_each_refusal_in_a_row_and_shrink_with_each_answer() -> None:
    backoff = Backoff(FULL)
    now_ns = 0
    seen = []
    for _ in range(7):
        backoff.refused(now_ns, now_ns, None)
        seen.append(pauses(backoff, now_ns))
        now_ns += 60 * S
    assert seen == [(2, 1), (4, 2), (5, 4), (5, 4), (5, 4), (5, 4), (5, 4)]
    for _ in PAUSES_S:
        assert backoff.is_on_trial
        backoff.answered(now_ns)
    assert not backoff.is_on_trial
    backoff.refused(now_ns, now_ns, None)
    assert pauses(backoff, now_ns) == (2, 1)


def test_what_was_on_its_way_together_is_refused_once() -> None:
    backoff = Backoff(FULL)
    for sent_ns in (1, 2, 3):
        backoff.refused(10 * S, sent_ns, None)
    assert pauses(backoff, 10 * S) == (2, 1)
    assert backoff.reads_per_minute(10 * S) == 120
    assert backoff.refusals == 3
    backoff.answered(4)  # sent before the refusal as well: it proves nothing
    assert backoff.is_on_trial


@pytest.mark.parametrize(
    ("retry_after_s", "expected"),
    [(None, 2), (0, 2), (1, 2), (7, 7), (60, 60), (86_400, LONGEST_RETRY_AFTER_S), (-5, 2)],
)
def test_a_sane_retry_after_is_kept_by_ordinary_reads(
    retry_after_s: float | None, expected: float
) -> None:
    backoff = Backoff(FULL)
    backoff.refused(0, 0, retry_after_s)
    assert pauses(backoff, 0) == (expected, 1)


def test_the_share_of_reads_shrinks_with_each_refusal_and_grows_back_slowly() -> None:
    backoff = Backoff(FULL)
    shares = []
    for minute in range(6):
        backoff.refused(minute * S, minute * S, None)
        shares.append(backoff.reads_per_minute(minute * S))
    assert shares == [120, 90, 67, 50, 37, 32]
    grown = [backoff.reads_per_minute((5 + minutes * 60) * S) for minutes in (1, 5, 10, 15)]
    assert grown == [42, 85, 138, FULL]


def test_a_clock_that_is_set_back_does_not_prolong_a_pause() -> None:
    backoff = Backoff(FULL)
    backoff.refused(5000 * S, 5000 * S, 10)
    backoff.tell(1000 * S)
    assert pauses(backoff, 1000 * S) == (10, 1)
    assert pauses(backoff, 1011 * S) == (0, 0)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 90 * S)), max_size=60))
def test_ordinary_reads_always_pause_at_least_as_long_and_some_share_always_stays(
    story: list[tuple[bool, int]],
) -> None:
    backoff = Backoff(FULL)
    now_ns = 0
    for is_refused, step_ns in story:
        now_ns += step_ns
        if is_refused:
            backoff.refused(now_ns, now_ns, None)
        else:
            backoff.answered(now_ns)
        ordinary_s, urgent_s = pauses(backoff, now_ns)
        assert 0 <= urgent_s <= ordinary_s <= PAUSES_S[-1]
        assert 32 <= backoff.reads_per_minute(now_ns) <= FULL
