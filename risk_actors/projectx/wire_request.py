"""What goes over the wire for one request, put together from parts that are ready: pure."""

from typing import NamedTuple
from urllib.parse import urlsplit

_PORTS = {"http": 80, "https": 443}
_AGENT = "risk-actors"


class Target(NamedTuple):
    """Where requests go."""

    host: str
    """Name or address, as it is looked up and as the certificate has it."""
    port: int
    is_tls: bool
    path: str
    """What every request's path begins with; no slash at the end."""

    @property
    def host_header(self) -> str:
        """The value of the Host header; the port is left out where it is the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = _PORTS["https" if self.is_tls else "http"]
        return host if self.port == usual else f"{host}:{self.port}"


def target_of(api_url: str) -> Target | None:
    """Return where an address of an API leads; None where it is none that we can speak to."""
    try:
        parts = urlsplit(api_url)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode()
    except ValueError:
        return None
    is_plain = parts.username is None and not parts.query and not parts.fragment
    if parts.scheme not in _PORTS or not host or not is_plain or not _is_visible(parts.path):
        return None
    return Target(
        host=host,
        port=_PORTS[parts.scheme] if port is None else port,
        is_tls=parts.scheme == "https",
        path=parts.path.rstrip("/"),
    )


class Requests:
    """Composes requests for one target. May be used from any thread."""

    def __init__(self, target: Target) -> None:
        """Take where they go; nothing but token, length and body changes from now on."""
        self._target = target
        self._heads: dict[str, bytes] = {}
        self._authorised: tuple[str, bytes] = ("", b"")
        """A token and the line of the head that says it; replaced as one."""

    def post(self, endpoint: str, token: str, body: bytes) -> bytes:
        """Return a request that posts JSON.

        Raises:
            ValueError: the token cannot be sent in a header.
        """
        head = self._heads.get(endpoint)
        if head is None:
            head = self._heads[endpoint] = self._head("POST", endpoint, "application/json")
        known, line = self._authorised
        if known is not token:
            line = _authorisation(token)
            self._authorised = (token, line)
        return b"%bContent-Type: application/json\r\n%bContent-Length: %d\r\n\r\n%b" % (
            head,
            line,
            len(body),
            body,
        )

    def get(self, endpoint: str) -> bytes:
        """Return a request that asks, for nobody in particular."""
        return self._head("GET", endpoint, "*/*") + b"\r\n"

    def _head(self, method: str, endpoint: str, accept: str) -> bytes:
        return (
            f"{method} {self._target.path}{endpoint} HTTP/1.1\r\n"
            f"Host: {self._target.host_header}\r\n"
            f"User-Agent: {_AGENT}\r\n"
            f"Accept: {accept}\r\n"
            "Connection: keep-alive\r\n"
        ).encode("ascii")


def _authorisation(token: str) -> bytes:
    # What would end the line could begin another request.
    if token and not _is_visible(token):
        raise ValueError("the token cannot be sent in a header")
    return f"Authorization: Bearer {token}\r\n".encode("ascii")


def _is_visible(text: str) -> bool:
    return all("!" <= char <= "~" for char in text)
