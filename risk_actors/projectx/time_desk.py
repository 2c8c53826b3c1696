"""Keeps our clock at the broker's time: asks with the login, listens to every answer after it."""

import asyncio
from collections.abc import Awaitable, Callable

from loguru import logger

from risk_actors.core.clock_steps import WRONG_FROM_NS, span
from risk_actors.projectx.broker_time import BrokerTime, Sample, instant_of
from risk_actors.projectx.ports import Clock, ReferencedClock
from risk_actors.runtime.clock import Reference, ahead_of

_LOOK_EVERY_S = 0.25
_FIRST_PAUSE_S = 1.2
"""Longer than an answer must be apart from the one that it confirms."""
_LONGEST_PAUSE_S = 20.0
_SHORTER = 0.99
_AT_START_S = 2.0
"""A broker that does not answer within it is asked again after the login."""
_MORE_ANSWERS, _MORE_EVERY_S = 5, 0.2
"""A clock that is wrong is set by a few more answers, which together are exact to 0.2 s."""

type Ping = Callable[[], Awaitable[None]]
"""Asks the broker for nothing; what its answer says comes to `answered`."""


class TimeDesk:
    """Shows the clock what the broker's answers say. Use it on its event loop only."""

    def __init__(self, clock: Clock) -> None:
        """Take the clock; one that cannot be corrected is left alone."""
        self._clock = clock if isinstance(clock, ReferencedClock) else None
        self._broker = BrokerTime()
        self._is_starting = False
        self._latest: Reference | None = None

    @property
    def has_work(self) -> bool:
        """Whether there is a clock to correct."""
        return self._clock is not None

    def monotonic_ns(self) -> int:
        """Return the clock by which sending and receiving are timed."""
        return 0 if self._clock is None else self._clock.monotonic_ns()

    def answered(self, sent_ns: int, date: str | None, received_ns: int) -> None:
        """Take what an answer of the broker says about the time."""
        said_ns = instant_of(date)
        if self._clock is None or said_ns is None:
            return
        reference = self._broker.take(Sample(sent_ns, said_ns, received_ns))
        if reference is None:
            return
        self._latest = reference
        if not self._is_starting:
            self._clock.set_reference(reference)

    async def begin(self, ping: Ping) -> None:
        """Set the clock before anybody tells the time by it, where the broker tells.

        Call it before the login, and again after: a broker that was not there yet is then.
        """
        if self._clock is None or self._told() is not None:
            return
        self._is_starting = True
        try:
            async with asyncio.timeout(_AT_START_S):
                await ping()
                if self._is_wrong(self._clock):
                    for _ in range(_MORE_ANSWERS):
                        await asyncio.sleep(_MORE_EVERY_S)
                        await ping()
        except TimeoutError:
            logger.debug("The broker did not tell the time in time")
        finally:
            self._is_starting = False
        told = self._told()
        moved_ns = 0 if told is None else self._clock.set_reference(told, is_start=True)
        if moved_ns:
            logger.warning(
                "The PC's clock is {} {} the broker's; the broker's time counts",
                span(moved_ns),
                "ahead of" if moved_ns < 0 else "behind",
            )

    async def serve(self, ping: Ping) -> None:
        """Ask at once when the PC's clock was set or an answer is in doubt; until cancelled."""
        pause_s = _FIRST_PAUSE_S
        while self._clock is not None:
            await asyncio.sleep(_LOOK_EVERY_S)
            if not (self._clock.wants_reference or self._broker.is_in_doubt):
                # Little by little: answers that go on contradicting each other use up the budget.
                pause_s = max(pause_s * _SHORTER, _FIRST_PAUSE_S)
                continue
            await ping()
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    def _told(self) -> Reference | None:
        return self._latest

    def _is_wrong(self, clock: ReferencedClock) -> bool:
        told = self._told()
        if told is None:
            return False
        then_ns = clock.now_ns() - (clock.monotonic_ns() - told.monotonic_ns)
        return abs(ahead_of(then_ns, told)) > WRONG_FROM_NS
