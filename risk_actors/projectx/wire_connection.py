"""One warm connection of the enforcement lane: written by whoever has a command, read elsewhere.

The sender never waits: a lock that is taken, a socket without room, a connection that is gone all
mean "not over this one", and certainly nothing has left. What was partly sent counts as sent; the
rest follows from the wires' thread.
"""

import socket
import ssl
import threading
from collections.abc import Callable

from risk_actors.projectx.wire_answer import UnreadableAnswerError
from risk_actors.projectx.wire_exchange import Exchange, Result
from risk_actors.projectx.wire_reader import WireReader

_PIECE_BYTES = 16 * 1024
_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class WireConnection:
    """A connected socket that carries one request at a time. From any thread, where not said."""

    def __init__(
        self,
        sock: socket.socket,
        reader: WireReader,
        monotonic_ns: Callable[[], int],
        on_free: Callable[["WireConnection"], None],
        on_lost: Callable[["WireConnection"], None],
    ) -> None:
        """Take a socket that does not block.

        Args:
            sock: connected, with TLS agreed upon where there is any.
            reader: the thread that reads it.
            monotonic_ns: tells when an answer came.
            on_free: told on the wires' thread when it may carry another request.
            on_lost: told on the wires' thread, once, when it is closed.
        """
        self._sock = sock
        self._reader = reader
        self._monotonic_ns = monotonic_ns
        self._on_free = on_free
        self._on_lost = on_lost
        self._lock = threading.Lock()
        """Held for a call of the socket that does not block, and for nothing longer."""
        self._exchange: Exchange | None = None
        self._rest = b""
        self._is_usable = True

    @property
    def is_usable(self) -> bool:
        """Whether it has not been given up."""
        return self._is_usable

    def begin(self) -> None:
        """Have it read from now on."""
        self._reader.call(self._watch)

    def send(self, exchange: Exchange, request: bytes) -> bool:
        """Send a request at once; false when nothing of it has left, or ever will."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            if not self._is_usable or self._exchange is not None:
                return False
            try:
                sent = self._sock.send(request)
            except ssl.SSLWantWriteError:
                sent = 0  # it lies in the cipher's buffer, and a part of it may have left
            except (OSError, ValueError):
                # No byte was taken, or of TLS no whole record, which cannot be read.
                self._is_usable = False
                return False
            self._exchange = exchange
            self._rest = request[sent:]
        finally:
            self._lock.release()
            if not self._is_usable:
                self._reader.call(self._close)
        if self._rest:
            self._reader.call(self._watch)
        return True

    def give_up(self) -> None:
        """Close it, whatever is on its way."""
        with self._lock:
            self._is_usable = False
        self._reader.call(self._close)

    def give_up_while(self, exchange: Exchange | None) -> None:
        """Close it if this is what it carries; None: if it carries nothing."""
        with self._lock:
            if self._exchange is not exchange:
                return
            self._is_usable = False
        self._reader.call(self._close)

    def _ready(self) -> None:
        while self._turn():
            pass

    def _turn(self) -> bool:
        """Do what can be done now; tell whether there may be more. On the wires' thread."""
        fault: OSError | None = None
        with self._lock:
            if not self._is_usable:
                return False
            try:
                self._send_rest()
                piece = self._sock.recv(_PIECE_BYTES)
            except _NOT_NOW:
                return False
            except OSError as error:
                piece, fault = b"", error
            exchange = self._exchange
            if exchange is None:
                # Nothing was asked: the server ends the connection, or says so first (408).
                self._is_usable = False
        if exchange is None:
            self._lose()
            return False
        return self._read(exchange, piece, fault)

    def _send_rest(self) -> None:
        if not self._rest:
            return
        try:
            self._rest = self._rest[self._sock.send(self._rest) :]
        except _NOT_NOW:
            return
        if not self._rest:
            self._watch()

    def _read(self, exchange: Exchange, piece: bytes, fault: OSError | None) -> bool:
        try:
            answer = exchange.take(piece, self._monotonic_ns())
        except (EOFError, UnreadableAnswerError) as error:
            self._lose(fault or error)
            return False
        if answer is None:
            return True
        with self._lock:
            is_kept = answer.is_reusable and not self._rest and self._is_usable
            self._exchange = None
        if is_kept:
            self._on_free(self)
        exchange.end(answer)
        if not is_kept:
            self._lose()
        return is_kept

    def _watch(self) -> None:
        if self._is_usable:
            self._reader.watch(self._sock, self._ready, for_room=bool(self._rest))

    def _close(self) -> None:
        self._lose(EOFError("given up"))

    def _lose(self, why: Result | None = None) -> None:
        """Close the socket, and tell who waits and who counts. On the wires' thread."""
        with self._lock:
            self._is_usable = False
            exchange, self._exchange = self._exchange, None
            is_first = self._sock.fileno() >= 0
            if is_first:
                self._reader.forget(self._sock)
                self._sock.close()
        if exchange is not None:
            exchange.end(why or EOFError("the connection was closed"))
        if is_first:
            self._on_lost(self)
