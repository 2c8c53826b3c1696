"""A SignalR hub: negotiate, WebSocket upgrade, and delivery to those subscribed.

As ASP.NET does, a connection id is good for one socket: an id that is unknown, or whose socket
has closed, gets 404. A socket without an id is taken too (clients that skip negotiation).
"""

import uuid
from collections.abc import Callable
from http import HTTPStatus
from random import Random
from typing import Any

from aiohttp import web

from risk_actors.simulator import signalr
from risk_actors.simulator.connection import Connection, Topic
from risk_actors.simulator.faults import Faults
from risk_actors.simulator.rest import bearer

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

    def routes(self) -> list[web.RouteDef]:
        """Return the hub's two routes."""
        path = f"/hubs/{self.name}"
        return [web.post(f"{path}/negotiate", self._negotiate), web.get(path, self._connect)]

    @property
    def connection_count(self) -> int:
        """Return how many sockets are open."""
        return len(self._connections)

    def subscriber_count(self, topic: Topic) -> int:
        """Return how many connections are subscribed to a topic."""
        return sum(topic in connection.topics for connection in self._connections)

    def publish(self, topic: Topic, target: str, arguments: list[Any], *, delay_ns: int = 0) -> int:
        """Queue an event for every subscriber and return how many there are."""
        receivers = [c for c in self._connections if topic in c.topics]
        if not receivers or self._faults.take_drop(target):
            return 0
        text = signalr.invocation(target, arguments)
        for connection in receivers:
            connection.send(text, after_s=delay_ns / _NS_PER_S)
        return len(receivers)

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

    async def _negotiate(self, request: web.Request) -> web.Response:
        refusal = self._faults.take_negotiate(self.name)
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

    def _new_id(self) -> str:
        return uuid.UUID(int=self._rng.getrandbits(128), version=4).hex[:22]

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        if not self._authorised(bearer(request)):
            return web.Response(status=HTTPStatus.UNAUTHORIZED)
        connection_id = request.query.get("id")
        if connection_id is not None:
            if connection_id in self._taken:
                return web.Response(status=HTTPStatus.CONFLICT)
            if connection_id not in self._ids:
                return web.Response(status=HTTPStatus.NOT_FOUND)
        socket = web.WebSocketResponse(max_msg_size=_MAX_MESSAGE)
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
        connection = Connection(
            socket,
            request.transport,
            self._topic_of,
            keepalive_s=self._keepalive_s,
            client_timeout_s=self._client_timeout_s,
        )
        try:
            await socket.prepare(request)
            self._connections.add(connection)
            await connection.serve()
        finally:
            self._connections.discard(connection)
            if connection_id is not None:
                self._taken.discard(connection_id)
