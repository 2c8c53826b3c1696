"""Who may ask: this machine's own programs and pages, not another site in the trader's browser.

A web page from anywhere can make the browser send requests to this port. What gives it away: the
`Host` it had to name (a rebound DNS name is not ours), the `Origin` it comes from, and what the
browser itself says of where a request comes from (`Sec-Fetch-Site`).
"""

import ipaddress
import re
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web
from loguru import logger

from risk_actors.projectx.secrets import scrub

type Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

JSON = "application/json"

_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
_HTTP_PORT = 80
_HOST = re.compile(r"(?P<name>[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?")
_OWN_SITES = ("same-origin", "none")
"""`none`: the trader typed the address, or chose it from the bookmarks."""
_READING = ("GET", "HEAD")
_TOKEN_PARAMETERS = frozenset({"token", "access_token", "auth", "authorization", "api_key"})

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none';"
        " object-src 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    # Not `no-referrer`: with it browsers send the form of /login from the origin `null`.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_ANSWERED_BY = "risk-actors"
"""Not which versions of what: that would tell what to attack it with."""


class Addresses:
    """The names by which this server may be called."""

    def __init__(self, host: str, port: int) -> None:
        """Take what is served: beyond loopback, addresses count too, for DNS cannot rebind them."""
        self._port = port
        self._names = {*_LOOPBACK_NAMES, host.lower(), f"[{host.lower()}]"}
        self._takes_addresses = not is_loopback(host)

    def refusal(self, request: web.Request) -> str | None:
        """Return why a request must be refused, or None when it comes from where it may."""
        host = request.headers.get("Host", "").lower()
        if len(request.headers.getall("Host", [])) != 1 or not self._is_ours(host):
            return (
                "the Host header is not this machine's; open it as"
                f" http://127.0.0.1:{self._port}, or by the address that it is served on"
            )
        # Our page is where it was asked for: another address of ours may be another machine's.
        if any(each.lower() != f"http://{host}" for each in request.headers.getall("Origin", [])):
            return "requests from other sites are refused; open the dashboard itself"
        site = request.headers.get("Sec-Fetch-Site", "none").lower()
        if site not in _OWN_SITES and not _is_followed_link(request):
            return "requests from other sites are refused; open the dashboard itself"
        return None

    def _is_ours(self, host: str) -> bool:
        parts = _HOST.fullmatch(host)
        if parts is None:
            return False
        name, port = parts["name"], int(parts["port"] or _HTTP_PORT)
        if port != self._port:
            return False
        return name in self._names or (self._takes_addresses and _is_address(name))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def _is_followed_link(request: web.Request) -> bool:
    """Tell whether a person followed a link to a page: only that person is shown it."""
    return (
        request.method in _READING
        and request.headers.get("Sec-Fetch-Mode") == "navigate"
        and request.headers.get("Sec-Fetch-Dest") == "document"
        and not request.path.startswith("/api/")
    )


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches a host to be served on."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def token_in_address(request: web.Request) -> str | None:
    """Return why a request is refused that carries a token in its address, None if it does not."""
    if any(name.lower() in _TOKEN_PARAMETERS for name in request.query):
        return (
            "a token does not belong in an address, which browsers and logs keep; send it in the"
            " header `Authorization: Bearer`"
        )
    return None


async def add_headers(_: web.Request, response: web.StreamResponse) -> None:
    """Put on every answer what keeps browsers from doing more with it than show it."""
    for name, value in _HEADERS.items():
        response.headers[name] = value
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["Server"] = _ANSWERED_BY


def error_response(status: int, message: str) -> web.Response:
    """Return an error as every route gives it: `{"error": "..."}`."""
    body = msgspec.json.encode({"error": plain(scrub(message))})
    return web.Response(body=body, status=status, content_type=JSON)


def plain(text: str) -> str:
    """Return text that can be sent, whatever was read from a file that somebody changed."""
    return text.encode("utf-8", "replace").decode("utf-8")


_WORDS = {
    404: "there is nothing at {path}; /openapi.json lists what there is",
    405: "{method} is not done on {path}; /openapi.json lists what is",
    413: "that is more than is taken; send a smaller body",
}


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn what a route raises into JSON; a fault of ours is logged, not shown."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < web.HTTPBadRequest.status_code:
            raise
        return _as_json(request, error)
    except Exception:  # noqa: BLE001  # one bad request must not end the server
        logger.exception("web: {} {} failed", request.method, request.path)
        return error_response(500, "internal error; see the log")


def _as_json(request: web.Request, error: web.HTTPException) -> web.Response:
    is_own = error.text is not None and error.text != f"{error.status}: {error.reason}"
    words = _WORDS.get(error.status)
    if words is not None and (not is_own or isinstance(error, web.HTTPRequestEntityTooLarge)):
        text = words.format(method=request.method, path=request.path[:200])
    else:
        text = error.text or error.reason
    response = error_response(error.status, text)
    for name in ("Allow", "Retry-After", "WWW-Authenticate"):
        if name in error.headers:
            response.headers[name] = error.headers[name]
    return response
