"""A WebSocket whose messages are handed over as they are read from the socket.

The library's own way puts each message into a queue and wakes a task, one turn of the event loop
later; here the bytes are handed to a function on the spot. Everything else is the library's: TLS,
proxies, pings both ways, bounds and the goodbye.
"""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from loguru import logger
from websockets.asyncio.client import ClientConnection, connect
from websockets.frames import Frame, Opcode
from websockets.protocol import Event

from risk_actors.projectx.lean_frames import MAX_RECORD

USER_AGENT = "risk-actors"
PING_EVERY_S = 5.0
PONG_WITHIN_S = 5.0
"""A peer that is silent for both together is dead."""
_OPEN_WITHIN_S = 5.0
_CLOSE_WITHIN_S = 1.0

_SILENT = logging.getLogger("websockets.lean")
_SILENT.addHandler(logging.NullHandler())
_SILENT.setLevel(logging.CRITICAL)
"""The library's records hold the address, and that the token; our own words say what is amiss."""

type OnData = Callable[[bytes | bytearray | memoryview], None]
_DATA = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)


class LeanConnection(ClientConnection):
    """The library's connection, which gives its data away at once and keeps none."""

    def __init__(self, on_data: OnData, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._on_data = on_data

    def process_event(self, event: Event) -> None:
        """Hand data over; leave all else to the library."""
        if isinstance(event, Frame) and event.opcode in _DATA and self.response is not None:
            try:
                self._on_data(event.data)
            except Exception:  # noqa: BLE001 -- leaving this function would end the connection
                logger.exception("What a hub sent could not be handled")
        else:
            super().process_event(event)


async def open_connection(address: str, on_data: OnData) -> ClientConnection:
    """Return an open WebSocket.

    Raises:
        Exception: whatever stood in the way; see `errors_text`. Its text may hold the token.
    """
    return await connect(
        address,
        create_connection=cast("Any", partial(LeanConnection, on_data)),
        compression=None,
        max_size=MAX_RECORD,
        ping_interval=PING_EVERY_S,
        ping_timeout=PONG_WITHIN_S,
        open_timeout=_OPEN_WITHIN_S,
        close_timeout=_CLOSE_WITHIN_S,
        user_agent_header=USER_AGENT,
        logger=_SILENT,
    )
