"""Something on a port that answers each path with the bytes that a test chose, or not at all."""

import socket
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from email.utils import formatdate

_TIMEOUT_S = 30.0


def answer(body: bytes, status: str = "200 OK", **headers: str) -> bytes:
    """Return an answer after which the line is closed."""
    lines = [f"HTTP/1.1 {status}", f"Date: {formatdate(usegmt=True)}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def stream() -> bytes:
    """Return the head of a stream of events."""
    head = (
        "HTTP/1.1 200 OK",
        f"Date: {formatdate(usegmt=True)}",
        "Content-Type: text/event-stream",
    )
    return "\r\n".join([*head, "", ""]).encode()


class Stranger:
    """Answers by path; a path that has several answers gives them in turn, the last for ever."""

    def __init__(self) -> None:
        self.answers: dict[str, Sequence[bytes]] = {}
        self.requests: deque[bytes] = deque()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.server.getsockname()[1]
        self._streams: list[socket.socket] = []
        self._asked: dict[str, int] = {}

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                line, _ = self.server.accept()
                threading.Thread(target=self._talk, args=(line,), daemon=True).start()

    def send(self, piece: bytes) -> None:
        """Send more on every stream."""
        for line in self._streams:
            with suppress(OSError):
                line.sendall(piece)

    @property
    def streams(self) -> int:
        return len(self._streams)

    def stop(self) -> None:
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        for line in self._streams:
            line.close()

    def _talk(self, line: socket.socket) -> None:
        line.settimeout(_TIMEOUT_S)
        with suppress(OSError):
            request = line.recv(65_536)
            if not request:
                line.close()
                return
            self.requests.append(request)
            path = request.split(b" ", 2)[1].decode()
            told = self.answers.get(path, (answer(b"", "404 Not Found"),))
            place = self._asked.get(path, 0)
            self._asked[path] = place + 1
            chosen = told[min(place, len(told) - 1)]
            line.sendall(chosen)
            if b"text/event-stream" in chosen:
                self._streams.append(line)
                return
            line.close()


@contextmanager
def stranger() -> Iterator[Stranger]:
    """Serve for as long as the block takes."""
    one = Stranger()
    thread = threading.Thread(target=one.serve, daemon=True)
    thread.start()
    try:
        yield one
    finally:
        one.stop()
        thread.join(_TIMEOUT_S)
