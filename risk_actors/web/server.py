"""The HTTP server: a thread of its own with its own event loop, on this machine's loopback.

It reads the picture that the view actor replaces as a whole, so that it takes no lock and asks no
actor anything; what it can send are the trader's own requests.
"""

import asyncio
import contextlib
import ipaddress
import threading
from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web
from loguru import logger

from risk_actors.actors.picture import Picture
from risk_actors.actors.trader_requests import TraderRequests
from risk_actors.web.guard import JSON, Handler, error_response, errors_as_json, refusal
from risk_actors.web.state_stream import StateStream
from risk_actors.web.trader import TraderRoutes

_START_TIMEOUT_S = 10.0
_STOP_TIMEOUT_S = 3.0
_DRAIN_TIMEOUT_S = 0.5
_MAX_BODY_BYTES = 4096


class WebError(Exception):
    """The server could not be started; the text says why and what to do."""


class WebServer:
    """Serves state, topology, events and health, and takes the trader's requests."""

    def __init__(
        self,
        *,
        picture: Callable[[], Picture],
        topology: Callable[[], dict[str, Any]],
        requests: TraderRequests,
        host: str = "127.0.0.1",
        port: int = 8787,
    ) -> None:
        """Prepare the server.

        Args:
            picture: returns the present picture; called on the server's thread.
            topology: returns what `GET /api/topology` shows, made of JSON's own types.
            requests: takes what the trader asks; called on worker threads.
            host: a loopback address.
            port: 0 takes a free one; so does a port that cannot be had.
        """
        self._picture = picture
        self._topology = topology
        self._trader = TraderRoutes(requests)
        self._host = host
        self._port = port
        self._stream = StateStream(picture)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._started = threading.Event()
        self._fault: BaseException | None = None

    def start(self) -> int:
        """Bind and serve; return the port, which is another one when the asked one is taken.

        Raises:
            WebError: the host is not this machine's loopback, or has no free port at all.
        """
        if not _is_loopback(self._host):
            raise WebError(f"{self._host} is reachable from outside; serve 127.0.0.1 only")
        self._thread = threading.Thread(target=self._run, name="web", daemon=True)
        self._thread.start()
        if not self._started.wait(_START_TIMEOUT_S):
            raise WebError("the HTTP server did not start in time")
        if self._fault is not None:
            self._thread.join(_STOP_TIMEOUT_S)
            raise WebError(
                f"cannot serve on {self._host} ({self._fault}); see `host` in [web] of app.toml"
            ) from self._fault
        return self._port

    def stop(self) -> None:
        """End open streams and close the port; safe to call twice."""
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        with contextlib.suppress(RuntimeError):  # the loop has already ended
            loop.call_soon_threadsafe(self._stream.close)
        thread.join(_STOP_TIMEOUT_S)
        if thread.is_alive():
            logger.warning("web: the server did not end in time")

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except OSError as error:
            self._fault = error
        finally:
            self._started.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        runner = web.AppRunner(
            self._application(), access_log=None, shutdown_timeout=_DRAIN_TIMEOUT_S
        )
        await runner.setup()
        try:
            await self._bind(runner)
            self._port = runner.addresses[0][1]
            self._started.set()
            await self._stream.wait_closed()
        finally:
            await runner.cleanup()

    async def _bind(self, runner: web.AppRunner) -> None:
        """Take the asked port, or any free one: a taken port must not keep the guard from work."""
        try:
            await web.TCPSite(runner, self._host, self._port).start()
        except OSError as error:
            if self._port == 0:
                raise
            await web.TCPSite(runner, self._host, 0).start()
            logger.warning(
                "HTTP port {} cannot be had ({}); serving on the free port {} instead",
                self._port,
                error.strerror or error,
                runner.addresses[0][1],
            )

    def _application(self) -> web.Application:
        application = web.Application(
            middlewares=[errors_as_json, self._refuse_strangers], client_max_size=_MAX_BODY_BYTES
        )
        application.add_routes(
            [
                web.get("/api/state", self._get_state),
                web.get("/api/topology", self._get_topology),
                web.get("/api/events", self._stream.serve),
                web.get("/livez", self._get_livez),
                web.get("/readyz", self._get_readyz),
                *self._trader.routes(),
            ]
        )
        return application

    @web.middleware
    async def _refuse_strangers(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        reason = refusal(request, self._port)
        return await handler(request) if reason is None else error_response(403, reason)

    async def _get_state(self, _: web.Request) -> web.Response:
        return web.Response(body=self._stream.encoded(), content_type=JSON)

    async def _get_topology(self, _: web.Request) -> web.Response:
        return web.Response(body=msgspec.json.encode(self._topology()), content_type=JSON)

    async def _get_livez(self, _: web.Request) -> web.Response:
        return web.json_response({"alive": True})

    async def _get_readyz(self, _: web.Request) -> web.Response:
        """Ready means guarding: connected, reconciled, nothing failed."""
        picture = self._picture()
        is_ready = picture.phase == "armed"
        return web.json_response(
            {"ready": is_ready, "phase": picture.phase, "reason": picture.detail},
            status=200 if is_ready else 503,
        )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
