"""Server-Sent Events, as far as the daemon sends them: data, and comments that keep a line open."""

_MOST_BYTES = 16 * 2**20
"""A state takes some ten thousand bytes; more than this is no state, and must not fill memory."""


class StreamError(ValueError):
    """What came is no stream of events."""


class EventParser:
    """Puts the events of a stream together from pieces of any size."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, piece: bytes) -> list[bytes]:
        """Return the data of the events that this piece completes.

        Raises:
            StreamError: an event is longer than any state.
        """
        *lines, self._rest = (self._rest + piece).split(b"\n")
        told: list[bytes] = []
        for line in lines:
            self._take(line.removesuffix(b"\r"), told)
        if self._size + len(self._rest) > _MOST_BYTES:
            raise StreamError("an event of the stream does not end")
        return told

    def _take(self, line: bytes, told: list[bytes]) -> None:
        if not line:
            if self._data:
                told.append(b"\n".join(self._data))
            self._data, self._size = [], 0
            return
        name, _, value = line.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
            self._size += len(value)
