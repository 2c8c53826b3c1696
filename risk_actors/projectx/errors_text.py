"""What stands between us and the broker, in plain words: no library's own text is shown.

The libraries below name their own objects ("ConnectionKey(...)", "ssl:default"), which says nothing
to a trader. What is not listed here is named by its kind alone; its whole text is in the debug log.
"""

import socket
from collections.abc import Iterator
from http import HTTPStatus
from ssl import SSLError

import aiohttp
import httpx
from loguru import logger
from pysignalr import exceptions as signalr
from websockets.exceptions import ConnectionClosed, InvalidStatus

from risk_actors.projectx.broker_text import plain_text
from risk_actors.projectx.secrets import scrub

CANNOT_CONNECT = "cannot connect to the broker"
NOT_LOGGED_IN = "the broker does not accept the session (HTTP 401)"
_NOT_CONNECTED = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    ConnectionRefusedError,
    socket.gaierror,
)
"""Each is raised before the first byte of a request is sent."""
_BROKEN = (
    ConnectionClosed,
    aiohttp.ClientConnectionError,
    httpx.TransportError,
    ConnectionError,
    EOFError,
)
_MOST_CAUSES = 8


def is_unsent(error: BaseException) -> bool:
    """Tell whether a request has certainly not left: there was no connection to send it over."""
    return any(isinstance(each, _NOT_CONNECTED) for each in _causes(error))


def words_of(error: BaseException) -> str:
    """Return what went wrong on the way to the broker; one clause without a full stop."""
    causes = tuple(_causes(error))
    logger.debug("On the way to the broker: {}", scrub(repr(error)))
    for each in causes:
        status = _status_of(each)
        if status is not None:
            return words_of_status(status)
        if isinstance(each, signalr.ServerError):
            said = plain_text(each.message)
            return f"the broker says: {said}" if said else "the broker ended the connection"
    if any(isinstance(each, SSLError) for each in causes):
        return f"{CANNOT_CONNECT}: its certificate is not accepted"
    if any(isinstance(each, _NOT_CONNECTED) for each in causes):
        return CANNOT_CONNECT
    if any(isinstance(each, TimeoutError | httpx.TimeoutException) for each in causes):
        return "the broker does not answer in time"
    if any(isinstance(each, _BROKEN) for each in causes):
        return "the connection broke"
    if any(isinstance(each, OSError) for each in causes):
        return CANNOT_CONNECT
    return f"an unexpected fault ({type(causes[-1]).__name__})"


def reason_of(error: BaseException) -> str | None:
    """Return why there is no connection, where that is known."""
    for each in _causes(error):
        match each:
            case socket.gaierror() | aiohttp.ClientConnectorDNSError():
                return "no such name is known"
            case ConnectionRefusedError():
                return "the connection is refused"
            case SSLError():
                return "its certificate is not accepted"
            case _:
                continue
    return None


def words_of_status(status: int) -> str:
    """Return what an HTTP status says."""
    if status == HTTPStatus.UNAUTHORIZED:
        return NOT_LOGGED_IN
    return f"the broker answers {status}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and what led to it."""
    each: BaseException | None = error
    for _ in range(_MOST_CAUSES):
        if each is None:
            return
        yield each
        each = each.__cause__ or each.__context__


def _status_of(error: BaseException) -> int | None:
    match error:
        case signalr.AuthorizationError():
            return int(HTTPStatus.UNAUTHORIZED)
        case signalr.ConnectionError():
            return int(error.status)
        case InvalidStatus():
            return int(error.response.status_code)
        case aiohttp.ClientResponseError() if error.status >= HTTPStatus.BAD_REQUEST:
            return int(error.status)
        case _:
            return None
