"""A thread that does nothing but keep one lean hub up and hear it."""

import asyncio
from collections.abc import Callable
from functools import partial
from selectors import BaseSelector

from loguru import logger

from risk_actors.projectx.lean_hub import LeanHub
from risk_actors.projectx.loop_thread import LoopThread
from risk_actors.projectx.supervision import keep_running

_STOP_S = 2.0


class LeanThread:
    """One lean hub on its own thread. Make and use it on the gateway's loop, where not said."""

    def __init__(self, name: str, make_selector: Callable[[], BaseSelector]) -> None:
        """Take the thread's name, and what waits for its sockets."""
        self._home = asyncio.get_running_loop()
        self._thread = LoopThread(name, make_selector)
        self._name = name
        self._hub: LeanHub | None = None
        self._task: asyncio.Task[None] | None = None
        self.is_over = False
        """Whether it is being stopped: nothing is told any more. For its own thread too."""

    @property
    def attempts(self) -> int:
        """Connections tried so far."""
        return 0 if self._hub is None else self._hub.attempts

    def start(self, make_hub: Callable[[], LeanHub], on_fault: Callable[[str], None]) -> None:
        """Start the thread, which connects.

        Args:
            make_hub: makes the hub; called on the thread.
            on_fault: hears on the gateway's loop that the hub itself failed, and begins anew.
        """
        self._thread.start()
        self._thread.call(partial(self._begin, make_hub, on_fault))

    def call(self, function: Callable[[LeanHub], object]) -> None:
        """Have a function called with the hub on its thread; nothing before there is one."""
        if self._hub is not None:
            self._thread.call(partial(function, self._hub))

    def nudge(self) -> None:
        """Try again now if it is down."""
        self.call(LeanHub.nudge)

    def kick(self, detail: str) -> None:
        """Connect anew, for a reason in words."""
        self.call(lambda hub: hub.kick(detail))

    def rest(self, seconds: float, detail: str) -> None:
        """Stay away for so many seconds, for a reason in words; none ends an earlier rest."""
        self.call(lambda hub: hub.rest(seconds, detail))

    async def stop(self) -> None:
        """Say goodbye and end the thread; nothing is told afterwards."""
        self.is_over = True
        await asyncio.to_thread(self._stop)

    def tell_home(self, functions: list[Callable[[], None]]) -> None:
        """Have functions called on the gateway's loop, each by itself. From its own thread."""
        if self.is_over:
            return
        try:
            self._home.call_soon_threadsafe(self._take_over, functions)
        except RuntimeError:  # that loop has ended: nobody is there to hear
            logger.debug("The thread {} outlives the gateway", self._name)

    def _take_over(self, functions: list[Callable[[], None]]) -> None:
        for function in functions:
            self._home.call_soon(function)

    def _begin(self, make_hub: Callable[[], LeanHub], on_fault: Callable[[str], None]) -> None:
        self._hub = make_hub()
        body = keep_running(
            self._name, self._hub.tend, lambda words: self.tell_home([partial(on_fault, words)])
        )
        self._task = asyncio.get_running_loop().create_task(body, name=self._name)

    def _stop(self) -> None:
        try:
            self._thread.run(self._end(), _STOP_S)
        except TimeoutError:
            logger.debug("The thread {} did not close in time", self._name)
        self._thread.stop(_STOP_S)

    async def _end(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
