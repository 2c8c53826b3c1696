"""The request budget: reads wait, commands do not, and a reserve is kept."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_actors.projectx.budget import (
    BARS_PER_WINDOW,
    BARS_WINDOW_NS,
    FLOOR,
    FLOOR_WINDOW_NS,
    LOOKS,
    READ_WINDOW_NS,
    READS,
    WINDOW_NS,
    BudgetState,
    RequestBudget,
    Urgency,
)

S = 1_000_000_000


def send(budget: RequestBudget, now_ns: int, urgency: Urgency = Urgency.NORMAL) -> None:
    """Have a read go and end."""
    budget.begin_read(now_ns, urgency)
    budget.end_read(urgency)


def burst(budget: RequestBudget, now_ns: int, urgency: Urgency) -> int:
    """Send whatever may go at once; returns how many went."""
    went = 0
    while not budget.wait_ns(now_ns, urgency):
        send(budget, now_ns, urgency)
        went += 1
    return went


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


@pytest.mark.parametrize(
    ("urgency", "at_once"),
    [
        (Urgency.BACKGROUND, 80),
        (Urgency.NORMAL, 120 + READS),
        (Urgency.LOOK, 120 + LOOKS),
        (Urgency.CHANGED, 190 - 45 + FLOOR),
        (Urgency.ENFORCEMENT, 190 - 45 + 1),
    ],
)
def test_each_kind_of_read_may_use_so_much_of_the_minute_at_once(
    urgency: Urgency, at_once: int
) -> None:
    assert burst(RequestBudget(200), 0, urgency) == at_once


@pytest.mark.parametrize(
    ("urgency", "limit"), [(Urgency.NORMAL, 160), (Urgency.LOOK, 190), (Urgency.CHANGED, 190)]
)
def test_what_is_left_after_a_burst_lasts_and_ends_where_what_is_kept_begins(
    urgency: Urgency, limit: int
) -> None:
    budget = RequestBudget(200)
    used = burst(budget, 0, urgency)
    now_ns = 0
    longest_ns = 0
    while now_ns < WINDOW_NS - 1 and used < limit:
        wait_ns = budget.wait_ns(now_ns, urgency)
        now_ns += wait_ns
        longest_ns = max(longest_ns, wait_ns)
        send(budget, now_ns, urgency)
        used += 1
        assert budget.used(now_ns) <= limit
    assert longest_ns <= READ_WINDOW_NS
    assert now_ns > WINDOW_NS // 4
    if used == limit:
        assert now_ns + budget.wait_ns(now_ns, urgency) == WINDOW_NS
        assert bool(budget.wait_ns(now_ns, Urgency.ENFORCEMENT)) == (limit == 190)


def test_looks_go_on_every_two_seconds_after_any_burst_of_other_reads() -> None:
    """A start with ten accounts and a hub that flaps do not make blind for the rest of it."""
    budget = RequestBudget(200)
    burst(budget, 0, Urgency.NORMAL)
    now_ns = 0
    while now_ns < WINDOW_NS:
        now_ns += 2 * S
        assert budget.wait_ns(now_ns, Urgency.LOOK) == 0
        send(budget, now_ns, Urgency.LOOK)


def test_what_has_changed_is_read_at_once_when_other_reads_have_used_what_is_free() -> None:
    """Ten accounts, all over a limit at once, in the minute of a start: all are seen at once."""
    budget = RequestBudget(200)
    use(budget, 115)
    assert burst(budget, 0, Urgency.CHANGED) >= 10 + FLOOR


def test_what_protects_never_comes_to_a_stop_whatever_the_others_have_used() -> None:
    """After any burst, and in any mixture, so many go in each window until there is more."""
    budget = RequestBudget(200)
    for urgency in (Urgency.BACKGROUND, Urgency.NORMAL, Urgency.ENFORCEMENT, Urgency.CHANGED):
        burst(budget, 0, urgency)
    now_ns, last_ns = 0, 0
    while now_ns < 2 * WINDOW_NS:
        now_ns += S // 10
        for urgency in (Urgency.ENFORCEMENT, Urgency.CHANGED, Urgency.NORMAL, Urgency.BACKGROUND):
            if burst(budget, now_ns, urgency) and urgency is Urgency.CHANGED:
                last_ns = now_ns
        assert now_ns - last_ns <= FLOOR_WINDOW_NS
        assert budget.used(now_ns) <= 190


def test_commands_pings_and_logins_are_kept_room_for_as_many_as_there_were() -> None:
    """3: what nobody holds back comes on top of the reads, and all must fit in the minute."""
    budget = RequestBudget(200)
    now_ns, sent_ns = 0, list[int]()
    while now_ns < 3 * WINDOW_NS:
        now_ns += S // 2
        if now_ns % (3 * S) == 0:
            budget.count(now_ns)
            sent_ns.append(now_ns)
        for urgency in Urgency:
            sent_ns += [now_ns] * burst(budget, now_ns, urgency)
        assert sum(at > now_ns - WINDOW_NS for at in sent_ns) <= 200


@given(
    st.lists(
        st.tuples(st.sampled_from(Urgency), st.integers(0, 2 * S), st.booleans()),
        min_size=1,
        max_size=300,
    ),
    st.integers(10, 100),
)
def test_no_window_ever_holds_more_reads_than_there_may_be(
    steps: list[tuple[Urgency, int, bool]], limit: int
) -> None:
    budget = RequestBudget(limit)
    now_ns = 0
    sent: list[int] = []
    bars: list[int] = []
    for urgency, step_ns, is_bars in steps:
        now_ns += step_ns
        while wait_ns := budget.wait_ns(now_ns, urgency, is_bars=is_bars):
            now_ns += wait_ns
        budget.begin_read(now_ns, urgency, is_bars=is_bars)
        budget.end_read(urgency)
        sent.append(now_ns)
        bars += [now_ns] * is_bars
        recent = [at for at in sent if at > now_ns - WINDOW_NS]
        most = limit * 0.8 if urgency in (Urgency.NORMAL, Urgency.BACKGROUND) else limit * 0.95
        assert len(recent) <= most
        assert len([at for at in bars if at > now_ns - BARS_WINDOW_NS]) <= BARS_PER_WINDOW


def test_a_clock_that_is_set_back_does_not_hold_up_reads() -> None:
    budget = RequestBudget(10)
    for _ in range(8):
        budget.count(5000 * S)
    assert budget.wait_ns(5000 * S) == WINDOW_NS
    assert budget.wait_ns(1000 * S) == 0


def use(budget: RequestBudget, count: int, now_ns: int = 0) -> None:
    for _ in range(count):
        send(budget, now_ns, Urgency.BACKGROUND)


def test_an_enforcement_may_read_from_the_reserve_but_not_from_what_its_commands_need() -> None:
    budget = RequestBudget(100)
    use(budget, 80)
    assert budget.wait_ns(0, Urgency.NORMAL) == WINDOW_NS
    assert budget.wait_ns(0, Urgency.ENFORCEMENT) == 0
    use(budget, 15)
    for urgency in Urgency:
        assert budget.wait_ns(0, urgency) == WINDOW_NS


def test_bars_have_a_window_of_their_own_besides() -> None:
    budget = RequestBudget(200)
    for _ in range(BARS_PER_WINDOW):
        assert budget.wait_ns(0, is_bars=True) == 0
        budget.begin_read(0, Urgency.NORMAL, is_bars=True)
        budget.end_read(Urgency.NORMAL)
    assert budget.wait_ns(0, is_bars=True) == BARS_WINDOW_NS
    assert budget.wait_ns(0) == 0
    assert budget.used(0) == BARS_PER_WINDOW
    assert budget.wait_ns(BARS_WINDOW_NS, is_bars=True) == 0


def test_what_is_shown_is_what_counts() -> None:
    budget = RequestBudget(100)
    use(budget, 30)
    shown = BudgetState(
        used=30,
        allowed=100,
        reads_allowed=80,
        room=30,
        paused_until_ns=None,
        refused=0,
        refused_ns=None,
    )
    assert budget.state(S) == shown
    budget.refused(S, S, None)
    assert budget.state(2 * S) == shown._replace(
        reads_allowed=60, room=0, paused_until_ns=3 * S, refused=1, refused_ns=S
    )
    assert budget.state(4 * S).paused_until_ns is None
    assert budget.state(70 * S).used == 0


def test_reads_find_out_one_at_a_time_whether_the_broker_lets_requests_pass_again() -> None:
    budget = RequestBudget(200)
    budget.refused(0, 0, None)
    after_ns = 2 * S
    assert budget.wait_ns(after_ns) == 0
    budget.begin_read(after_ns, Urgency.NORMAL)
    assert budget.wait_ns(after_ns) > 0
    assert budget.wait_ns(after_ns, Urgency.ENFORCEMENT) == 0
    for _ in range(2):
        budget.begin_read(after_ns, Urgency.ENFORCEMENT)
    assert budget.wait_ns(after_ns, Urgency.ENFORCEMENT) > 0
    budget.answered(after_ns)
    budget.end_read(Urgency.NORMAL)
    assert budget.wait_ns(after_ns) == 0
    assert budget.wait_ns(after_ns, Urgency.ENFORCEMENT) == 0


@pytest.mark.parametrize("refusals", [1, 2, 3, 8])
@pytest.mark.parametrize(("used", "least"), [(77, 66), (100, 48), (120, 25)])
def test_a_share_that_was_used_up_before_a_429_does_not_make_blind(
    used: int, least: int, refusals: int
) -> None:
    """Enough reads for one account go every few seconds, never none, and never all there are."""
    budget = RequestBudget(200)
    use(budget, used)
    now_ns = began_ns = WINDOW_NS // 4
    for _ in range(refusals):
        budget.refused(now_ns, now_ns)
    now_ns += budget.wait_ns(now_ns)
    went_ns = [now_ns]
    while now_ns < began_ns + WINDOW_NS:
        for _ in range(READS):
            wait_ns = budget.wait_ns(now_ns)
            assert wait_ns <= READ_WINDOW_NS
            now_ns += wait_ns
            budget.begin_read(now_ns, Urgency.NORMAL)
            budget.answered(now_ns)
            budget.end_read(Urgency.NORMAL)
            went_ns.append(now_ns)
            assert budget.used(now_ns) <= 160
        now_ns = max(now_ns, went_ns[-READS] + READ_WINDOW_NS)
    assert len(went_ns) >= least


def test_trials_do_not_use_what_is_kept_for_an_enforcement() -> None:
    budget = RequestBudget(200)
    use(budget, 138)
    budget.refused(S, S)
    after_ns = 4 * S
    budget.answered(after_ns)
    for _ in range(2):
        while wait_ns := budget.wait_ns(after_ns):
            after_ns += wait_ns
        assert after_ns <= 9 * S
        send(budget, after_ns)
    while after_ns < WINDOW_NS - S:
        after_ns += S
        burst(budget, after_ns, Urgency.NORMAL)
        assert budget.used(after_ns) <= 160
        assert budget.wait_ns(after_ns, Urgency.ENFORCEMENT) == 0


def test_any_thread_may_look_while_requests_are_counted() -> None:
    budget = RequestBudget(1000)
    stop = threading.Event()
    seen: list[int] = []

    def look() -> None:
        while not stop.is_set():
            seen.append(budget.state(0).used + budget.room)

    looking = threading.Thread(target=look)
    looking.start()
    for number in range(5000):
        budget.count(number * S // 100)
    stop.set()
    looking.join()
    assert seen
