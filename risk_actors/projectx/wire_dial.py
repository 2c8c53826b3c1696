"""Connecting to the broker's REST host, in a thread that may wait."""

import socket
import ssl
import time

from risk_actors.projectx.wire_request import Target

_ADDRESS_S = 1.5
"""How long one of several addresses is tried, so that a dead IPv6 does not use up all the time."""
_KEEPALIVE = {"TCP_KEEPIDLE": 10, "TCP_KEEPALIVE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
"""Seconds and counts, as far as the system has them: a peer that is gone is noticed in 25 s."""


def tls_context() -> ssl.SSLContext:
    """Return the default context: the system's certificates, or those of SSL_CERT_FILE."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def dial(target: Target, context: ssl.SSLContext | None, timeout_s: float) -> socket.socket:
    """Connect, agree on TLS where there is a context, and return a socket that does not block.

    Raises:
        OSError: there is no connection.
    """
    until_s = time.monotonic() + timeout_s
    found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_STREAM)
    error: OSError | None = None
    for family, kind, protocol, _, address in found:
        left_s = until_s - time.monotonic()
        if left_s <= 0:
            break
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(left_s if len(found) == 1 else min(left_s, _ADDRESS_S))
            sock.connect(address)
            _tune(sock)
            if context is not None:
                sock.settimeout(max(until_s - time.monotonic(), 0.001))
                sock = context.wrap_socket(sock, server_hostname=target.host)
            sock.setblocking(False)
        except OSError as failed:
            sock.close()
            error = failed
            continue
        return sock
    raise error or TimeoutError("no connection in time")


def _tune(sock: socket.socket) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        option = getattr(socket, name, None)
        if option is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)
