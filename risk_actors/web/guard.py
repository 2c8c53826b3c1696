"""Who may ask: this machine's own programs and pages, not another site in the trader's browser.

A web page from anywhere can make the browser send requests to this port. Two things give it away:
the `Host` it had to name (a rebound DNS name is not ours) and the `Origin` it comes from.
"""

from collections.abc import Awaitable, Callable

from aiohttp import web
from loguru import logger

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

JSON = "application/json"

_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
_HTTP_PORT = 80


def refusal(request: web.Request, port: int) -> str | None:
    """Return why a request must be refused, or None when it comes from this machine."""
    hosts = {f"{name}:{port}" for name in _LOOPBACK_NAMES}
    if port == _HTTP_PORT:
        hosts |= set(_LOOPBACK_NAMES)
    if request.headers.get("Host", "").lower() not in hosts:
        return "the Host header is not this machine's"
    origin = request.headers.get("Origin")
    if origin is not None and origin.lower() not in {f"http://{host}" for host in hosts}:
        return "requests from other sites are refused"
    return None


def error_response(status: int, message: str) -> web.Response:
    """Return an error as every route gives it: `{"error": "..."}`."""
    return web.json_response({"error": message}, status=status)


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what a route raises into JSON; a fault of ours is logged, not shown."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        return error_response(error.status, error.text or error.reason)
    except Exception:  # noqa: BLE001  # one bad request must not end the server
        logger.exception("web: {} {} failed", request.method, request.path)
        return error_response(500, "internal error; see the log")
