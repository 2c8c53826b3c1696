"""The token: where it comes from, who is let in with it, and who is not."""

import http.client
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import pytest
from loguru import logger

from risk_actors.web.server import WebError
from risk_actors.web.token_file import TokenError, env_file_of, read_token, token_path
from risk_actors.web.tokens import COOKIE, SESSION_S, TokenGate
from tests.web.served import JSON, Reply, Served

type Serve = Callable[..., Served]
TOKEN = "a-token-of-ours-0123456789"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def guarded(serve: Serve) -> Served:
    return serve(token=TOKEN)


def log_in(served: Served, token: str = TOKEN) -> Reply:
    return served.ask("/login", "POST", urlencode({"token": token}).encode(), FORM)


def cookie_of(reply: Reply) -> dict[str, str]:
    return {"Cookie": str(reply.headers["Set-Cookie"]).split(";")[0]}


@pytest.mark.parametrize("path", ["/api/state", "/api/events", "/livez", "/openapi.json", "/none"])
def test_without_the_token_nothing_is_told(guarded: Served, path: str) -> None:
    reply = guarded.ask(path)

    assert reply.status == 401
    assert reply.headers["WWW-Authenticate"] == 'Bearer realm="risk-actors"'
    assert reply.json["error"] == (
        "a token is needed: send it in the header `Authorization`, after the word `Bearer`, or log"
        " in at /login"
    )


def test_without_the_token_nothing_is_done(guarded: Served) -> None:
    assert guarded.ask("/api/panic", "POST", b'{"account": null}', JSON).status == 401
    assert guarded.trader.panics == []
    assert guarded.ask("/api/panic", "POST", b'{"account": null}', JSON | BEARER).status == 202


def test_with_the_token_everything_is_served(guarded: Served) -> None:
    assert guarded.ask("/api/state", headers=BEARER).status == 200
    assert guarded.ask("/api/events", headers=BEARER).status == 200
    assert guarded.ask("/", headers=BEARER).status == 200


@pytest.mark.parametrize(
    "given",
    [
        "Bearer ",
        "Bearer a-token-of-ours-012345678",
        f"Bearer {TOKEN}x",
        f"Basic {TOKEN}",
        TOKEN,
        f"Bearer {TOKEN}, Bearer {TOKEN}",
        "Bearer " + "ä" * 10,
    ],
)
def test_a_wrong_token_is_refused_and_let_out_nowhere(guarded: Served, given: str) -> None:
    said: list[str] = []
    sink = logger.add(said.append, level="TRACE")
    reply = guarded.ask(
        "/api/state", headers={"Authorization": given.encode("latin-1").decode("latin-1")}
    )
    logger.remove(sink)

    assert reply.status == 401
    assert "is not right" in reply.json["error"]
    assert TOKEN not in reply.body.decode() + "".join(said)


def test_the_token_does_not_help_a_page_elsewhere(guarded: Served) -> None:
    for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}):
        assert guarded.ask("/api/state", headers=BEARER | headers).status == 403
        assert guarded.ask("/login", headers=headers).status == 403
    assert guarded.ask(f"/api/state?token={TOKEN}").status == 400


def test_a_browser_is_led_to_the_login_and_back_with_a_cookie(guarded: Served) -> None:
    led = guarded.ask("/", headers={"Accept": "text/html,*/*"})
    page = guarded.ask("/login")
    done = log_in(guarded)

    assert (led.status, led.headers["Location"]) == (303, "/login")
    assert page.status == 200
    assert b'type="password"' in page.body
    assert b"<script" not in page.body
    assert b"style" not in page.body
    assert (done.status, done.headers["Location"]) == (303, "/")
    cookie = str(done.headers["Set-Cookie"])
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= {*cookie.split("; ")}
    assert TOKEN not in cookie
    assert guarded.ask("/api/state", headers=cookie_of(done)).status == 200
    assert guarded.ask("/api/events", headers=cookie_of(done)).status == 200


def test_the_form_of_the_login_page_is_taken_as_a_browser_sends_it(guarded: Served) -> None:
    # A browser names the origin of a form only where the page's own policy lets it.
    assert guarded.ask("/login").headers["Referrer-Policy"] == "same-origin"
    own = {
        "Origin": f"http://127.0.0.1:{guarded.port}",
        "Sec-Fetch-Site": "same-origin",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
    }
    body = urlencode({"token": TOKEN}).encode()

    assert guarded.ask("/login", "POST", body, FORM | own).status == 303
    assert guarded.ask("/login", "POST", body, FORM | own | {"Origin": "null"}).status == 403


def test_a_wrong_token_at_the_login_gets_no_cookie(guarded: Served) -> None:
    for token in ("", "wrong", TOKEN + "x"):
        reply = log_in(guarded, token)
        assert reply.status == 401
        assert "Set-Cookie" not in reply.headers
        assert b"not right" in reply.body
    assert guarded.ask("/login", "POST", b'{"token": "x"}', JSON).status == 415
    assert guarded.ask("/login", "POST", b"token=" + b"x" * 9_000, FORM).status == 413
    assert guarded.ask("/api/state", headers={"Cookie": f"{COOKIE}={TOKEN}"}).status == 401


def test_a_cookie_ends_with_the_logout(guarded: Served) -> None:
    cookie = cookie_of(log_in(guarded))

    assert guarded.ask("/logout", "POST", b"", cookie).status == 303
    assert guarded.ask("/api/state", headers=cookie).status == 401


def test_a_cookie_ends_after_its_time_and_only_so_many_are_kept() -> None:
    now_s = 0.0
    gate = TokenGate(TOKEN, lambda: now_s)
    first = gate._begin_session()
    assert first
    for _ in range(100):
        gate._begin_session()
    assert len(gate._sessions) == 64
    now_s = SESSION_S
    gate._begin_session()
    assert len(gate._sessions) == 1


def test_who_guesses_is_slow_and_keeps_nobody_out(guarded: Served) -> None:
    statuses: list[int] = []

    def guess() -> None:
        wrong = {"Authorization": "Bearer guess"}
        statuses.append(guarded.ask("/api/state", headers=wrong).status)

    began = time.monotonic()
    threads = [threading.Thread(target=guess) for _ in range(20)]
    for thread in threads:
        thread.start()
    assert guarded.ask("/api/state", headers=BEARER).status == 200
    for thread in threads:
        thread.join()

    assert time.monotonic() - began >= 0.5
    assert {*statuses} == {401, 429}


# --- beyond this machine ------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.2", "example.com", ""])  # noqa: S104
def test_beyond_this_machine_nothing_starts_without_a_token(serve: Serve, host: str) -> None:
    with pytest.raises(WebError, match=r"from outside.*token_file.*RISK_ACTORS_WEB_TOKEN"):
        serve(host=host)


def test_beyond_this_machine_it_is_called_by_address_and_not_by_a_name(serve: Serve) -> None:
    served = serve(host="0.0.0.0", token=TOKEN)  # noqa: S104 - that is what is tested

    def asked_as(host: str) -> int:
        origin = f"http://{host}:{served.port}"
        named = {"Host": f"{host}:{served.port}", "Origin": origin}
        return served.ask("/api/state", headers=BEARER | named).status

    assert [asked_as(host) for host in ("127.0.0.1", "localhost", "10.0.0.7", "[fe80::1]")] == [
        200
    ] * 4
    assert asked_as("evil.example") == 403
    assert served.ask("/api/state").status == 401


def test_beyond_this_machine_a_page_at_another_address_is_another_site(serve: Serve) -> None:
    served = serve(host="0.0.0.0", token=TOKEN)  # noqa: S104 - that is what is tested
    own = f"127.0.0.1:{served.port}"

    for origin, status in (
        (f"http://{own}", 200),
        (f"http://10.0.0.7:{served.port}", 403),
        (f"http://localhost:{served.port}", 403),
        (f"https://{own}", 403),
    ):
        headers = BEARER | {"Host": own, "Origin": origin}
        assert served.ask("/api/state", headers=headers).status == status


# --- where it comes from ------------------------------------------------------------------------


def test_no_token_is_set(tmp_path: Path) -> None:
    assert read_token(None, {}) is None
    assert token_path("", tmp_path) is None
    assert token_path("web.token", tmp_path) == tmp_path / "web.token"
    assert token_path("/etc/web.token", tmp_path) == Path("/etc/web.token")


def test_the_environment_beats_the_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    file.chmod(0o600)

    assert read_token(file, {}) == TOKEN
    assert read_token(file, {"RISK_ACTORS_WEB_TOKEN": "another-token-of-ours"}) == (
        "another-token-of-ours"
    )


@pytest.mark.parametrize("text", ["", "short", "two words of a token", "ein-schönes-token-mit-ö"])
def test_a_bad_token_is_refused_with_the_way_to_make_one(tmp_path: Path, text: str) -> None:
    file = tmp_path / "token"
    file.write_text(text, encoding="utf-8")
    file.chmod(0o600)

    with pytest.raises(TokenError, match="token_urlsafe") as told:
        read_token(file, {})
    assert text == "" or text not in str(told.value)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(TokenError, match="cannot be read: No such file"):
        read_token(tmp_path / "none", {})


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TOKEN)
    file.chmod(0o640)

    with pytest.raises(TokenError, match="chmod 600"):
        read_token(file, {})


def test_the_token_is_in_no_answer(guarded: Served) -> None:
    for path in ("/api/state", "/api/topology", "/openapi.json", "/login", "/api/schema/messages"):
        assert TOKEN.encode() not in guarded.ask(path, headers=BEARER).body
    connection = http.client.HTTPConnection("127.0.0.1", guarded.port, timeout=5)
    connection.request("GET", "/nothing", headers=BEARER)
    response = connection.getresponse()
    assert TOKEN not in str(response.headers) + response.read().decode()
    connection.close()


def dotenv(directory: Path, text: str, mode: int = 0o600) -> Path:
    directory.mkdir(exist_ok=True)
    file = directory.resolve() / ".env"
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)
    return file


def test_the_token_is_read_from_the_first_dotenv_file_that_names_it(tmp_path: Path) -> None:
    here, beside = tmp_path / "here", tmp_path / "beside"
    dotenv(here, "PROJECT_X_USERNAME=me\n")
    assert env_file_of([here, beside]) is None
    file = dotenv(beside, f'# ours\nexport RISK_ACTORS_WEB_TOKEN="{TOKEN}"\n')
    assert env_file_of([here, beside, beside]) == file
    assert read_token(None, {}, env_file=file) == TOKEN


def test_the_environment_beats_the_dotenv_file_and_that_the_token_file(tmp_path: Path) -> None:
    file = dotenv(tmp_path, f"RISK_ACTORS_WEB_TOKEN={TOKEN}\n")
    other = tmp_path / "token"
    other.write_text("another-token-of-ours\n")
    other.chmod(0o600)
    named = {"RISK_ACTORS_WEB_TOKEN": "a-third-token-of-ours"}
    assert read_token(other, named, env_file=file) == "a-third-token-of-ours"
    assert read_token(other, {}, env_file=file) == TOKEN
    assert read_token(other, {"RISK_ACTORS_WEB_TOKEN": ""}, env_file=file) == (
        "another-token-of-ours"
    )


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        (f"RISK_ACTORS_WEB_TOKEN {TOKEN}\n", 0o600, "write NAME=value"),
        ("RISK_ACTORS_WEB_TOKEN=short\n", 0o600, "16 or more"),
        pytest.param(
            f"RISK_ACTORS_WEB_TOKEN={TOKEN}\n",
            0o644,
            "can be read by others",
            marks=pytest.mark.skipif(os.name != "posix", reason="file modes"),
        ),
    ],
)
def test_a_token_in_a_dotenv_file_that_cannot_be_used_is_refused(
    tmp_path: Path, text: str, mode: int, said: str
) -> None:
    dotenv(tmp_path, text, mode)
    with pytest.raises(TokenError, match=said):
        read_token(None, {}, env_file=env_file_of([tmp_path]))
