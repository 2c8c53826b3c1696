"""A SignalR hub: negotiate, WebSocket upgrade, and delivery to those subscribed.

As ASP.NET does, a connection id is good for one socket: an id that is unknown, or whose socket
has closed, gets 404. A socket without an id is taken too (clients that skip negotiation).
"""

import asyncio
import contextlib
import uuid
from collections.abc import Callable
from http import HTTPStatus
from random import Random
from typing import Any

from aiohttp import web

from risk_actors.simulator import signalr
from risk_actors.simulator.connection import Connection, Topic
from risk_actors.simulator.fault_base import AnyFault, is_named
from risk_actors.simulator.faults import (
    DeafHub,
    Faults,
    FreezeHub,
    HangNegotiate,
    HubDown,
    IgnoreSubscriptions,
    SlowHandshake,
)
from risk_actors.simulator.rest import bearer
from risk_actors.simulator.stream import Stream

_MAX_MESSAGE = 1 << 20
_TRANSPORTS = [{"transport": "WebSockets", "transferFormats": ["Text", "Binary"]}]
_NS_PER_S = 1_000_000_000


class Hub:
    """One of the two hubs."""

    def __init__(
        self,
        name: str,
        *,
        topic_of: Callable[[str, list[Any]], Topic],
        authorised: Callable[[str | None], bool],
        faults: Faults,
        rng: Random,
        keepalive_s: float,
        client_timeout_s: float,
    ) -> None:
        """Name the hub (`user`, `market`) and say who may connect and what they may call."""
        self.name = name
        self._topic_of = topic_of
        self._authorised = authorised
        self._faults = faults
        self._rng = rng
        self._keepalive_s = keepalive_s
        self._client_timeout_s = client_timeout_s
        self._ids: set[str] = set()
        self._taken: set[str] = set()
        self._connections: set[Connection] = set()
        self._stopping = asyncio.Event()
        self.on_write: Callable[[str], None] = lambda _text: None
        """Told each text right before it goes to a socket; to be set before sockets open."""
        self.stream = Stream(faults, self._deliver, lambda topic: bool(self._receivers(topic)))
        """The way of its events, on which some may wait."""

    def routes(self) -> list[web.RouteDef]:
        """Return the hub's two routes."""
        path = f"/hubs/{self.name}"
        return [web.post(f"{path}/negotiate", self._negotiate), web.get(path, self._connect)]

    @property
    def connection_count(self) -> int:
        """Return how many sockets are open."""
        return len(self._connections)

    def subscribers(self, topic: Topic) -> list[Connection]:
        """Return the connections that are subscribed to a topic."""
        return [connection for connection in self._connections if topic in connection.topics]

    def subscriber_count(self, topic: Topic) -> int:
        """Return how many connections are subscribed to a topic."""
        return len(self.subscribers(topic))

    def publish(self, topic: Topic, target: str, arguments: list[Any], *, delay_ns: int = 0) -> int:
        """Queue an event for every subscriber and return how many there are."""
        return self.stream.send(topic, target, arguments, delay_ns)

    def start(self) -> None:
        """Be ready for connections."""
        self._stopping.clear()

    def stop(self) -> None:
        """Let go of every request that waits, and drop every socket."""
        self._stopping.set()
        self.cut()

    def deafen(self, fault: DeafHub, *, ends: bool = False) -> None:
        """Deliver nothing to the sockets open now; or do so again."""
        for connection in self._connections:
            _switch(connection.deafness, fault, ends=ends)

    def freeze(self, fault: FreezeHub, *, ends: bool = False) -> None:
        """Leave the sockets open now half-open; or hear and speak again."""
        for connection in self._connections:
            (connection.thaw if ends else connection.freeze)(fault)

    def cut(self) -> None:
        """Drop every socket with no goodbye."""
        for connection in self._connections:
            connection.cut()

    def close(self, error: str | None = None) -> None:
        """End every socket with a SignalR close message, as a deploy does."""
        for connection in self._connections:
            connection.close(error)

    def log_out(self) -> None:
        """Send `GatewayLogout` to every socket, subscribed or not."""
        for connection in self._connections:
            connection.send(signalr.invocation("GatewayLogout", []))

    def _receivers(self, topic: Topic) -> list[Connection]:
        return [c for c in self._connections if topic in c.topics and not c.deafness]

    def _deliver(self, topic: Topic, text: str, delay_ns: int) -> int:
        receivers = self._receivers(topic)
        for connection in receivers:
            connection.send(text, after_s=delay_ns / _NS_PER_S)
        return len(receivers)

    def _down(self) -> HubDown | None:
        downs = [f for f in self._faults.active(HubDown) if is_named(f.hub, self.name)]
        return downs[0] if downs else None

    async def _negotiate(self, request: web.Request) -> web.Response:
        hang = self._faults.take_one(HangNegotiate, lambda fault: is_named(fault.hub, self.name))
        if hang is not None:
            await self._wait(hang.delay_s)
        down = self._down()
        refusal = down.status if down else self._faults.take_negotiate(self.name)
        if refusal is not None:
            return web.Response(status=refusal)
        if not self._authorised(bearer(request)):
            return web.Response(status=HTTPStatus.UNAUTHORIZED)
        public_id, token = self._new_id(), self._new_id()
        if request.query.get("negotiateVersion", "0") == "0":
            self._ids.add(public_id)
            return web.json_response(
                {"connectionId": public_id, "availableTransports": _TRANSPORTS}
            )
        self._ids.add(token)
        return web.json_response(
            {
                "negotiateVersion": 1,
                "connectionId": public_id,
                "connectionToken": token,
                "availableTransports": _TRANSPORTS,
            }
        )

    async def _wait(self, delay_s: float | None) -> None:
        """Wait so long, or, with None, until the server stops."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(delay_s):
                await self._stopping.wait()

    def _new_id(self) -> str:
        return uuid.UUID(int=self._rng.getrandbits(128), version=4).hex[:22]

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        down = self._down()
        if down is not None:
            return web.Response(status=down.upgrade_status or down.status)
        if not self._authorised(bearer(request)):
            return web.Response(status=HTTPStatus.UNAUTHORIZED)
        connection_id = request.query.get("id")
        if connection_id is not None:
            if connection_id in self._taken:
                return web.Response(status=HTTPStatus.CONFLICT)
            if connection_id not in self._ids:
                return web.Response(status=HTTPStatus.NOT_FOUND)
        # It answers pings and goodbyes itself, so that it can also leave them unanswered.
        # Nor does it compress, as the real server's WebSockets do not.
        socket = web.WebSocketResponse(
            max_msg_size=_MAX_MESSAGE, autoping=False, autoclose=False, compress=False
        )
        if not socket.can_prepare(request):
            return web.Response(status=HTTPStatus.BAD_REQUEST)
        await self._serve(socket, request, connection_id)
        return socket

    async def _serve(
        self, socket: web.WebSocketResponse, request: web.Request, connection_id: str | None
    ) -> None:
        if connection_id is not None:
            self._ids.discard(connection_id)
            self._taken.add(connection_id)
        slow = self._faults.take_one(SlowHandshake, lambda fault: is_named(fault.hub, self.name))
        connection = Connection(
            socket,
            request.transport,
            self._topic_of,
            keepalive_s=self._keepalive_s,
            client_timeout_s=self._client_timeout_s,
            ignores=self._ignores_subscription,
            handshake_after_s=0.0 if slow is None else slow.delay_s,
            on_write=self.on_write,
        )
        for deaf in self._faults.active(DeafHub):
            if deaf.new_too and is_named(deaf.hub, self.name):
                connection.deafness.append(deaf)
        for frozen in self._faults.active(FreezeHub):
            if frozen.new_too and is_named(frozen.hub, self.name):
                connection.freeze(frozen)
        try:
            await socket.prepare(request)
            self._connections.add(connection)
            await connection.serve()
        finally:
            self._connections.discard(connection)
            if connection_id is not None:
                self._taken.discard(connection_id)

    def _ignores_subscription(self) -> bool:
        fault = self._faults.take_one(
            IgnoreSubscriptions, lambda fault: is_named(fault.hub, self.name)
        )
        return fault is not None


def _switch(faults: list[AnyFault], fault: AnyFault, *, ends: bool) -> None:
    if not ends:
        faults.append(fault)
    elif fault in faults:
        faults.remove(fault)
