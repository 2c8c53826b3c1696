"""The enforcement lane's warm connections: which of them are free, and how many there are."""

import asyncio
import ssl
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from risk_actors.projectx.wire_connection import WireConnection
from risk_actors.projectx.wire_dial import dial, tls_context
from risk_actors.projectx.wire_exchange import Exchange
from risk_actors.projectx.wire_reader import WireReader
from risk_actors.projectx.wire_request import Target

_JOIN_S = 1.0


class WirePool:
    """Connections to one target. From any thread, where not said."""

    def __init__(
        self, target: Target, monotonic_ns: Callable[[], int], on_lost: Callable[[], None]
    ) -> None:
        """Take where they lead, the clock by which answers are timed, and who hears of a loss."""
        self._target = target
        self._monotonic_ns = monotonic_ns
        self._on_lost = on_lost
        self._reader = WireReader("gateway wires")
        self._context: ssl.SSLContext | None = None
        self._free: deque[WireConnection] = deque()
        """The one that was used last is at the right."""
        self._all: set[WireConnection] = set()
        self._lock = threading.Lock()
        """For `_all` and `_is_closed`; sending does without it."""
        self._is_closed = False

    def open(self) -> None:
        """Begin to read; there are no connections yet."""
        self._reader.start()

    def close(self) -> None:
        """Close all connections and end the thread."""
        with self._lock:
            self._is_closed = True
            connections = tuple(self._all)
        for connection in connections:
            connection.give_up()
        self._reader.stop(_JOIN_S)

    @property
    def count(self) -> int:
        """How many connections there are, free or not."""
        return len(self._all)

    def send(
        self, exchange: Exchange, request: bytes, *, is_ping: bool = False
    ) -> WireConnection | None:
        """Send a request at once over a connection that is free; never waits.

        A command takes the connection that was used last, a ping the one that has rested longest.

        Returns:
            The connection; None when nothing has left: there is none that is free.
        """
        passed_by: list[WireConnection] = []
        try:
            while True:
                try:
                    connection = self._free.popleft() if is_ping else self._free.pop()
                except IndexError:
                    return None
                if connection.send(exchange, request):
                    return connection
                if connection.is_usable:
                    passed_by.append(connection)
        finally:
            self._free.extendleft(passed_by)

    async def connect(self, timeout_s: float) -> None:
        """Add a connection; a thread of its own waits for it, which holds up no end of the program.

        Raises:
            OSError: there is no connection.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def tell(error: Exception | None) -> None:
            if done.done():
                return
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

        def work() -> None:
            error: Exception | None = None
            try:
                self._connect(timeout_s)
            except Exception as failed:  # noqa: BLE001 -- it is raised where it is waited for
                error = failed
            with suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(tell, error)

        threading.Thread(target=work, name="gateway dial", daemon=True).start()
        await done

    def give_up_free(self) -> None:
        """Close those that rest: one was found dead, and they may be too."""
        for connection in tuple(self._free):
            connection.give_up_while(None)

    def _connect(self, timeout_s: float) -> None:
        if self._target.is_tls and self._context is None:
            self._context = tls_context()
        sock = dial(self._target, self._context, timeout_s)
        connection = WireConnection(
            sock, self._reader, self._monotonic_ns, self._free.append, self._lost
        )
        with self._lock:
            if self._is_closed:
                sock.close()
                return
            self._all.add(connection)
            connection.begin()
        self._free.appendleft(connection)

    def _lost(self, connection: WireConnection) -> None:
        with self._lock:
            self._all.discard(connection)
        with suppress(ValueError):  # it was carrying a request
            self._free.remove(connection)
        self._on_lost()
