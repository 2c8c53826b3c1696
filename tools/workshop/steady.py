"""Work that may fail in passing: tried again after growing pauses, but not for ever."""

import time
from collections.abc import Callable

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    wait_exponential_jitter,
)


class Transient(Exception):  # noqa: N818 - it says what kind of trouble it is
    """Trouble that may be over the next time; the text says what."""


class BreakerOpenError(Exception):
    """The breaker is open: this work was not even tried."""


class Breaker:
    """Counts failures in a row; once there are `limit` of them it is open and stays so.

    Share one among all work that fails for the same reason, such as one server that is away: what
    comes later is refused at once instead of waiting for the same thing again.
    """

    def __init__(self, limit: int) -> None:
        if limit < 1:
            raise ValueError(f"a breaker needs a limit of at least 1, not {limit}")
        self.limit = limit
        self._failures = 0
        self._reason = ""

    @property
    def is_open(self) -> bool:
        """Whether nothing more is to be tried."""
        return self._failures >= self.limit

    @property
    def reason(self) -> str:
        """The last failure in words; empty when there was none since the last success."""
        return self._reason

    def succeeded(self) -> None:
        """Count from the beginning; an open breaker stays open."""
        if not self.is_open:
            self._failures, self._reason = 0, ""

    def failed(self, reason: str) -> None:
        """Count one more failure in a row."""
        self._failures += 1
        self._reason = reason


def steadily[T](
    work: Callable[[], T],
    *,
    breaker: Breaker,
    tries: int = 3,
    first_pause_s: float = 1.0,
    sleep: Callable[[float], None] = time.sleep,
) -> T:
    """Return what the work returns; after a `Transient` failure try again.

    The pauses are `first_pause_s`, then twice that, and so on, each longer by up to a quarter of
    the first, so that several who wait for one thing do not come back together. Any other error is
    passed on at once and counts in no breaker: it is an answer.

    Raises:
        BreakerOpenError: the breaker was open already.
        Transient: the last failure, once the tries or the breaker's limit are used up.
    """
    if breaker.is_open:
        raise BreakerOpenError(
            f"not tried after {breaker.limit} failures in a row, the last: {breaker.reason}"
        )

    def once() -> T:
        try:
            done = work()
        except Transient as error:
            breaker.failed(str(error))
            raise
        breaker.succeeded()
        return done

    def gives_up(state: RetryCallState) -> bool:
        return breaker.is_open or state.attempt_number >= tries

    trying = Retrying(
        retry=retry_if_exception_type(Transient),
        stop=gives_up,
        wait=wait_exponential_jitter(initial=first_pause_s, jitter=first_pause_s / 4),
        sleep=sleep,
        reraise=True,
    )
    return trying(once)
