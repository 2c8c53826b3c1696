"""The request budget: reads wait, commands do not, and a reserve is kept."""

from hypothesis import given
from hypothesis import strategies as st

from risk_actors.projectx.budget import WINDOW_NS, RequestBudget

S = 1_000_000_000


def test_reads_wait_when_their_share_is_used_and_commands_only_count() -> None:
    budget = RequestBudget(100)
    for second in range(80):
        assert budget.wait_ns(second * S // 10) == 0
        budget.count(second * S // 10)
    now_ns = 10 * S
    assert budget.wait_ns(now_ns) == WINDOW_NS - now_ns
    budget.count(now_ns)  # a command goes all the same
    assert budget.used(now_ns) == 81
    assert budget.wait_ns(now_ns) == WINDOW_NS - now_ns + S // 10
    assert budget.wait_ns(WINDOW_NS + S // 10) == 0


@given(st.lists(st.integers(0, 2 * S), min_size=1, max_size=300), st.integers(1, 60))
def test_no_window_ever_holds_more_reads_than_their_share(steps: list[int], limit: int) -> None:
    budget = RequestBudget(limit)
    now_ns = 0
    sent: list[int] = []
    for step in steps:
        now_ns += step
        now_ns += budget.wait_ns(now_ns)
        assert budget.wait_ns(now_ns) == 0
        budget.count(now_ns)
        sent.append(now_ns)
        recent = [at for at in sent if at > now_ns - WINDOW_NS]
        assert len(recent) <= budget.reads_per_minute


def test_a_clock_that_is_set_back_does_not_hold_up_reads() -> None:
    budget = RequestBudget(10)
    for _ in range(8):
        budget.count(5000 * S)
    assert budget.wait_ns(5000 * S) == WINDOW_NS
    assert budget.wait_ns(1000 * S) == 0
