"""The picture as bytes, and as a stream of Server-Sent Events.

Each answer says when it was written and by which run of the guard, so that nobody takes a state
that was long on its way for the present one, or another guard's for this one's.
"""

import asyncio
import contextlib
import socket
import time
import zlib
from collections.abc import Callable

import msgspec
from aiohttp import web
from loguru import logger

from risk_actors.actors.picture import Picture
from risk_actors.core.evidence import iso_utc

_MIN_INTERVAL_S = 0.25
"""At most four states a second, however fast prices move."""
_MAX_INTERVAL_S = 1.0
"""So long a slow line is left free after a state."""
_ALIVE_EVERY_S = 0.75
"""With the interval above, something is heard at least every second."""
_MAX_CLIENTS = 16
_WRITE_TIMEOUT_S = 10.0
_LOOK_EVERY_S = 0.02
_SEND_BUFFER_BYTES = 16_384
"""What waits in the system's buffer grows old there: it holds no more than about one state."""
_GZIP = 31
_UNREADABLE = b": the state cannot be read now\n\n"
"""A comment: it keeps the line open, and says nothing of how things stand."""


class StateStream:
    """Encodes each picture once, whoever asks, and sends it to those who listen."""

    def __init__(
        self,
        picture: Callable[[], Picture],
        run: str,
        now_ns: Callable[[], int] = time.time_ns,
        alive_every_s: float = _ALIVE_EVERY_S,
    ) -> None:
        """Prepare; `run` is the id of this run, and `now_ns` the guard's clock."""
        self._picture = picture
        self._run = run
        self._now_ns = now_ns
        self._alive_every_s = alive_every_s
        self._last: tuple[Picture, bytes] | None = None
        self._closed = asyncio.Event()
        self._is_blind = False
        self._clients = 0

    def encoded(self) -> bytes:
        """Return the present picture as JSON, with when it was told and by which run."""
        return self._stamped(self._encoded())

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
        transport = request.transport
        if transport is None:
            return response
        is_packed = "gzip" in request.headers.get("Accept-Encoding", "").lower()
        if is_packed:
            response.headers["Content-Encoding"] = "gzip"
        pack = _packer() if is_packed else _plain
        _keep_little(transport)
        await response.prepare(request)
        loop = asyncio.get_running_loop()
        sent, sent_at_s = b"", -self._alive_every_s
        while not self._closed.is_set():
            state, began_s = self._encoded_or_none(), loop.time()
            is_due = began_s - sent_at_s >= self._alive_every_s
            event = self._event(state, sent, is_due=is_due)
            if event:
                try:
                    # A listener that reads nothing must not keep its place for ever.
                    async with asyncio.timeout(_WRITE_TIMEOUT_S):
                        await response.write(pack(event))
                        await _drained(transport)
                except (ConnectionError, TimeoutError):
                    # What waits for it is old; it had better come again.
                    transport.abort()
                    break
                sent, sent_at_s = sent if state is None else state, loop.time()
            # A line that is slow is left free for a while, so that it catches up.
            took_s = loop.time() - began_s
            await self._pause(min(max(took_s, _MIN_INTERVAL_S), _MAX_INTERVAL_S))
        return response

    def _event(self, state: bytes | None, sent: bytes, *, is_due: bool) -> bytes:
        """Return what is to be sent now, nothing where that can wait.

        Only a state that is as it was sent last is said to be alive.
        """
        if state is not None and state != sent:
            return b"data: " + self._stamped(state) + b"\n\n"
        if not is_due:
            return b""
        if state is None:
            return _UNREADABLE
        return b'event: alive\ndata: {"at":"%b","run":"%b"}\n\n' % self._stamp()

    def _encoded(self) -> bytes:
        picture = self._picture()
        if self._last is None or self._last[0] is not picture:
            self._last = (picture, msgspec.json.encode(picture))
        return self._last[1]

    def _encoded_or_none(self) -> bytes | None:
        """Return the present picture without a stamp; None where it cannot be read."""
        try:
            state = self._encoded()
        except Exception as error:  # noqa: BLE001 - the stream goes on; the log says why
            if not self._is_blind:
                logger.error("web: the picture cannot be shown: {!r}", error)
            self._is_blind = True
            return None
        self._is_blind = False
        return state

    def _stamped(self, state: bytes) -> bytes:
        return b'{"at":"%b","run":"%b",' % self._stamp() + state[1:]

    def _stamp(self) -> tuple[bytes, bytes]:
        return iso_utc(self._now_ns()).encode(), self._run.encode()

    async def _pause(self, pause_s: float) -> None:
        try:
            async with asyncio.timeout(pause_s):
                await self._closed.wait()
        except TimeoutError:
            return


def _plain(event: bytes) -> bytes:
    return event


def _packer() -> Callable[[bytes], bytes]:
    """Return what packs each event so that it can be read at once.

    A state is much like the one before, so that little of it is left: a slow line keeps up.
    """
    packing = zlib.compressobj(wbits=_GZIP)
    return lambda event: packing.compress(event) + packing.flush(zlib.Z_SYNC_FLUSH)


def _keep_little(transport: asyncio.BaseTransport) -> None:
    """Keep the system from taking many states that the line cannot carry."""
    line = transport.get_extra_info("socket")
    # Where it is refused, the states are older when they arrive, and say so.
    with contextlib.suppress(OSError, AttributeError):
        line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)


async def _drained(transport: asyncio.WriteTransport) -> None:
    """Return once the system has taken all; until then a state would be encoded too early."""
    while transport.get_write_buffer_size():
        if transport.is_closing():
            raise ConnectionResetError
        await asyncio.sleep(_LOOK_EVERY_S)
