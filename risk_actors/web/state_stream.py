"""The picture as bytes, and as a stream of Server-Sent Events."""

import asyncio
from collections.abc import Callable

import msgspec
from aiohttp import web
from loguru import logger

from risk_actors.actors.picture import Picture

_MIN_INTERVAL_S = 0.25
"""At most four states a second, however fast prices move."""
_PING_EVERY_S = 15.0
_MAX_CLIENTS = 16
_WRITE_TIMEOUT_S = 10.0


class StateStream:
    """Encodes each picture once, whoever asks, and sends it to those who listen."""

    def __init__(self, picture: Callable[[], Picture], ping_every_s: float = _PING_EVERY_S) -> None:
        self._picture = picture
        self._ping_every_s = ping_every_s
        self._last: tuple[Picture, bytes] | None = None
        self._closed = asyncio.Event()
        self._is_blind = False
        self._clients = 0

    def encoded(self) -> bytes:
        """Return the present picture as JSON."""
        picture = self._picture()
        if self._last is None or self._last[0] is not picture:
            self._last = (picture, msgspec.json.encode(picture))
        return self._last[1]

    def _encoded_or(self, last: bytes) -> bytes:
        """Return the present picture; what was sent last where it cannot be read."""
        try:
            state = self.encoded()
        except Exception as error:  # noqa: BLE001 - the stream goes on; the log says why
            if not self._is_blind:
                logger.error("web: the picture cannot be shown: {!r}", error)
            self._is_blind = True
            return last
        self._is_blind = False
        return state

    def close(self) -> None:
        """End every stream; called on the server's loop."""
        self._closed.set()

    async def wait_closed(self) -> None:
        """Return once `close` was called."""
        await self._closed.wait()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer `GET /api/events`: the state now, then whenever it changed."""
        if self._clients >= _MAX_CLIENTS:
            raise web.HTTPServiceUnavailable(text="too many listeners")
        self._clients += 1
        try:
            return await self._send(request)
        finally:
            self._clients -= 1

    async def _send(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",
            }
        )
        await response.prepare(request)
        loop = asyncio.get_running_loop()
        sent, sent_at = b"", loop.time()
        while not self._closed.is_set():
            state = self._encoded_or(sent)
            try:
                # A listener that reads nothing must not keep its place for ever.
                async with asyncio.timeout(_WRITE_TIMEOUT_S):
                    if state != sent:
                        await response.write(b"data: " + state + b"\n\n")
                        sent, sent_at = state, loop.time()
                    elif loop.time() - sent_at >= self._ping_every_s:
                        await response.write(b": ping\n\n")
                        sent_at = loop.time()
            except (ConnectionError, TimeoutError):
                break
            await self._pause()
        return response

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(_MIN_INTERVAL_S):
                await self._closed.wait()
        except TimeoutError:
            return
