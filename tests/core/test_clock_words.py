"""What is said of a clock that was set, of a sleep, and of a clock that is wrong."""

import pytest

from risk_actors.core.clock_steps import Clocks, ClockSteps, span

S = 1_000_000_000
H = 3_600 * S


class Machine:
    """Clocks that a test moves, looked at every tenth of a second."""

    def __init__(self, *, wrong_ns: int = 0, is_referenced: bool = True) -> None:
        self.steps = ClockSteps()
        self.clocks = Clocks(1_000 * S, 1_000 * S + wrong_ns, 5 * S, is_referenced, 0)

    def look(
        self, passed_ns: int = S // 10, *, wall: int = 0, ours: int = 0, ahead: int = 0
    ) -> str | None:
        """Let time pass, set clocks, and return what is said."""
        now = self.clocks
        self.clocks = Clocks(
            now.now_ns + passed_ns + ours,
            now.wall_ns + passed_ns + wall,
            now.monotonic_ns + passed_ns,
            now.is_referenced,
            ahead,
        )
        step = self.steps.look(self.clocks)
        return None if step is None else step.detail


@pytest.mark.parametrize(
    ("is_referenced", "wall", "ours", "said"),
    [
        (True, H, 0, "The PC's clock was set ahead by 1 h 0 min; ours was not moved, the broker's"),
        (True, -H, 0, "The PC's clock was set back by 1 h 0 min; ours was not moved"),
        (False, -H, 0, "The PC's clock was set back by 1 h 0 min; ours was not moved, it never"),
        (False, H, H, "The PC's clock was set ahead by 1 h 0 min, or the machine slept; ours fol"),
        (True, H, H, "ours was moved by 1 h 0 min to the broker's time"),
        (True, 0, H, "Our clock was moved ahead by 1 h 0 min to the broker's time"),
    ],
)
def test_a_step_is_told_once_with_what_became_of_it(
    is_referenced: bool, wall: int, ours: int, said: str
) -> None:
    machine = Machine(is_referenced=is_referenced)
    assert machine.look() is None

    assert said in (machine.look(wall=wall, ours=ours) or "")
    assert machine.look() is None


def test_a_sleep_that_all_clocks_counted_is_told() -> None:
    machine = Machine()
    machine.look()

    assert "slept, or the program was held up, for 8 h 0 min" in (machine.look(8 * H) or "")
    assert machine.look() is None


def test_slow_drift_is_no_step() -> None:
    machine = Machine()

    assert [machine.look(wall=S // 1000, ours=0) for _ in range(10_000)] == [None] * 10_000


@pytest.mark.parametrize(
    ("wrong_ns", "said"),
    [(24 * H, "1 d 0 h ahead of"), (-5 * 60 * S, "5 min 0 s behind"), (S, None)],
)
def test_a_clock_that_is_wrong_from_the_start_is_told(wrong_ns: int, said: str | None) -> None:
    machine = Machine(wrong_ns=wrong_ns)

    found = machine.look()

    assert found is None if said is None else said in (found or "")
    assert machine.look() is None


def test_being_ahead_of_the_broker_is_told_when_it_begins() -> None:
    machine = Machine()
    machine.look()

    assert "ahead of the broker's and cannot go back" in (machine.look(ahead=60 * S) or "")
    assert machine.look(ahead=59 * S) is None
    machine.look(ahead=0)
    assert machine.look(ahead=3 * S) is not None


@pytest.mark.parametrize(
    ("ns", "words"),
    [
        (S // 2, "0.5 s"),
        (90 * S, "1 min 30 s"),
        (3_600 * S, "1 h 0 min"),
        (-25 * H, "1 d 1 h"),
    ],
)
def test_a_span_is_told_in_its_two_largest_units(ns: int, words: str) -> None:
    assert span(ns) == words
