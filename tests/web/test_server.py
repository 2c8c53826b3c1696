"""The HTTP side over real sockets."""

import http.client
import json
import socket
import threading
from collections.abc import Generator
from typing import Any

import msgspec
import pytest
from loguru import logger

from risk_actors.actors.picture import AccountPicture, Picture
from risk_actors.web.server import WebError, WebServer
from tests.actors.trader_rig import TraderRig

JSON = {"Content-Type": "application/json"}


class Daemon:
    """What the server reads and calls, held by the test."""

    def __init__(self) -> None:
        self.picture = Picture(
            version="1.2.3",
            mode="paper",
            armed=True,
            phase="starting",
            accounts=(AccountPicture(id=7, name="50K"),),
            detail="waiting for the first reconciliation",
        )
        self.trader = TraderRig(lambda: self.picture)
        self.server = WebServer(
            picture=lambda: self.picture,
            topology=lambda: {"actors": [], "edges": []},
            requests=self.trader.desk,
            port=0,
        )
        self.port = self.server.start()

    @property
    def panics(self) -> list[int]:
        return self.trader.panics

    def ask(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            assert response.headers.get_content_type() == "application/json"
            return response.status, json.loads(response.read())
        finally:
            connection.close()


@pytest.fixture
def daemon() -> Generator[Daemon]:
    daemon = Daemon()
    yield daemon
    daemon.server.stop()


def test_the_state_is_the_picture(daemon: Daemon) -> None:
    status, state = daemon.ask("GET", "/api/state")
    assert status == 200
    assert msgspec.convert(state, Picture) == daemon.picture
    assert state["accounts"][0]["balance"] is None
    daemon.picture = msgspec.structs.replace(daemon.picture, phase="armed")
    assert daemon.ask("GET", "/api/state")[1]["phase"] == "armed"


def test_the_topology_is_passed_on(daemon: Daemon) -> None:
    assert daemon.ask("GET", "/api/topology") == (200, {"actors": [], "edges": []})


def test_alive_is_not_yet_ready(daemon: Daemon) -> None:
    assert daemon.ask("GET", "/livez")[0] == 200
    status, answer = daemon.ask("GET", "/readyz")
    assert status == 503
    assert answer["reason"] == "waiting for the first reconciliation"
    daemon.picture = msgspec.structs.replace(daemon.picture, phase="armed", detail=None)
    assert daemon.ask("GET", "/readyz")[0] == 200


@pytest.mark.parametrize("account", [7, None])
def test_panic_is_handed_on(daemon: Daemon, account: int | None) -> None:
    body = json.dumps({"account": account}).encode()
    assert daemon.ask("POST", "/api/panic", body, JSON)[0] == 202
    assert daemon.panics == [7]


def test_panic_while_not_armed_is_refused_in_the_words_of_the_operator_inlet(
    daemon: Daemon,
) -> None:
    daemon.picture = msgspec.structs.replace(daemon.picture, armed=False)
    status, answer = daemon.ask("POST", "/api/panic", b'{"account": null}', JSON)
    assert status == 409
    assert answer["error"].startswith("NOT ARMED: nothing was sent and nothing is locked.")
    assert daemon.panics == []


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b'{"account": 8}', JSON, 404),
        (b'{"account": "7"}', JSON, 400),
        (b'{"accounts": 7}', JSON, 400),
        (b"", JSON, 400),
        (b"account=7", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        (b'{"account": null' + b" " * 9000 + b"}", JSON, 413),
    ],
)
def test_a_panic_that_is_not_understood_does_nothing(
    daemon: Daemon, body: bytes, headers: dict[str, str], status: int
) -> None:
    answered, answer = daemon.ask("POST", "/api/panic", body, headers)
    assert answered == status
    assert answer["error"]
    assert daemon.panics == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:{port}"},
        {"Host": "127.0.0.1"},
        {"Host": "127.0.0.1:1"},
        {"Origin": "https://evil.example"},
        {"Origin": "http://localhost:1"},
        {"Origin": "null"},
    ],
)
def test_other_sites_are_refused(daemon: Daemon, headers: dict[str, str]) -> None:
    filled = {name: value.format(port=daemon.port) for name, value in headers.items()}
    assert daemon.ask("GET", "/api/state", None, filled)[0] == 403
    assert daemon.ask("POST", "/api/panic", b'{"account": null}', JSON | filled)[0] == 403
    assert daemon.panics == []


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]", "LOCALHOST"])
def test_this_machines_own_names_are_taken(daemon: Daemon, name: str) -> None:
    host = f"{name}:{daemon.port}"
    headers = {"Host": host, "Origin": f"http://{host}"}
    assert daemon.ask("GET", "/api/state", None, headers)[0] == 200


def test_errors_are_json(daemon: Daemon) -> None:
    assert daemon.ask("GET", "/nothing")[0] == 404
    assert daemon.ask("DELETE", "/api/state")[0] == 405


def test_a_fault_of_ours_is_a_500_without_details(daemon: Daemon) -> None:
    daemon.picture = None  # type: ignore[assignment]
    status, answer = daemon.ask("GET", "/readyz")
    assert (status, answer["error"]) == (500, "internal error; see the log")


class Listener:
    """Reads the event stream line by line."""

    def __init__(self, port: int) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        self.connection.request("GET", "/api/events")
        self.response = self.connection.getresponse()
        assert self.response.headers.get_content_type() == "text/event-stream"

    def next_state(self) -> Picture | None:
        while line := self.response.readline():
            if line.startswith(b"data: ") and b"phase" in line:
                return msgspec.json.decode(line.removeprefix(b"data: "), type=Picture)
        return None

    def close(self) -> None:
        self.response.close()
        self.connection.close()


def test_a_listener_gets_the_state_now_and_when_it_changes(daemon: Daemon) -> None:
    listener = Listener(daemon.port)
    assert listener.next_state() == daemon.picture
    for phase in ("armed", "degraded"):
        daemon.picture = msgspec.structs.replace(daemon.picture, phase=phase)
        assert listener.next_state() == daemon.picture
    listener.close()


def test_a_listener_stays_while_the_state_cannot_be_read(daemon: Daemon) -> None:
    listener = Listener(daemon.port)
    healthy = daemon.picture
    assert listener.next_state() == healthy
    del daemon.picture
    assert daemon.ask("GET", "/api/state")[0] == 500

    daemon.picture = msgspec.structs.replace(healthy, phase="armed")

    assert listener.next_state() == daemon.picture
    listener.close()


def test_an_unchanged_state_is_not_sent_again_but_that_the_guard_lives_is(daemon: Daemon) -> None:
    daemon.server._stream._alive_every_s = 0.01
    listener = Listener(daemon.port)
    listener.next_state()
    daemon.picture = msgspec.structs.replace(daemon.picture)
    assert listener.response.readline() == b"\n"
    assert listener.response.readline() == b"event: alive\n"
    listener.close()


def test_stopping_ends_open_streams_at_once(daemon: Daemon) -> None:
    listener = Listener(daemon.port)
    listener.next_state()
    daemon.server.stop()
    assert listener.next_state() is None
    listener.close()
    assert "web" not in {thread.name for thread in threading.enumerate()}
    daemon.server.stop()


def test_too_many_listeners_are_refused(daemon: Daemon) -> None:
    listeners = [Listener(daemon.port) for _ in range(16)]
    assert daemon.ask("GET", "/api/events")[0] == 503
    for listener in listeners:
        listener.close()


def serve(host: str, port: int) -> WebServer:
    daemon_picture = Picture(version="", mode="paper", armed=True, phase="armed")
    return WebServer(
        picture=lambda: daemon_picture,
        topology=dict,
        requests=TraderRig(lambda: daemon_picture).desk,
        host=host,
        port=port,
    )


def test_a_port_that_is_taken_gives_way_to_a_free_one_with_a_warning_naming_both() -> None:
    said: list[str] = []
    sink = logger.add(said.append, level="WARNING", format="{level} {message}")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        asked = taken.getsockname()[1]
        server = serve("127.0.0.1", asked)
        got = server.start()
        connection = http.client.HTTPConnection("127.0.0.1", got, timeout=5)
        connection.request("GET", "/livez")
        with connection.getresponse() as response:
            assert response.status == 200
            response.read()
        connection.close()
        server.stop()
    logger.remove(sink)
    assert got != asked
    (line,) = said
    assert line.startswith(f"WARNING HTTP port {asked} cannot be had (")
    assert line.endswith(f"serving on the free port {got} instead\n")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "example.com", ""])  # noqa: S104
def test_only_this_machine_is_served(host: str) -> None:
    with pytest.raises(WebError, match="reachable from outside"):
        serve(host, 0).start()
