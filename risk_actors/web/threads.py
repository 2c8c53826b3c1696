"""Work that takes its time, off the server's loop."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from aiohttp import web

READERS = 2
"""So many readings of the store go on at once."""
_WAITING = 8


async def on_a_thread[T](work: Callable[[], T], name: str = "request") -> T:
    """Work on a thread of its own, for which neither others nor the end of the process wait."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def run() -> None:
        try:
            told = partial(_give, answer, work())
        except BaseException as error:  # noqa: BLE001 - it is raised where it was asked
            told = partial(_fail, answer, error)
        with suppress(RuntimeError):  # the server has ended
            loop.call_soon_threadsafe(told)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await answer


def _give[T](future: asyncio.Future[T], answer: T) -> None:
    if not future.done():
        future.set_result(answer)


def _fail[T](future: asyncio.Future[T], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)


class ReadingRoom:
    """Lets in only so many who read the store, and only so many who wait for it."""

    def __init__(self) -> None:
        self._seats = asyncio.Semaphore(READERS)
        self._inside = 0

    async def read[T](self, work: Callable[[], T]) -> T:
        """Do a reading on a thread when there is a seat.

        Raises:
            HTTPServiceUnavailable: too many wait already.
        """
        if self._inside >= READERS + _WAITING:
            raise web.HTTPServiceUnavailable(
                text="too many readings of the store at once; ask again in a second"
            )
        self._inside += 1
        try:
            async with self._seats:
                return await on_a_thread(work, "store reader")
        finally:
            self._inside -= 1
