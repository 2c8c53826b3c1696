"""One client's connection to a hub: what it subscribed to, and its outgoing queue.

The queue decouples the exchange from slow clients: publishing never waits, and a client that
falls hopelessly behind is cut.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import WSMsgType, web

from risk_actors.simulator import signalr
from risk_actors.simulator.fault_base import AnyFault

_QUEUE_LIMIT = 20_000
_HANDSHAKE_S = 15.0
_GOODBYE_S = 1.0
_MESSAGES = frozenset({WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.PING, WSMsgType.PONG})

type Topic = tuple[str, int | str | None]
"""What is subscribed to and for which account or contract, such as `("Orders", 101)`."""


class Connection:
    """A WebSocket that speaks SignalR."""

    def __init__(
        self,
        socket: web.WebSocketResponse,
        transport: asyncio.Transport | None,
        topic_of: Callable[[str, list[Any]], Topic],
        *,
        keepalive_s: float,
        client_timeout_s: float,
        ignores: Callable[[], bool] = lambda: False,
        handshake_after_s: float = 0.0,
        on_write: Callable[[str], None] = lambda _text: None,
    ) -> None:
        """Wrap a prepared socket; `topic_of` turns a hub method's name into a topic.

        `ignores` is asked at each call to subscribe whether nothing is to come of it; `on_write` is
        told each text right before it goes to the socket.
        """
        self._on_write = on_write
        self.topics: set[Topic] = set()
        self.deafness: list[AnyFault] = []
        """Faults because of which no event is delivered."""
        self._ice: list[AnyFault] = []
        self._was_frozen = False
        self._ignores = ignores
        self._handshake_after_s = handshake_after_s
        self._socket = socket
        self._transport = transport
        self._topic_of = topic_of
        self._keepalive_s = keepalive_s
        self._client_timeout_s = client_timeout_s
        self._ending = False
        self._outbox: asyncio.Queue[tuple[float, str | None]] = asyncio.Queue(_QUEUE_LIMIT)

    async def serve(self) -> None:
        """Shake hands, then read and write until either side ends the connection."""
        rest = await self._shake_hands()
        if rest is None:
            await self._socket.close()
            return
        writer = asyncio.create_task(self._write())
        try:
            for message in rest:
                self._on_message(message)
            await self._read()
        finally:
            if self._ending:
                await asyncio.wait([writer], timeout=_GOODBYE_S)
            writer.cancel()
            await asyncio.wait([writer])
            await self._socket.close()

    def send(self, text: str, *, after_s: float = 0.0) -> None:
        """Queue a frame, to be written `after_s` later than the one before it."""
        if self._ice:
            return
        try:
            self._outbox.put_nowait((after_s, text))
        except asyncio.QueueFull:
            self.cut()

    def write_now(self, frames: bytes) -> int:
        """Write ready WebSocket frames past the queue, for load; return the bytes not sent yet."""
        if self._transport is None or self._ice or self._transport.is_closing():
            return 0
        self._transport.write(frames)
        return self._transport.get_write_buffer_size()

    def freeze(self, fault: AnyFault) -> None:
        """Be half-open because of a fault: hear nothing and send nothing."""
        self._ice.append(fault)
        self._was_frozen = True

    def thaw(self, fault: AnyFault) -> None:
        """Hear and send again, unless another fault still prevents it."""
        if fault in self._ice:
            self._ice.remove(fault)

    def cut(self) -> None:
        """Drop the connection with no goodbye, as a broken network does."""
        if self._transport is not None:
            self._transport.abort()

    def close(self, error: str | None = None) -> None:
        """Say goodbye in SignalR's way and end the connection."""
        self._ending = True
        self.send(signalr.closing(error))
        try:
            self._outbox.put_nowait((0.0, None))
        except asyncio.QueueFull:
            self.cut()

    async def _shake_hands(self) -> list[dict[str, Any]] | None:
        """Answer the handshake; return the messages that came with it, None when refused."""
        text = await self._receive(_HANDSHAKE_S)
        if text is None:
            return None
        try:
            first, *rest = list(signalr.messages_in(text))
        except ValueError:
            return None
        if self._handshake_after_s:
            await asyncio.sleep(self._handshake_after_s)
        fault = signalr.handshake_fault(first)
        try:
            await self._socket.send_str(
                signalr.HANDSHAKE_OK if fault is None else signalr.frame({"error": fault})
            )
        except ConnectionError:
            return None
        return rest if fault is None else None

    async def _receive(self, timeout_s: float) -> str | None:
        """Return the next text, or None when the connection is over or silent too long."""
        while True:
            try:
                message = await self._socket.receive(timeout=timeout_s)
                if self._ice:
                    await self._ignore(message.type)
                    continue
                if message.type is WSMsgType.PING:
                    await self._socket.pong(message.data)
            except TimeoutError:
                if not (self._ice or self._was_frozen):
                    return None
                self._was_frozen = bool(self._ice)  # once thawed the client has its time anew
                continue
            except ConnectionError:
                return None
            if message.type is WSMsgType.TEXT:
                return str(message.data)
            if message.type is WSMsgType.BINARY:
                return bytes(message.data).decode("utf-8", "replace")
            if message.type not in (WSMsgType.PING, WSMsgType.PONG):
                return None

    async def _ignore(self, kind: WSMsgType) -> None:
        """Let what came to a half-open socket vanish; a goodbye too is never answered."""
        if kind not in _MESSAGES:
            await asyncio.Event().wait()  # until the client drops the socket, or the server stops

    async def _read(self) -> None:
        while (text := await self._receive(self._client_timeout_s)) is not None:
            try:
                messages = list(signalr.messages_in(text))
            except ValueError:
                self.close("Connection closed with an error.")
                return
            if any(message.get("type") == signalr.CLOSE for message in messages):
                return
            for message in messages:
                self._on_message(message)

    def _on_message(self, message: dict[str, Any]) -> None:
        if message.get("type") != signalr.INVOCATION:
            return
        arguments = message.get("arguments")
        error = self._invoke(
            str(message.get("target")), arguments if isinstance(arguments, list) else []
        )
        invocation_id = message.get("invocationId")
        if invocation_id is not None:
            self.send(signalr.completion(str(invocation_id), error))

    def _invoke(self, target: str, arguments: list[Any]) -> str | None:
        """Run a hub method; return its error. Subscribing twice is subscribing once."""
        if target == "Heartbeat":  # the SDK's own invention
            return None
        try:
            topic = self._topic_of(target, arguments)
        except LookupError as error:
            return str(error.args[0])
        if target.startswith("Unsubscribe"):
            self.topics.discard(topic)
        elif not self._ignores():
            self.topics.add(topic)
        return None

    async def _write(self) -> None:
        """Write what is queued, and a ping whenever there was nothing for a while."""
        try:
            while True:
                try:
                    async with asyncio.timeout(self._keepalive_s):
                        after_s, text = await self._outbox.get()
                except TimeoutError:
                    after_s, text = 0.0, signalr.PING_FRAME
                if text is None:
                    break
                if after_s:
                    await asyncio.sleep(after_s)
                if not self._ice:
                    self._on_write(text)
                    await self._socket.send_str(text)
        except ConnectionError:
            return
        await self._socket.close()
