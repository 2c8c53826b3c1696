"""The port that the gateway listens on, which it can leave for a while."""

import asyncio

from aiohttp import web

from risk_actors.simulator.faults_rest import RefuseConnections

_SHUTDOWN_S = 1.0
_LAST_WORDS_S = 0.05
"""Time for the answer to the request that shut the door."""


class Door:
    """Listens on one port, and can refuse connections and drop those there are."""

    def __init__(self, host: str) -> None:
        self.port = 0
        """The port, once it has listened."""
        self._host = host
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self._shut = 0
        self._turning = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    async def listen(self, app: web.Application, port: int) -> None:
        """Serve an app; port 0 takes a free one.

        Raises:
            OSError: the port is taken.
        """
        # A client that goes away cancels its handler: nothing may hang on for it.
        self._runner = web.AppRunner(
            app, handler_cancellation=True, access_log=None, shutdown_timeout=_SHUTDOWN_S
        )
        await self._runner.setup()
        self.port = port
        await self._open()
        self.port = self._runner.addresses[0][1]

    async def close(self) -> None:
        """Stop listening, and end every connection and its handler."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._runner is not None:
            await self._runner.cleanup()
        self._runner = self._site = None
        self._shut = 0

    def shut(self, fault: RefuseConnections) -> None:
        """Refuse connections from now on."""
        self._shut += 1
        self._spawn(fault)

    def open_again(self, fault: RefuseConnections) -> None:
        """Listen again, unless another fault still keeps the door shut."""
        self._shut -= 1
        self._spawn(fault)

    def _spawn(self, fault: RefuseConnections) -> None:
        task = asyncio.create_task(self._turn(fault))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _turn(self, fault: RefuseConnections) -> None:
        """Bring the port to what is wanted by now."""
        async with self._turning:
            if not self._shut:
                if self._site is None:
                    await self._open()
                return
            if self._site is not None:
                await self._site.stop()
                self._site = None
            if fault.cut_open:
                await asyncio.sleep(_LAST_WORDS_S)
                self._drop_connections()

    async def _open(self) -> None:
        if self._runner is not None:
            self._site = web.TCPSite(self._runner, self._host, self.port)
            await self._site.start()

    def _drop_connections(self) -> None:
        server = self._runner.server if self._runner is not None else None
        for connection in list(server.connections) if server is not None else []:
            if connection.transport is not None:
                connection.transport.abort()
