"""Attacks by a page elsewhere, by a rebound name, and by clients that mean no good."""

import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from risk_actors.web import server as server_module
from tests.web.served import JSON, Served

type Serve = Callable[..., Served]
PANIC = b'{"account": null}'


def refused_everywhere(served: Served, headers: dict[str, str]) -> bool:
    """Tell whether reading and acting are refused alike, and nothing was done."""
    filled = {name: value.format(port=served.port) for name, value in headers.items()}
    statuses = {
        served.ask("/api/state", headers=filled).status,
        served.ask("/api/events", headers=filled).status,
        served.ask("/openapi.json", headers=filled).status,
        served.ask("/nothing", headers=filled).status,
        served.ask("/api/panic", "POST", PANIC, JSON | filled).status,
        served.ask("/api/state", "OPTIONS", None, filled).status,
    }
    return statuses == {403} and served.trader.panics == []


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:{port}",
        "127.0.0.1",
        "127.0.0.1:1",
        "127.0.0.1.evil.example:{port}",
        "evil.example@127.0.0.1:{port}",
        "127.0.0.1:{port}@evil.example",
        "localhost.:{port}",
        "192.168.1.7:{port}",
        "0.0.0.0:{port}",
        "[::2]:{port}",
        "[::1:{port}",
        "127.1:{port}",
        "2130706433:{port}",
        "127.0.0.1:{port}/",
        "",
    ],
)
def test_a_name_that_is_not_ours_is_refused(serve: Serve, host: str) -> None:
    assert refused_everywhere(serve(), {"Host": host})


def test_two_hosts_are_refused(serve: Serve) -> None:
    served = serve()
    own = f"127.0.0.1:{served.port}"

    for hosts in ((own, "evil.example"), ("evil.example", own), ()):
        lines = "".join(f"Host: {host}\r\n" for host in hosts)
        answer = said_to(served, f"GET /api/state HTTP/1.1\r\n{lines}Connection: close\r\n\r\n")
        assert answer.split(b" ")[1] in (b"400", b"403")


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "",
        "file://",
        "http://localhost:1",
        "https://127.0.0.1:{port}",
        "http://evil.example:{port}",
        "http://127.0.0.1:{port}.evil.example",
        "http://127.0.0.1:{port}, https://evil.example",
        "http://localhost:{port}",
        "http://[::1]:{port}",
    ],
)
def test_other_origins_are_refused(serve: Serve, origin: str) -> None:
    assert refused_everywhere(serve(), {"Origin": origin})


@pytest.mark.parametrize("site", ["cross-site", "same-site", "CROSS-SITE", "anything"])
def test_what_the_browser_says_comes_from_elsewhere_is_refused(serve: Serve, site: str) -> None:
    served = serve()

    assert refused_everywhere(served, {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"})
    assert refused_everywhere_but_pages(served, site)


def refused_everywhere_but_pages(served: Served, site: str) -> bool:
    """Tell whether a followed link leads to the dashboard, and to no data and no deed."""
    link = {
        "Sec-Fetch-Site": site,
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
    }
    return (
        served.ask("/", headers=link).status == 200
        and served.ask("/", headers={**link, "Sec-Fetch-Dest": "iframe"}).status == 403
        and served.ask("/api/state", headers=link).status == 403
        and served.ask("/api/panic", "POST", PANIC, JSON | link).status == 403
        and served.trader.panics == []
    )


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:{port}"},
        {"Sec-Fetch-Site": "none"},
        {"Host": "localhost:{port}", "Origin": "http://localhost:{port}"},
        {"Host": "LOCALHOST:{port}"},
        {"Host": "LOCALHOST:{port}", "Origin": "http://localhost:{port}"},
        {"Host": "[::1]:{port}"},
    ],
)
def test_our_own_page_and_programs_without_a_browser_are_served(
    serve: Serve, headers: dict[str, str]
) -> None:
    served = serve()
    filled = {name: value.format(port=served.port) for name, value in headers.items()}

    assert served.ask("/api/state", headers=filled).status == 200
    assert served.ask("/api/panic", "POST", PANIC, JSON | filled).status == 202


@pytest.mark.parametrize(
    "kind",
    [
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "text/plain",
        "text/plain; application/json",
        "",
    ],
)
def test_what_a_form_can_send_does_nothing(serve: Serve, kind: str) -> None:
    served = serve()

    reply = served.ask("/api/panic", "POST", PANIC, {"Content-Type": kind})

    assert reply.status == 415
    assert reply.json["error"] == "send application/json"
    assert served.trader.panics == []


def test_nobody_elsewhere_is_let_in_by_a_preflight(serve: Serve) -> None:
    served = serve()
    asked = {
        "Origin": f"http://127.0.0.1:{served.port}",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }

    reply = served.ask("/api/panic", "OPTIONS", None, asked)

    assert reply.status == 405
    assert not [name for name in reply.headers if name.lower().startswith("access-control")]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/api/state", 200),
        ("GET", "/api/events", 200),
        ("HEAD", "/api/state", 200),
        ("GET", "/nothing", 404),
        ("DELETE", "/api/state", 405),
        ("GET", "/api/panic", 405),
        ("POST", "/api/panic", 415),
        ("GET", "/api/state?token=x", 400),
    ],
)
def test_every_answer_has_the_strict_headers(
    serve: Serve, method: str, path: str, status: int
) -> None:
    reply = serve().ask(path, method)

    assert reply.status == status
    policy = reply.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'self';")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert reply.headers["X-Content-Type-Options"] == "nosniff"
    assert reply.headers["Referrer-Policy"] == "same-origin"
    assert reply.headers["X-Frame-Options"] == "DENY"
    assert reply.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert reply.headers["Cache-Control"] in ("no-store", "no-cache")
    assert reply.headers["Server"] == "risk-actors"


def test_head_has_no_body_and_takes_no_place_in_the_stream(serve: Serve) -> None:
    served = serve()

    assert served.ask("/api/state", "HEAD").body == b""
    assert {served.ask("/api/events", "HEAD").status for _ in range(20)} == {405}
    assert served.ask("/api/events").status == 200


@pytest.mark.parametrize(
    "path",
    [
        "/../../etc/passwd",
        "/static/../../../etc/passwd",
        "/static/%2e%2e/%2e%2e/etc/passwd",
        "/static/..%2f..%2f..%2fetc%2fpasswd",
        "/static//etc/passwd",
        "/static/%00",
        "/api/../../risk.db",
        "/risk.db",
        "/daemon.json",
    ],
)
def test_no_path_leads_to_a_file(serve: Serve, tmp_path: Path, path: str) -> None:
    (tmp_path / "daemon.json").write_text("{}")
    served = serve(tmp_path)

    reply = served.ask(path)

    assert reply.status in (400, 403, 404)
    assert b"root:" not in reply.body


@pytest.mark.parametrize("token", ["token", "access_token", "Token"])
def test_a_token_in_an_address_is_refused_with_a_reason(serve: Serve, token: str) -> None:
    reply = serve().ask(f"/api/state?{token}=abcdefghijklmnop")

    assert reply.status == 400
    assert "Authorization: Bearer" in reply.json["error"]
    assert "abcdefghijklmnop" not in reply.json["error"]


def test_a_giant_body_is_not_taken_however_it_is_sent(serve: Serve) -> None:
    served = serve()
    body = PANIC[:-1] + b" " * 5_000_000 + b"}"

    assert served.ask("/api/panic", "POST", body[:9_000] + b"}", JSON).status == 413
    with closing(socket.create_connection(("127.0.0.1", served.port), timeout=10)) as sock:
        head = (
            f"POST /api/panic HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n"
            "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        sock.sendall(head.encode())
        try:
            for start in range(0, len(body), 65_536):
                chunk = body[start : start + 65_536]
                sock.sendall(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
        except OSError:
            pass  # closed before all of it was sent
        else:
            assert sock.recv(20).startswith(b"HTTP/1.1 413")
    assert served.trader.panics == []
    assert served.ask("/livez").status == 200


@pytest.mark.parametrize(
    "head",
    [
        "GET /" + "a" * 20_000 + " HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nX: " + "a" * 20_000 + "\r\n\r\n",
        "GET / HTTP/1.1\r\n" + "X: y\r\n" * 5_000 + "\r\n",
        "nonsense\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
    ],
)
def test_what_is_no_request_is_refused_and_hurts_nobody(serve: Serve, head: str) -> None:
    served = serve()

    answer = said_to(served, head)

    assert answer == b"" or answer.split(b" ")[1] in (b"400", b"403", b"414", b"431")
    assert served.trader.panics == []
    assert served.ask("/livez").status == 200


def said_to(served: Served, text: str) -> bytes:
    """Return what is answered to bytes as they are; the other side may close at any time."""
    with closing(socket.create_connection(("127.0.0.1", served.port), timeout=3)) as sock:
        try:
            sock.sendall(text.encode("latin-1"))
            return sock.recv(4096)
        except (ConnectionError, TimeoutError):
            return b""


def test_whoever_sends_nothing_or_half_a_request_is_hung_up_on(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "_IDLE_S", 0.3)
    served = serve()
    for said in (b"", b"GET /api/state HTTP/1.1\r\nHost: 127", b"GET"):
        with closing(socket.create_connection(("127.0.0.1", served.port), timeout=10)) as sock:
            sock.sendall(said)
            assert sock.recv(1000) == b""


def test_a_body_that_does_not_come_is_given_up(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("risk_actors.web.trader.BODY_TIMEOUT_S", 0.2)
    served = serve()
    head = (
        f"POST /api/panic HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n"
        "Content-Type: application/json\r\nContent-Length: 17\r\n\r\n{"
    )
    with closing(socket.create_connection(("127.0.0.1", served.port), timeout=10)) as sock:
        sock.sendall(head.encode())
        assert sock.recv(1000).startswith(b"HTTP/1.1 408")
    assert served.trader.panics == []
