"""What may pass is tried again, with growing pauses, and not for ever."""

from collections.abc import Callable

import pytest
from workshop.steady import Breaker, BreakerOpenError, Transient, steadily


def failing(times: int) -> Callable[[], int]:
    """Return work that fails so many times in passing, then returns how often it was called."""
    calls: list[int] = []

    def work() -> int:
        calls.append(1)
        if len(calls) <= times:
            raise Transient(f"failure {len(calls)}")
        return len(calls)

    return work


@pytest.mark.parametrize(("failures", "pauses"), [(0, 0), (1, 1), (2, 2)])
def test_what_passes_is_tried_again(failures: int, pauses: int) -> None:
    breaker, slept = Breaker(5), list[float]()

    assert steadily(failing(failures), breaker=breaker, sleep=slept.append) == failures + 1
    assert len(slept) == pauses
    assert not breaker.is_open
    assert breaker.reason == ""


def test_the_pauses_double() -> None:
    slept: list[float] = []

    with pytest.raises(Transient, match="failure 4"):
        steadily(failing(9), breaker=Breaker(9), tries=4, first_pause_s=1.0, sleep=slept.append)

    assert [int(pause) for pause in slept] == [1, 2, 4]
    assert all(pause - whole <= 0.25 for pause, whole in zip(slept, (1, 2, 4), strict=True))


def test_another_error_is_an_answer_and_passed_on() -> None:
    breaker, slept = Breaker(1), list[float]()

    def work() -> int:
        raise KeyError("no such thing")

    with pytest.raises(KeyError):
        steadily(work, breaker=breaker, sleep=slept.append)
    assert slept == []
    assert not breaker.is_open


def test_an_open_breaker_ends_the_tries_and_refuses_what_comes_later() -> None:
    breaker, slept = Breaker(2), list[float]()

    with pytest.raises(Transient, match="failure 2"):
        steadily(failing(9), breaker=breaker, tries=9, sleep=slept.append)
    assert len(slept) == 1
    assert breaker.is_open

    with pytest.raises(BreakerOpenError, match="after 2 failures in a row, the last: failure 2"):
        steadily(failing(0), breaker=breaker, sleep=slept.append)
    assert len(slept) == 1


def test_only_failures_in_a_row_open_it() -> None:
    breaker = Breaker(2)
    for _ in range(5):
        steadily(failing(1), breaker=breaker, sleep=lambda _: None)

    assert not breaker.is_open


def test_a_breaker_without_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Breaker(0)
