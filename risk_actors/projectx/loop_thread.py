"""One asyncio loop on one thread of its own."""

import asyncio
import sys
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from selectors import BaseSelector, DefaultSelector
from typing import Any

from loguru import logger

from risk_actors.projectx.secrets import scrub
from risk_actors.runtime.right_of_way import CourteousSelector

_CANCEL_S = 2.0


class LoopThread:
    """Starts with the first use, ends with `stop`, and leaves nothing behind."""

    def __init__(
        self, name: str, make_selector: Callable[[], BaseSelector] = DefaultSelector
    ) -> None:
        """Take its name, and what waits for sockets; by it a loop may give way, or have the right.

        On Windows the loop is of another make, and does neither.
        """
        self._name = name
        self._selector: BaseSelector | None = None
        self._loop: asyncio.AbstractEventLoop
        if sys.platform == "win32":
            self._loop = asyncio.new_event_loop()
        else:
            self._selector = make_selector()
            self._loop = asyncio.SelectorEventLoop(self._selector)
        self._loop.set_exception_handler(_log_unhandled)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._lock = threading.Lock()
        self._is_open = False

    def start(self) -> None:
        """Start the thread."""
        with self._lock:
            self._is_open = True
        self._thread.start()

    def run[T](self, work: Coroutine[Any, Any, T], timeout_s: float | None = None) -> T:
        """Run a coroutine on the loop and wait for its result, from another thread.

        Raises:
            TimeoutError: it took too long; it is cancelled.
        """
        future: Future[T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout_s)
        except TimeoutError:
            future.cancel()
            raise

    def call(self, function: Callable[[], object]) -> bool:
        """Have a function called on the loop soon, from any thread; false when it has ended."""
        with self._lock:
            if not self._is_open:
                return False
            if isinstance(self._selector, CourteousSelector):
                self._selector.ask()
            self._loop.call_soon_threadsafe(function)
            return True

    def stop(self, timeout_s: float) -> None:
        """Cancel whatever runs, end the loop and join the thread."""
        with self._lock:
            if not self._is_open:
                return
            self._is_open = False
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            logger.error("Thread {} did not end within {} s", self._name, timeout_s)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            _cancel_all(self._loop)
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            asyncio.set_event_loop(None)
            self._loop.close()


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        # Bounded: a task of the SDK that does not let itself be cancelled must not hold up the end.
        loop.run_until_complete(asyncio.wait(tasks, timeout=_CANCEL_S))


def _log_unhandled(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    error = context.get("exception")
    words = f"{context.get('message')}: {error!r}" if error else str(context.get("message"))
    logger.error("In the gateway's event loop: {}", scrub(words))
