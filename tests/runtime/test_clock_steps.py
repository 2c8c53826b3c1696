"""The machine's clock as the daemon reads it: set back it goes on, set ahead it follows.

With the broker's time for a reference it does not follow: nobody ends a lock by the PC's clock.
"""

import sys
import threading
import time

import pytest

from risk_actors.core.clock_steps import STEP_NS, WRONG_FROM_NS
from risk_actors.runtime.clock import SLOWER_BY, Reference, SystemClock, ahead_of, read

S = 1_000_000_000
H = 3_600 * S


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

    def told(self, instant_ns: int, doubt_ns: int = 1 * S) -> Reference:
        """Return what the broker says now: it is this instant, or up to so much later."""
        return Reference(self.monotonic, instant_ns, instant_ns + doubt_ns)


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


# --- with the broker's time -----------------------------------------------------------------


@pytest.mark.parametrize("wrong_ns", [24 * H, 300 * S, 3 * S, -3 * S, -300 * S, -24 * H])
def test_a_clock_that_is_wrong_at_the_start_is_set_to_the_brokers(wrong_ns: int) -> None:
    machine = Machine()
    clock = machine.clock()
    truth = machine.wall - wrong_ns

    moved_ns = clock.set_reference(machine.told(truth, doubt_ns=0), is_start=True)

    assert (clock.now_ns(), moved_ns) == (truth, -wrong_ns)


@pytest.mark.parametrize("wrong_ns", [0, S, -S, WRONG_FROM_NS, -WRONG_FROM_NS])
def test_a_clock_that_is_about_right_is_left_alone(wrong_ns: int) -> None:
    machine = Machine()
    clock = machine.clock()

    assert (
        clock.set_reference(machine.told(machine.wall - wrong_ns, doubt_ns=0), is_start=True) == 0
    )
    assert clock.now_ns() == machine.wall


def test_of_a_doubt_the_earliest_instant_is_taken_so_that_no_lock_ends_early() -> None:
    machine = Machine()
    clock = machine.clock()

    clock.set_reference(machine.told(machine.wall - H, doubt_ns=2 * S), is_start=True)

    assert clock.now_ns() == machine.wall - H


@pytest.mark.parametrize("by_ns", [H, 24 * H, -H])
def test_once_the_broker_told_nobody_moves_it_by_the_wall_clock(by_ns: int) -> None:
    machine = Machine()
    clock = machine.clock()
    clock.set_reference(machine.told(machine.wall), is_start=True)
    before = clock.now_ns()
    wanted = [clock.wants_reference]

    machine.wall += by_ns
    machine.pass_time(S)

    assert clock.now_ns() == before + S
    wanted.append(clock.wants_reference)

    clock.set_reference(machine.told(before + S))
    assert clock.now_ns() == before + S
    assert [*wanted, clock.wants_reference] == [False, True, False]


def test_after_a_sleep_through_which_it_stood_still_the_brokers_time_moves_it_ahead() -> None:
    machine = Machine()
    clock = machine.clock()
    clock.set_reference(machine.told(machine.wall), is_start=True)

    machine.wall += 8 * H
    assert clock.now_ns() == machine.wall - 8 * H

    assert clock.set_reference(machine.told(machine.wall)) == 8 * H
    assert clock.now_ns() == machine.wall


def test_ahead_of_the_broker_it_goes_slower_and_never_back_until_they_agree() -> None:
    machine = Machine()
    clock = machine.clock()
    clock.set_reference(machine.told(machine.wall), is_start=True)
    ahead_ns = 60 * S
    truth = machine.wall - ahead_ns

    assert clock.set_reference(machine.told(truth, doubt_ns=0)) == 0

    before = clock.now_ns()
    assert before == truth + ahead_ns
    for _ in range(2 * ahead_ns // S * SLOWER_BY):
        machine.pass_time(S // 2)
        truth += S // 2
        now = clock.now_ns()
        assert before < now
        assert read(clock).ahead_ns == now - truth
        before = now
    machine.pass_time(2 * S)
    assert clock.now_ns() == truth + 2 * S
    assert read(clock).ahead_ns == 0


def test_a_first_reference_that_comes_late_moves_it_ahead_but_not_back() -> None:
    machine = Machine()
    clock = machine.clock()
    before = clock.now_ns()

    clock.set_reference(machine.told(machine.wall - 24 * H))

    assert clock.now_ns() >= before
    assert read(clock).ahead_ns > 23 * H


def test_it_goes_back_at_the_start_alone_and_once() -> None:
    machine = Machine()
    clock = machine.clock()
    clock.set_reference(machine.told(machine.wall), is_start=True)
    before = clock.now_ns()

    clock.set_reference(machine.told(machine.wall - H), is_start=True)

    assert clock.now_ns() >= before


def test_slower_twice_is_no_step_back() -> None:
    machine = Machine()
    clock = machine.clock()
    clock.set_reference(machine.told(machine.wall), is_start=True)
    before = clock.now_ns()
    for _ in range(50):
        machine.pass_time(S // 2)
        clock.set_reference(machine.told(machine.wall - 300 * S))
        now = clock.now_ns()
        assert now > before
        before = now


def test_how_far_a_time_is_surely_ahead() -> None:
    reference = Reference(0, 100, 200)

    assert [ahead_of(now, reference) for now in (90, 100, 150, 200, 230)] == [-10, 0, 0, 0, 30]


def test_threads_that_read_while_it_is_corrected_see_no_step_back() -> None:
    clock = SystemClock()
    backwards: list[int] = []
    stop = threading.Event()

    def look() -> None:
        before = clock.now_ns()
        while not stop.is_set():
            now = clock.now_ns()
            if now < before:
                backwards.append(before - now)
            before = now

    threads = [threading.Thread(target=look) for _ in range(3)]
    for thread in threads:
        thread.start()
    for number in range(200):
        offset_ns = (3 if number % 2 else -3) * S
        at_ns = clock.monotonic_ns()
        clock.set_reference(
            Reference(at_ns, clock.now_ns() + offset_ns, clock.now_ns() + offset_ns)
        )
    stop.set()
    for thread in threads:
        thread.join()

    assert backwards == []


@pytest.mark.skipif(sys.platform != "linux", reason="the name of the clock is Linux's")
def test_the_steady_clock_counts_while_the_machine_sleeps() -> None:
    before = time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    found = SystemClock().monotonic_ns()

    assert before <= found <= time.clock_gettime_ns(time.CLOCK_BOOTTIME)
