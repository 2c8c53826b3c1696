"""The HTTP server: a thread of its own with its own event loop, on this machine's loopback.

It reads the picture that the view actor replaces as a whole, so that it takes no lock and asks no
actor anything; what it can send are the trader's own requests. What is in the store is read on
worker threads, by connections that cannot write.
"""

import asyncio
import contextlib
import os
import secrets
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web
from loguru import logger

from risk_actors.actors.picture import Picture
from risk_actors.actors.trader_requests import TraderRequests
from risk_actors.web import pages
from risk_actors.web.audit import AuditRoutes
from risk_actors.web.connections import Door, say_once
from risk_actors.web.guard import (
    JSON,
    Addresses,
    Handler,
    add_headers,
    error_response,
    errors_as_json,
    is_loopback,
    token_in_address,
)
from risk_actors.web.history import HistoryRoutes, StoreReader
from risk_actors.web.message_schema import message_schema
from risk_actors.web.metrics import KINDS, MetricsRoutes
from risk_actors.web.metrics_source import MetricsSource
from risk_actors.web.openapi import describe
from risk_actors.web.routes import RUN_PATH, Route, answer_json, definitions
from risk_actors.web.shapes import Alive, Ready, RunAnswer, StateAnswer, TopologyAnswer
from risk_actors.web.state_stream import StateStream
from risk_actors.web.tokens import TokenGate
from risk_actors.web.trader import TraderRoutes

_START_TIMEOUT_S = 10.0
_STOP_TIMEOUT_S = 3.0
_DRAIN_TIMEOUT_S = 0.5
_MAX_BODY_BYTES = 4096
_IDLE_S = 15.0
"""A connection that has asked before and has not sent another request by then is closed."""
_LINGER_S = 2.0
"""So long the rest of a body is waited for that nobody reads."""


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
        data_dir: Path | None = None,
        token: str | None = None,
        shown: Callable[[], Picture] | None = None,
        metrics: MetricsSource | None = None,
        wrong: Callable[[], Sequence[str]] = tuple,
        stale: Callable[[], Sequence[str]] = tuple,
        run: str | None = None,
    ) -> None:
        """Prepare the server.

        Args:
            picture: returns the present picture; called on the server's thread.
            topology: returns what `GET /api/topology` shows, made of JSON's own types.
            requests: takes what the trader asks; called on worker threads.
            host: a loopback address, or any other where there is a token.
            port: 0 takes a free one; so does a port that cannot be had.
            data_dir: where the store is; without it there is no history.
            token: what everybody must have who asks for anything.
            shown: returns the picture without headroom, for which no rule is asked; it is looked at
                each second.
            metrics: what `GET /metrics` shows; without it there is none.
            wrong: returns what is wrong with the process, in words; nothing while protection is at
                work in it. Called on the server's thread.
            stale: returns why the picture may be old, in words; nothing while it is painted.
            run: the id of this run of the guard; one is made up where none is given.
        """
        self._picture = picture
        self._topology = topology
        self._gate = None if token is None else TokenGate(token)
        store = StoreReader(data_dir)
        self._history = HistoryRoutes(shown or picture, store)
        self._audit = AuditRoutes(store)
        self._trader = TraderRoutes(requests, lambda: _is_blind(shown or picture))
        self._metrics = () if metrics is None else MetricsRoutes(metrics).routes()
        self._wrong = wrong
        self._stale = stale
        self._host = host
        self._port = port
        self._addresses = Addresses(host, port)
        self._run_id = run or secrets.token_hex(16)
        self._stream = StateStream(picture, self._run_id)
        self._door: Door | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._started = threading.Event()
        self._fault: BaseException | None = None

    def start(self) -> int:
        """Bind and serve; return the port, which is another one when the asked one is taken.

        Raises:
            WebError: the host can be reached from outside and there is no token, or it has no free
                port at all.
        """
        if self._gate is None and not is_loopback(self._host):
            raise WebError(
                f"{self._host or 'every address of this machine'} is reachable from outside, and"
                " there is no token to keep others out; set `host` in [web] of app.toml to"
                " 127.0.0.1, or give a token by `token_file` there or by RISK_ACTORS_WEB_TOKEN"
            )
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
        self._loop.set_exception_handler(say_once())
        runner = web.AppRunner(
            self._application(),
            access_log=None,
            shutdown_timeout=_DRAIN_TIMEOUT_S,
            keepalive_timeout=_IDLE_S,
            lingering_time=_LINGER_S,
        )
        await runner.setup()
        watching = asyncio.create_task(self._history.watch())
        bound: asyncio.Server | None = None
        try:
            assert runner.server is not None  # noqa: S101 - it is there once it is set up
            self._door = Door(runner.server)
            bound = await self._bind(self._door)
            self._port = _port_of(bound)
            self._addresses = Addresses(self._host, self._port)
            self._started.set()
            await self._stream.wait_closed()
        finally:
            watching.cancel()
            if bound is not None:
                bound.close()
            await runner.cleanup()

    async def _bind(self, door: Door) -> asyncio.Server:
        """Take the asked port, or any free one: a taken port must not keep the guard from work."""
        loop = asyncio.get_running_loop()
        try:
            return await loop.create_server(door.protocol, self._host, self._port)
        except OSError as error:
            if self._port == 0:
                raise
            bound = await loop.create_server(door.protocol, self._host, 0)
            logger.warning(
                "HTTP port {} cannot be had ({}); serving on the free port {} instead",
                self._port,
                error.strerror or error,
                _port_of(bound),
            )
            return bound

    def routes(self) -> tuple[Route, ...]:
        """Return the table of all that is served but the pages."""
        return (
            Route(
                "GET", "/api/state", self._get_state, "How everything stands", {200: StateAnswer}
            ),
            Route(
                "GET",
                "/api/topology",
                self._get_topology,
                "The actors that run, and who tells whom what",
                {200: TopologyAnswer},
            ),
            Route(
                "GET",
                "/api/events",
                self._stream.serve,
                "The state now and whenever it changes, as Server-Sent Events",
                {200: "text/event-stream"},
                is_stream=True,
            ),
            Route(
                "GET",
                RUN_PATH,
                self._get_run,
                "Which run of the guard answers here; asked before a token is sent",
                {200: RunAnswer},
                needs_token=False,
            ),
            *self._history.routes(),
            *self._audit.routes(),
            *self._trader.routes(),
            Route(
                "GET",
                "/api/schema/messages",
                self._get_message_schema,
                "JSON Schema of every message between actors",
                {200: None},
            ),
            Route("GET", "/openapi.json", self._get_openapi, "This description", {200: None}),
            Route(
                "GET",
                "/livez",
                self._get_livez,
                "Whether the process does without a restart",
                {200: Alive, 503: Alive},
            ),
            Route(
                "GET",
                "/readyz",
                self._get_readyz,
                "Whether the guard guards",
                {200: Ready, 503: Ready},
            ),
            *(
                Route("GET", each.path, each.handler, "Figures for Prometheus", {200: KINDS})
                for each in self._metrics
            ),
            *(() if self._gate is None else self._gate.routes()),
        )

    def _application(self) -> web.Application:
        application = web.Application(
            middlewares=[errors_as_json, self._refuse_strangers], client_max_size=_MAX_BODY_BYTES
        )
        application.on_response_prepare.append(add_headers)
        application.add_routes(definitions(self.routes()))
        pages.add_to(application)
        return application

    @web.middleware
    async def _refuse_strangers(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if self._door is not None:
            self._door.has_asked(request.transport)
        reason = self._addresses.refusal(request)
        if reason is not None:
            return error_response(403, reason)
        reason = token_in_address(request)
        if reason is not None:
            return error_response(400, reason)
        return await (
            handler(request) if self._gate is None else self._gate.serve(request, handler)
        )

    async def _get_state(self, _: web.Request) -> web.Response:
        response = web.Response(body=self._stream.encoded(), content_type=JSON)
        response.enable_compression()
        return response

    async def _get_run(self, _: web.Request) -> web.Response:
        return answer_json(RunAnswer(run=self._run_id, pid=os.getpid()))

    async def _get_topology(self, _: web.Request) -> web.Response:
        return answer_json(self._topology())

    async def _get_message_schema(self, _: web.Request) -> web.Response:
        return answer_json(message_schema())

    async def _get_openapi(self, _: web.Request) -> web.Response:
        return answer_json(describe(self.routes(), has_token=self._gate is not None))

    async def _get_livez(self, _: web.Request) -> web.Response:
        """Alive means that nothing is wrong that only a restart of the process can mend."""
        wrong = self._wrong()
        if wrong:
            return answer_json(Alive(alive=False, reason="; ".join(wrong)), 503)
        return answer_json(Alive(alive=True))

    async def _get_readyz(self, _: web.Request) -> web.Response:
        """Ready means guarding: connected, reconciled, nothing failed."""
        picture, wrong = self._picture(), (*self._wrong(), *self._stale())
        is_ready = picture.phase == "armed" and not wrong
        reason = "; ".join(wrong) if wrong else picture.detail
        ready = Ready(ready=is_ready, phase=picture.phase, reason=reason)
        return answer_json(ready, 200 if is_ready else 503)


def _is_blind(picture: Callable[[], Picture]) -> bool:
    """Tell whether nothing can be seen or closed; where that is not known, the worse is taken."""
    try:
        return picture().connection.is_blind
    except Exception as error:  # noqa: BLE001 - what was asked for is taken all the same
        logger.error("web: whether anything can be closed is not known: {!r}", error)
        return True


def _port_of(bound: asyncio.Server) -> int:
    port: int = bound.sockets[0].getsockname()[1]
    return port
