"""Server-Sent Events, as far as the daemon sends them: names, data, and comments that say nothing.

A piece of an event is no news: only what has come whole is told.
"""

from typing import NamedTuple

_MOST_BYTES = 16 * 2**20
"""A state takes some ten thousand bytes; more than this is no state, and must not fill memory."""
_UNNAMED = "message"


class StreamError(ValueError):
    """What came is no stream of events."""


class Event(NamedTuple):
    """One event that came whole."""

    data: bytes
    name: str = _UNNAMED


class EventParser:
    """Puts the events of a stream together from pieces of any size."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []
        self._name = ""
        self._size = 0

    def feed(self, piece: bytes) -> list[Event]:
        """Return the events that this piece completes.

        Raises:
            StreamError: an event is longer than any state.
        """
        *lines, self._rest = (self._rest + piece).split(b"\n")
        told: list[Event] = []
        for line in lines:
            self._take(line.removesuffix(b"\r"), told)
        if self._size + len(self._rest) > _MOST_BYTES:
            raise StreamError("an event of the stream does not end")
        return told

    def _take(self, line: bytes, told: list[Event]) -> None:
        if not line:
            if self._data:
                told.append(Event(b"\n".join(self._data), self._name or _UNNAMED))
            self._data, self._name, self._size = [], "", 0
            return
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            self._data.append(value)
            self._size += len(value)
        elif field == b"event":
            self._name = value.decode("utf-8", "replace")
