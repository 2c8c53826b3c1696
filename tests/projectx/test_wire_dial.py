"""Connecting: whichever address answers, and never for longer than said."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rest_rig import closed_port
from wire_rig import trusted

from risk_actors.projectx.wire_dial import dial, tls_context
from risk_actors.projectx.wire_request import Target


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """A server to which one can connect, and which says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def target(port: int, *, is_tls: bool = False) -> Target:
    return Target("localhost", port, is_tls=is_tls, path="/api")


def test_a_connection_does_not_block_and_sends_at_once(listening: socket.socket) -> None:
    with dial(target(listening.getsockname()[1]), None, 5) as sock:
        assert not sock.getblocking()
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


def test_an_address_that_is_dead_gives_way_to_the_next(
    listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = listening.getsockname()[1]
    found: Any = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", each))
        for each in (closed_port(), port)
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_named: found)

    with dial(target(port), None, 5) as sock:
        assert sock.getpeername()[1] == port


def test_nobody_there_is_an_error_of_the_system() -> None:
    with pytest.raises(ConnectionRefusedError):
        dial(target(closed_port()), None, 5)


def test_a_server_that_does_not_agree_on_tls_is_waited_for_no_longer_than_said(
    listening: socket.socket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", trusted(tmp_path))
    began_s = time.monotonic()

    with pytest.raises(TimeoutError):
        dial(target(listening.getsockname()[1], is_tls=True), tls_context(), 0.3)

    assert time.monotonic() - began_s < 3
