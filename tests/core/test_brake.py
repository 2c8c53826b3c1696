"""The brake on ourselves, by itself (I6)."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from risk_actors.core.brake import (
    GAPS_NS,
    PATIENCE_NS,
    PROBE_COMMANDS,
    TRANSITIONS,
    WINDOW_NS,
    Brake,
    BrakeEvent,
    BrakeState,
)

S = 1_000_000_000
MS = S // 1000
LIMIT = 40
FREELY = LIMIT - 2
"""Two are kept for the probes of the first minute."""


class Sender:
    """Wants to send all the time, and sends what the brake lets through."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.brake = Brake(limit)
        self.sent: list[int] = []

    def push(self, now_ns: int, wanted: int = 1) -> int:
        """Try to send; return how many went out."""
        self.brake.run_clock(now_ns)
        before = len(self.sent)
        for _ in range(wanted):
            if self.brake.admits(now_ns):
                self.brake.note_sent(now_ns)
                self.sent.append(now_ns)
        return len(self.sent) - before

    def push_through(self, since_ns: int, until_ns: int, wanted: int = 10) -> None:
        for now_ns in range(since_ns, until_ns, 100 * MS):
            self.push(now_ns, wanted)


def braked(limit: int = LIMIT) -> Sender:
    sender = Sender(limit)
    sender.push_through(0, PATIENCE_NS + 200 * MS, wanted=LIMIT)
    assert sender.brake.is_on
    return sender


@pytest.mark.parametrize(("state", "event"), list(itertools.product(BrakeState, BrakeEvent)))
def test_only_what_the_table_lists_moves_the_brake(state: BrakeState, event: BrakeEvent) -> None:
    following = TRANSITIONS[state].get(event, state)

    moves = {
        (BrakeState.FREE, BrakeEvent.FULL): BrakeState.HELD,
        (BrakeState.HELD, BrakeEvent.UNCHANGED): BrakeState.BRAKED,
        (BrakeState.HELD, BrakeEvent.CHANGED): BrakeState.FREE,
        (BrakeState.HELD, BrakeEvent.IDLE): BrakeState.FREE,
        (BrakeState.BRAKED, BrakeEvent.IDLE): BrakeState.FREE,
        (BrakeState.BRAKED, BrakeEvent.CHANGED): BrakeState.FREE,
    }
    assert following is moves.get((state, event), state)


def test_a_burst_is_held_a_moment_and_goes_on_as_soon_as_something_changes() -> None:
    sender = Sender()

    first = sender.push(0, 60)
    held = sender.push(50 * MS, 60)
    released_aloud = sender.brake.changed(60 * MS)
    rest = sender.push(60 * MS, 22)

    assert (first, held, rest) == (FREELY, 0, 22)
    assert not released_aloud


def test_without_a_change_it_is_put_on_and_probes_go_out_with_growing_gaps() -> None:
    sender = Sender()
    sender.push_through(0, 2000 * S, wanted=100)

    probes: list[list[int]] = []
    for at_ns in sender.sent[FREELY:]:
        if probes and probes[-1][0] == at_ns:
            probes[-1].append(at_ns)
        else:
            probes.append([at_ns])
    begins = [0, *(probe[0] for probe in probes)]
    gaps = [later - earlier for earlier, later in itertools.pairwise(begins)]
    assert gaps[:8] == [*GAPS_NS, GAPS_NS[-1], GAPS_NS[-1]]
    assert [len(probe) for probe in probes[:2]] == [1, 1]
    assert all(len(probe) == PROBE_COMMANDS for probe in probes[2:])


def test_a_change_releases_it_and_the_count_and_the_gaps_begin_anew() -> None:
    sender = braked()
    sender.push_through(4 * S, 200 * S)

    released = sender.brake.changed(200 * S)
    freely = sender.push(200 * S, 100)
    sender.push(200 * S + PATIENCE_NS, 1)

    assert released
    assert freely == FREELY
    assert sender.brake.is_on
    assert sender.brake.opens_ns == 200 * S + GAPS_NS[0]


def test_where_nothing_is_wanted_any_more_it_lets_go_by_itself() -> None:
    held, on = Sender(), braked()
    held.push(0, 100)

    assert held.push(WINDOW_NS, 100) == FREELY
    assert on.push(GAPS_NS[0] + GAPS_NS[-1], 100) == FREELY


def test_a_steady_trickle_below_the_limit_is_never_held() -> None:
    sender = Sender()
    for n in range(600):
        assert sender.push(n * 2 * S) == 1


def test_a_steady_stream_above_the_limit_is_braked_although_the_window_slides() -> None:
    sender = Sender()
    sender.push_through(0, 120 * S, wanted=1)

    assert sender.brake.is_on


def test_a_command_that_never_left_does_not_count() -> None:
    sender = Sender()
    for n in range(200):
        assert sender.push(n) == 1
        sender.brake.take_back()


def test_it_is_fresh_until_something_is_tried_and_after_each_change() -> None:
    brake = Brake(LIMIT)

    assert brake.is_fresh
    brake.note_sent(4 * S)
    assert not brake.is_fresh
    brake.changed(5 * S)
    assert brake.is_fresh


def test_a_clock_that_is_set_back_makes_no_gap_longer_than_the_longest() -> None:
    sender = Sender()
    sender.push_through(10_000 * S, 10_004 * S)
    assert sender.brake.is_on

    sender.push_through(0, GAPS_NS[-1] + 10 * S)

    assert [at_ns for at_ns in sender.sent if at_ns < 1_000 * S]


steps = st.lists(
    st.tuples(
        st.integers(min_value=0, max_value=90_000).map(lambda ms: ms * MS),
        st.integers(min_value=0, max_value=50),
        st.sampled_from(["", "", "", "change", "back"]),
    ),
    max_size=60,
)


@given(limit=st.integers(min_value=3, max_value=60), days=steps)
def test_never_more_than_the_limit_in_any_minute_without_a_change(
    limit: int, days: list[tuple[int, int, str]]
) -> None:
    sender, now_ns = Sender(limit), 0
    unchanged: list[int] = []
    for pause_ns, wanted, happens in days:
        now_ns += pause_ns
        if happens == "change":
            sender.brake.changed(now_ns)
            unchanged.clear()
        n = sender.push(now_ns, wanted)
        if n and happens == "back":
            sender.brake.take_back()
            n -= 1
        unchanged += [now_ns] * n
        in_window = [at_ns for at_ns in unchanged if now_ns - at_ns < WINDOW_NS]
        assert len(in_window) <= limit


@given(limit=st.integers(min_value=3, max_value=60), days=steps)
def test_after_a_change_sending_is_free_and_without_one_the_probes_never_stop(
    limit: int, days: list[tuple[int, int, str]]
) -> None:
    sender, now_ns = Sender(limit), 0
    for pause_ns, wanted, _ in days:
        now_ns += pause_ns
        sender.push(now_ns, wanted)

    sent = len(sender.sent)
    sender.push_through(now_ns, now_ns + GAPS_NS[-1] + PATIENCE_NS + S, wanted=1)
    assert len(sender.sent) > sent

    sender.brake.changed(now_ns + 400 * S)
    assert sender.push(now_ns + 400 * S)
