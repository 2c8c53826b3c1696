"""A client may leave at any moment: nothing escapes, and the server serves on."""

import logging
import socket
from typing import Any
from urllib.parse import urlsplit

import pytest

from risk_actors.simulator import Side, SimulatorSettings, SimulatorThread, Ticket

UPGRADE = (
    "GET /hubs/user?access_token={token} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
LOGIN = '{"userName":"sim-trader","apiKey":"sim-api-key"}'
SEARCH = "POST /api/Account/search HTTP/1.1\r\nHost: x\r\nContent-Length: 25\r\n"


def masked_text(text: str) -> bytes:
    """Return a client's text frame (masked with zeroes) of a short text."""
    return bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text.encode()


def token_of(sim: SimulatorThread) -> str:
    return sim.call(lambda: sim.gateway._mint.issue("sim-trader", sim.gateway.clock()))


def connect(sim: SimulatorThread) -> socket.socket:
    address = urlsplit(sim.api_url)
    return socket.create_connection((address.hostname, address.port), timeout=5)


def stages(token: str) -> list[bytes]:
    upgrade = UPGRADE.format(token=token).encode()
    handshake = masked_text('{"protocol":"json","version":1}\x1e')
    subscribe = masked_text('{"type":1,"target":"SubscribeTrades","arguments":[101]}\x1e')
    pipe = (SEARCH + f"Authorization: Bearer {token}\r\n\r\n").encode()
    return [
        b"",
        b"POST /api/Order/place HTTP/1.1\r\nContent-Le",
        pipe,
        pipe + b'{"onlyActive',
        pipe + b'{"onlyActiveAccounts":true',
        upgrade[:40],
        upgrade,
        upgrade + handshake[:9],
        upgrade + handshake,
        upgrade + handshake + subscribe,
        upgrade + handshake + subscribe[:20],
        upgrade + b"\xff\xff\xff\xff\xff\xff",
    ]


@pytest.mark.parametrize("reset", [False, True])
def test_leaving_at_any_moment_lets_no_exception_escape(
    sim: SimulatorThread, caplog: Any, eventually: Any, reset: Any
) -> None:
    with caplog.at_level(logging.ERROR):
        for stage in stages(token_of(sim)):
            rude = connect(sim)
            if reset:  # a RST in place of a FIN
                rude.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00"
                )
            rude.sendall(stage)
            contract_id = sim.contract_id("MNQ")
            sim.place(Ticket(account_id=101, contract_id=contract_id, side=Side.BUY, size=1))
            rude.close()
            sim.close(101, contract_id)
        hub = sim.gateway.user_hub
        eventually(lambda: sim.call(lambda: hub.connection_count) == 0)
    assert [record.getMessage() for record in caplog.records] == []
    assert sim.gateway.exchange.signed_size(101, sim.contract_id("MNQ")) == 0


def test_a_port_that_is_taken_is_an_error_at_start_and_leaves_nothing(sim: SimulatorThread) -> None:
    again = SimulatorThread(SimulatorSettings(port=sim.gateway.port))
    with pytest.raises(OSError, match=r"address already in use|attempting to bind"):
        again.start()
    again.stop()
