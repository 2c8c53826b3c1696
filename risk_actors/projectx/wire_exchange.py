"""One request on its way and the answer to it, told to the event loop."""

import asyncio
from contextlib import suppress

from risk_actors.projectx.wire_answer import AnswerReader, UnreadableAnswerError, WireAnswer

type Result = WireAnswer | EOFError | OSError | UnreadableAnswerError
"""An answer, or why there is none."""


class Exchange:
    """Made by whoever sends, fed by the wires' thread, awaited on the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take the loop on which the answer is awaited."""
        self._loop = loop
        self._result: Result | None = None
        self._waiting: asyncio.Event | None = None
        self._reader: AnswerReader | None = None

    def take(self, piece: bytes, now_ns: int) -> WireAnswer | None:
        """Take the next bytes of the answer; as `AnswerReader.feed`. For the wires' thread."""
        if self._reader is None:
            self._reader = AnswerReader()
        return self._reader.feed(piece, now_ns)

    def end(self, result: Result) -> None:
        """Take what came of it. From any thread, once."""
        with suppress(RuntimeError):  # the loop has ended, and with it whoever waits
            self._loop.call_soon_threadsafe(self._settle, result)

    async def result(self, until_s: float) -> WireAnswer:
        """Wait for the answer until an instant of the loop's clock. On the loop, by one only.

        Raises:
            TimeoutError: it has not come in time.
            EOFError, OSError, UnreadableAnswerError: none will come.
        """
        if self._result is None:
            self._waiting = asyncio.Event()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(until_s):
                    await self._waiting.wait()
        if self._result is None:
            raise TimeoutError("no answer in time")
        if not isinstance(self._result, WireAnswer):
            raise self._result
        return self._result

    def _settle(self, result: Result) -> None:
        self._result = result
        if self._waiting is not None:
            self._waiting.set()
