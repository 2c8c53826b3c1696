"""How many connections are held at once, and for how long one that has asked nothing.

Each takes a file descriptor from the process that guards, which needs them for the broker and for
its store. Without a limit, whoever reaches the port could take them all with half a request each.
"""

import asyncio
from collections.abc import Callable
from typing import Any, cast

from aiohttp import web
from loguru import logger

MOST_OPEN = 100
MOST_FROM_ELSEWHERE = 80
"""The rest is left for this machine's own commands and pages, whoever crowds in from outside."""
FIRST_REQUEST_S = 5.0
"""The head of its first request must be here by then; later ones may take longer to come."""
_SAY_AGAIN_AFTER_S = 60.0
_NO_DESCRIPTOR = "socket.accept() out of system resource"
"""How asyncio calls it, up to a hundred times a second."""


class Door:
    """Lets connections in to the server behind it, or closes them at once."""

    def __init__(self, server: web.Server) -> None:
        self._server = server
        self._waiting: dict[asyncio.BaseTransport, asyncio.TimerHandle] = {}
        """Those that have not asked anything yet, with what will end them."""

    def protocol(self) -> asyncio.Protocol:
        """Return what meets a new connection; it is counted when it stands, not before."""
        return _Entering(self._enter)

    def has_asked(self, transport: asyncio.BaseTransport | None) -> None:
        """Take note that the head of a request came whole."""
        ending = None if transport is None else self._waiting.pop(transport, None)
        if ending is not None:
            ending.cancel()

    def _enter(self, transport: asyncio.Transport) -> None:
        peer, own = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
        most = MOST_OPEN if is_from_here(peer, own) else MOST_FROM_ELSEWHERE
        if len(self._server.connections) >= most:
            transport.abort()
            return
        self._forget_closed()
        handler = self._server()
        transport.set_protocol(handler)
        handler.connection_made(transport)
        loop = asyncio.get_running_loop()
        self._waiting[transport] = loop.call_later(FIRST_REQUEST_S, self._give_up, transport)

    def _give_up(self, transport: asyncio.Transport) -> None:
        self._waiting.pop(transport, None)
        transport.abort()

    def _forget_closed(self) -> None:
        for each in [each for each in self._waiting if each.is_closing()]:
            self._waiting.pop(each).cancel()


class _Entering(asyncio.Protocol):
    """Nobody yet: until it is decided whether the connection is taken."""

    def __init__(self, enter: Callable[[asyncio.Transport], None]) -> None:
        self._enter = enter

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Decide, before anything is read."""
        self._enter(cast("asyncio.Transport", transport))


def is_from_here(peer: tuple[object, ...] | None, own: tuple[object, ...] | None) -> bool:
    """Tell whether a connection comes from this machine: from the address that it was made to."""
    return peer is not None and own is not None and peer[:1] == own[:1]


def say_once() -> Callable[[asyncio.AbstractEventLoop, dict[str, Any]], None]:
    """Return a loop's handler of faults that says only once a minute that descriptors are out."""
    said_s: float | None = None

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        nonlocal said_s
        if context.get("message") != _NO_DESCRIPTOR:
            loop.default_exception_handler(context)
            return
        now_s = loop.time()
        if said_s is None or now_s - said_s >= _SAY_AGAIN_AFTER_S:
            said_s = now_s
            error = context.get("exception")
            reason = getattr(error, "strerror", None) or error
            logger.error(
                "web: no connection can be taken ({}); the process may open too few files, see"
                " `ulimit -n`",
                reason,
            )

    return handle
