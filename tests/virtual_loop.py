"""An event loop whose time is virtual: a wait of a minute takes no time.

The loop's clock moves to the next timer whenever nothing is left to do, so that code that sleeps
runs unchanged. Nothing real (sockets, other threads) can be waited for on it.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any

START_NS = 1_800_000_000_000_000_000


class VirtualLoop(asyncio.SelectorEventLoop):
    """Skips every wait; `now_ns` makes it a clock as well."""

    def __init__(self) -> None:
        self.elapsed_s = 0.0
        super().__init__(_NeverWaits(self))

    def time(self) -> float:
        return self.elapsed_s

    def now_ns(self) -> int:
        return START_NS + round(self.elapsed_s * 1e9)


class _NeverWaits(selectors.SelectSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise AssertionError("everything waits for something that never comes")
        # A little more than was asked for, or rounding would leave the timer not yet due.
        self._loop.elapsed_s += timeout + 1e-9 if timeout > 0 else 0
        return super().select(0)


def run_virtually[T](loop: VirtualLoop, main: Coroutine[Any, Any, T]) -> T:
    """Run to the end, and close the loop."""
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main)
