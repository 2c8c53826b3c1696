"""Reading one answer from the bytes that come, in whatever pieces: pure."""

from typing import NamedTuple

import h11

LONGEST_ANSWER_BYTES = 64 * 1024
"""An answer to a command is a line; one that is longer is no answer."""


class WireAnswer(NamedTuple):
    """What the server answered to one request."""

    status: int
    body: bytes
    """Its beginning, where it is too long to be an answer."""
    date: str | None
    """The Date header, as it came."""
    retry_after: str | None
    """The Retry-After header, as it came."""
    came_ns: int
    """When its head was complete (ns of the monotonic clock)."""
    is_reusable: bool
    """Whether the connection may carry another request."""


class UnreadableAnswerError(Exception):
    """What came is no answer in HTTP."""


class AnswerReader:
    """Takes the bytes of one answer until it is complete."""

    def __init__(self) -> None:
        # For the parser, the request is what decides how an answer ends: only HEAD and CONNECT
        # would make a difference, and we send neither.
        self._http = h11.Connection(h11.CLIENT)
        self._http.send(h11.Request(method="POST", target="/", headers=[("Host", "x")]))
        self._http.send(h11.EndOfMessage())
        self._head: h11.Response | None = None
        self._came_ns = 0
        self._body = bytearray()

    def feed(self, piece: bytes, now_ns: int) -> WireAnswer | None:
        """Take the next bytes, none when the server has ended; return the answer when complete.

        Raises:
            EOFError: the server ended before the answer did.
            UnreadableAnswerError: what came is no answer.
        """
        try:
            self._http.receive_data(piece)
            return self._read(now_ns)
        except h11.RemoteProtocolError as error:
            if not piece:
                raise EOFError("the server ended before its answer did") from error
            raise UnreadableAnswerError(str(error)) from error

    def _read(self, now_ns: int) -> WireAnswer | None:
        while True:
            event = self._http.next_event()
            if isinstance(event, h11.Response):
                self._head, self._came_ns = event, now_ns
            elif isinstance(event, h11.Data):
                self._body += event.data
                if len(self._body) > LONGEST_ANSWER_BYTES:
                    return self._answer(is_reusable=False)
            elif isinstance(event, h11.EndOfMessage):
                return self._answer(is_reusable=self._is_reusable())
            elif isinstance(event, h11.InformationalResponse):
                continue  # such as 100 Continue: the answer is still to come
            else:
                return None

    def _is_reusable(self) -> bool:
        # Whatever follows the answer is not asked for, and would be taken for the next; it may also
        # be the connection's end that ended the answer.
        return self._http.their_state is h11.DONE and self._http.trailing_data == (b"", False)

    def _answer(self, *, is_reusable: bool) -> WireAnswer:
        if self._head is None:
            raise UnreadableAnswerError("a body without a head")
        return WireAnswer(
            status=self._head.status_code,
            body=bytes(self._body),
            date=self._header(b"date"),
            retry_after=self._header(b"retry-after"),
            came_ns=self._came_ns,
            is_reusable=is_reusable,
        )

    def _header(self, name: bytes) -> str | None:
        headers = () if self._head is None else self._head.headers
        return next((value.decode("latin-1") for key, value in headers if key == name), None)
