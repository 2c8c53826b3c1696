"""A server that answers as rudely as it is told, in threads of its own, and who talks to it."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

import trustme
from rest_rig import http_answer

ACCEPTED = b'{"success":true,"errorCode":0}'

type Script = Callable[[bytes, socket.socket, int], None]
"""Answers a request, given as a whole; the last is how many came over its connection before."""


def accept(_request: bytes, sock: socket.socket, _before: int) -> None:
    sock.sendall(http_answer(200, ACCEPTED))


@cache
def _authority() -> trustme.CA:
    return trustme.CA()


@cache
def _certificate() -> trustme.LeafCert:
    return _authority().issue_cert("localhost", "127.0.0.1")


def server_tls() -> ssl.SSLContext:
    """Return what a server on this machine speaks TLS with."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _certificate().configure_cert(context)
    return context


def trusted(directory: Path) -> str:
    """Return a file, written into a directory, for `SSL_CERT_FILE`: who trusts it trusts us."""
    path = directory / "authority.pem"
    _authority().cert_pem.write_to_path(str(path))
    return str(path)


class RudeServer:
    """Keeps the requests that came; each connection has a thread."""

    def __init__(self, script: Script, *, is_tls: bool = False) -> None:
        self.script = script
        self.requests: list[bytes] = []
        self.connections: list[socket.socket] = []
        self._came = threading.Condition()
        self._context: ssl.SSLContext | None = None
        if is_tls:
            self._context = server_tls()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    @property
    def api_url(self) -> str:
        scheme = "http" if self._context is None else "https"
        return f"{scheme}://127.0.0.1:{self._listening.getsockname()[1]}/api"

    def posts(self) -> list[bytes]:
        with self._came:
            return [request for request in self.requests if request.startswith(b"POST")]

    def wait_for_posts(self, count: int, within_s: float = 5.0) -> bool:
        """Wait, holding up the thread that asks, until so many commands have arrived."""

        def is_there() -> bool:
            return sum(each.startswith(b"POST") for each in self.requests) >= count

        with self._came:
            return self._came.wait_for(is_there, within_s)

    def hang_up(self) -> None:
        """Close every connection, as a server does that has waited long enough."""
        connections, self.connections = self.connections, []
        for sock in connections:
            with suppress(OSError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def close(self) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._threads[0].join(5)
        self.hang_up()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                sock, _ = self._listening.accept()
                self.connections.append(sock)
                thread = threading.Thread(target=self._serve, args=(sock,), daemon=True)
                self._threads.append(thread)
                thread.start()

    def _serve(self, sock: socket.socket) -> None:
        with suppress(OSError, EOFError):
            if self._context is not None:
                self.connections.remove(sock)
                sock = self._context.wrap_socket(sock, server_side=True)
                self.connections.append(sock)
            before = 0
            while True:
                request = _request(sock)
                with self._came:
                    self.requests.append(request)
                    self._came.notify_all()
                self.script(request, sock, before)
                before += 1
        sock.close()


@contextmanager
def rude_server(script: Script = accept, *, is_tls: bool = False) -> Iterator[RudeServer]:
    """Run one."""
    server = RudeServer(script, is_tls=is_tls)
    try:
        yield server
    finally:
        server.close()


def _request(sock: socket.socket) -> bytes:
    """Return one whole request."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _piece(sock)
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    if b"Content-Length: " in head:
        length = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += _piece(sock)
    return head + b"\r\n\r\n" + body


def _piece(sock: socket.socket) -> bytes:
    piece = sock.recv(65_536)
    if not piece:
        raise EOFError
    return piece
