"""SignalR's JSON protocol for the lean reader: bytes in, events out, and no I/O.

Messages are JSON objects that end with a record separator; the first from the server answers the
handshake. Whatever is not known is passed over; whatever cannot be read is told and passed over.
https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/HubProtocol.md
"""

from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from risk_actors.projectx.fields import excerpt

SEPARATOR = b"\x1e"
HANDSHAKE = b'{"protocol":"json","version":1}' + SEPARATOR
PING = b'{"type":6}' + SEPARATOR
MAX_RECORD = 1 << 20
"""Bytes of one message; what is longer is no message of this hub (the SDK's bound as well)."""
_INVOCATION, _COMPLETION, _PING, _CLOSE = 1, 3, 6, 7
_NO_ARGUMENTS = msgspec.Raw(b"[]")


class Opened(NamedTuple):
    """The server took the handshake."""


class Refused(NamedTuple):
    """The server did not take the handshake; nothing more can come of this connection."""

    words: str


class Invoked(NamedTuple):
    """The server calls one of our methods; the arguments are JSON, a list if all is well."""

    target: str
    arguments: msgspec.Raw


class Completed(NamedTuple):
    """The server answers a call of ours; `error` says why it refused."""

    invocation_id: str
    error: str | None


class Pinged(NamedTuple):
    """The server is alive."""


class Closed(NamedTuple):
    """The server says goodbye, with or without a reason."""

    error: str | None


class Unread(NamedTuple):
    """A message that makes no sense."""

    detail: str
    payload_excerpt: str


class Oversized(NamedTuple):
    """More came without a separator than any message is long: the stream cannot be followed."""

    size: int


type Event = Opened | Refused | Invoked | Completed | Pinged | Closed | Unread | Oversized


class _Envelope(msgspec.Struct, rename="camel"):
    """What any message may have that matters here."""

    type: int = 0
    target: str = ""
    arguments: msgspec.Raw = _NO_ARGUMENTS
    invocation_id: str | None = None
    error: str | None = None


_DECODER = msgspec.json.Decoder(_Envelope)
_ENCODER = msgspec.json.Encoder()


class LeanProtocol:
    """One connection's side of the protocol, from its handshake on."""

    def __init__(self) -> None:
        self._rest = b""
        self._is_open = False
        self._calls = 0

    def call(self, method: str, arguments: list[int | str]) -> tuple[str, bytes]:
        """Return a call's id, and the message that makes it."""
        self._calls += 1
        call_id = str(self._calls)
        message = {
            "type": _INVOCATION,
            "invocationId": call_id,
            "target": method,
            "arguments": arguments,
        }
        return call_id, _ENCODER.encode(message) + SEPARATOR

    def receive(self, data: bytes | bytearray | memoryview) -> list[Event]:
        """Take what came and return what it says; half a message waits for its other half."""
        received = self._rest + bytes(data) if self._rest else bytes(data)
        *records, self._rest = received.split(SEPARATOR)
        events = [event for record in records for event in self._read(record)]
        if len(self._rest) > MAX_RECORD:
            events.append(Oversized(len(self._rest)))
            self._rest = b""
        return events

    def _read(self, record: bytes) -> Iterator[Event]:
        if not record:
            return
        if len(record) > MAX_RECORD:
            yield Oversized(len(record))
            return
        try:
            message = _DECODER.decode(record)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            if self._is_open:
                yield Unread(f"no message ({type(error).__name__})", excerpt(record))
            else:
                yield Refused("its answer to the handshake makes no sense")
            return
        if not self._is_open:
            yield self._shake_hands(message)
        elif message.type == _INVOCATION:
            yield Invoked(message.target, message.arguments)
        elif message.type == _COMPLETION and message.invocation_id is not None:
            yield Completed(message.invocation_id, message.error)
        elif message.type == _PING:
            yield Pinged()
        elif message.type == _CLOSE:
            yield Closed(message.error)

    def _shake_hands(self, message: _Envelope) -> Event:
        if message.error is not None:
            return Refused(message.error)
        if message.type == _CLOSE:
            return Refused("it closed at once")
        self._is_open = True
        return Opened()
