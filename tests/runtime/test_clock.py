import pytest

from risk_actors.runtime.clock import SystemClock, VirtualClock


def test_the_virtual_clock_stands_still_until_it_is_moved() -> None:
    clock = VirtualClock(1000)

    before = (clock.now_ns(), clock.monotonic_ns())
    clock.advance(7)

    assert before == (1000, 0)
    assert (clock.now_ns(), clock.monotonic_ns()) == (1007, 7)


def test_a_clock_set_back_moves_the_wall_clock_alone() -> None:
    clock = VirtualClock(1000)
    clock.advance(10)

    clock.step(-500)

    assert clock.now_ns() == 510
    assert clock.monotonic_ns() == 10


def test_time_does_not_advance_backwards() -> None:
    with pytest.raises(ValueError, match="backwards"):
        VirtualClock(1000).advance(-1)


def test_the_system_clock_tells_utc_and_a_monotonic_time() -> None:
    clock = SystemClock()

    first, second = clock.monotonic_ns(), clock.monotonic_ns()

    assert second >= first
    assert clock.now_ns() > 1_700_000_000_000_000_000
