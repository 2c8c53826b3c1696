"""A line between page and guard that carries as many bytes a second as the test wants."""

import contextlib
import socket
import threading
import time
from types import TracebackType
from typing import Self

FAST = 100_000_000.0
_PIECE_BYTES = 1024
_BUFFER_BYTES = 4096
"""What waits in the system's buffers is no part of the line."""


class SlowLine:
    """Listens on a port of its own; what the guard says is slowed down, what is asked is not."""

    def __init__(self, guard_port: int) -> None:
        self.bytes_a_second = FAST
        self._guard_port = guard_port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._open: list[socket.socket] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for each in (self._server, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                page, _ = self._server.accept()
                guard = socket.socket()
                guard.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
                guard.connect(("127.0.0.1", self._guard_port))
                self._open += [page, guard]
                for carry, ends in ((self._ask, (page, guard)), (self._answer, (guard, page))):
                    threading.Thread(target=carry, args=ends, daemon=True).start()

    def _ask(self, page: socket.socket, guard: socket.socket) -> None:
        here, there = (b"127.0.0.1:%d" % port for port in (self.port, self._guard_port))
        with contextlib.suppress(OSError):
            while asked := page.recv(_PIECE_BYTES * 64):
                guard.sendall(asked.replace(here, there))
            guard.shutdown(socket.SHUT_RDWR)

    def _answer(self, guard: socket.socket, page: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := guard.recv(_PIECE_BYTES):
                time.sleep(len(piece) / self.bytes_a_second)
                page.sendall(piece)
            page.shutdown(socket.SHUT_RDWR)
