"""Requests as bytes."""

import json
from typing import Any

import h11
import pytest

from risk_actors.projectx.wire_request import Requests, Target, target_of


@pytest.mark.parametrize(
    ("url", "target", "host"),
    [
        (
            "https://api.topstepx.com/api",
            Target("api.topstepx.com", 443, is_tls=True, path="/api"),
            "api.topstepx.com",
        ),
        (
            "http://127.0.0.1:8080/api/",
            Target("127.0.0.1", 8080, is_tls=False, path="/api"),
            "127.0.0.1:8080",
        ),
        ("http://[::1]:80", Target("::1", 80, is_tls=False, path=""), "[::1]"),
        ("https://h:80/x", Target("h", 80, is_tls=True, path="/x"), "h:80"),
        (
            "HTTPS://Bücher.example/",
            Target("xn--bcher-kva.example", 443, is_tls=True, path=""),
            None,
        ),
    ],
)
def test_an_address_leads_to_its_host(url: str, target: Target, host: str | None) -> None:
    assert target_of(url) == target
    assert target.host_header == (host or target.host)


@pytest.mark.parametrize(
    "url",
    ["", "ftp://h/", "https://", "http://h:port/", "http://u:p@h/", "http://h/a b", "http://h/?q"],
)
def test_an_address_that_we_cannot_speak_to_is_none(url: str) -> None:
    assert target_of(url) is None


def parsed(data: bytes) -> tuple[h11.Request, dict[bytes, bytes], bytes]:
    """Return what a server makes of the bytes: exactly one request."""
    server: Any = h11.Connection(h11.SERVER)
    server.receive_data(data)
    request = server.next_event()
    body = b""
    while isinstance(event := server.next_event(), h11.Data):
        body += event.data
    assert isinstance(event, h11.EndOfMessage)
    assert server.trailing_data == (b"", False)
    return request, dict(request.headers), body


def requests() -> Requests:
    target = target_of("http://h:81/api")
    assert target is not None
    return Requests(target)


def test_a_post_is_one_request_with_its_token_and_body() -> None:
    body = json.dumps({"accountId": 101}).encode()

    request, headers, sent = parsed(requests().post("/Position/closeContract", "a.b-c", body))

    assert (request.method, request.target) == (b"POST", b"/api/Position/closeContract")
    assert request.http_version == b"1.1"
    assert sent == body
    assert headers == {
        b"host": b"h:81",
        b"user-agent": b"risk-actors",
        b"accept": b"application/json",
        b"content-type": b"application/json",
        b"connection": b"keep-alive",
        b"authorization": b"Bearer a.b-c",
        b"content-length": str(len(body)).encode(),
    }


def test_a_new_token_is_used_from_the_next_request_on() -> None:
    composing = requests()
    said = [parsed(composing.post("/x", token, b"{}"))[1] for token in ("one", "two", "two", "one")]

    assert [each[b"authorization"] for each in said] == [
        b"Bearer one",
        b"Bearer two",
        b"Bearer two",
        b"Bearer one",
    ]


@pytest.mark.parametrize("token", ["a\r\nX: y", "a b", "ä", "a\x00"])
def test_a_token_that_would_end_its_line_is_not_sent(token: str) -> None:
    with pytest.raises(ValueError, match="token"):
        requests().post("/x", token, b"{}")


def test_a_ping_says_nobody() -> None:
    request, headers, body = parsed(requests().get("/Status/ping"))

    assert (request.method, request.target, body) == (b"GET", b"/api/Status/ping", b"")
    assert b"authorization" not in headers
