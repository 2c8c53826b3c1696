"""SignalR's JSON protocol, the little of it that the hubs need.

Messages end with the record separator. https://github.com/dotnet/aspnetcore/blob/main/src/SignalR/docs/specs/HubProtocol.md
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from risk_actors.simulator.payloads import to_json

SEPARATOR = "\x1e"
INVOCATION, COMPLETION, PING, CLOSE = 1, 3, 6, 7
_VERSIONS = (0, 1)


def frame(message: dict[str, Any]) -> str:
    """Return one message in wire form."""
    return to_json(message).decode() + SEPARATOR


HANDSHAKE_OK = frame({})
PING_FRAME = frame({"type": PING})


def messages_in(text: str) -> Iterator[dict[str, Any]]:
    """Yield the messages of one WebSocket text.

    Raises:
        ValueError: a part is no JSON object.
    """
    for part in text.split(SEPARATOR):
        if part:
            yield msgspec.json.decode(part, type=dict[str, Any])


def handshake_fault(message: dict[str, Any]) -> str | None:
    """Return why a handshake is refused, or None.

    Version 0 is what the signalrcore client for Python sends.
    """
    protocol, version = message.get("protocol"), message.get("version")
    if protocol != "json":
        return f"The protocol '{protocol}' is not supported."
    if version not in _VERSIONS:
        return f"The server does not support version {version} of the '{protocol}' protocol."
    return None


def invocation(target: str, arguments: list[Any]) -> str:
    """Return a server-to-client call in wire form; it has no keys beyond the three."""
    return frame({"type": INVOCATION, "target": target, "arguments": arguments})


def completion(invocation_id: str, error: str | None) -> str:
    """Return the answer to a client's call that carried an invocation id."""
    outcome = {"result": None} if error is None else {"error": error}
    return frame({"type": COMPLETION, "invocationId": invocation_id, **outcome})


def closing(error: str | None) -> str:
    """Return the server's goodbye; a real server's is `Connection closed with an error.`."""
    return frame({"type": CLOSE} | ({"error": error} if error else {}))
