"""The machine's clock as the daemon reads it: set ahead it follows, set back it goes on."""

from risk_actors.runtime.clock import STEP_NS, SystemClock

S = 1_000_000_000


class Machine:
    """A wall clock that can be set and a monotonic one that cannot."""

    def __init__(self) -> None:
        self.wall = 1_000 * S
        self.monotonic = 5 * S

    def pass_time(self, ns: int) -> None:
        self.wall += ns
        self.monotonic += ns

    def clock(self) -> SystemClock:
        return SystemClock(lambda: self.wall, lambda: self.monotonic)


def test_it_runs_with_the_wall_clock() -> None:
    machine = Machine()
    clock = machine.clock()

    machine.pass_time(3 * S)

    assert clock.now_ns() == 1_003 * S


def test_a_clock_set_back_turns_nothing_back_and_stops_nothing() -> None:
    machine = Machine()
    clock = machine.clock()
    before = clock.now_ns()

    machine.wall -= 3_600 * S
    machine.pass_time(2 * S)

    assert clock.now_ns() == before + 2 * S


def test_a_clock_set_ahead_or_a_machine_that_slept_is_followed() -> None:
    machine = Machine()
    clock = machine.clock()

    machine.wall += 8 * 3_600 * S

    assert clock.now_ns() == machine.wall


def test_small_corrections_do_not_make_it_jump() -> None:
    machine = Machine()
    clock = machine.clock()

    machine.wall += STEP_NS

    assert clock.now_ns() == 1_000 * S
