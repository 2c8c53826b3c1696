"""Whom a command talks to: after a sudden end another guard may have the port that was left."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from risk_actors.actors.picture import Picture
from risk_actors.app import doctor_look as look
from risk_actors.app.doctor_guard import judge_daemon
from risk_actors.app.doctor_words import State
from risk_actors.cli import client
from risk_actors.cli.main import main
from risk_actors.web.token_file import TOKEN_VARIABLE
from tests.cli.conftest import RUN, Daemon

pytestmark = [pytest.mark.real_time]

type Run = Callable[[Picture], Daemon]
TOKEN = "a-token-of-ours-0123456789"
READING = (["status"], ["status", "--json"], ["rules"], ["locks"], ["topology", "--live"])
DEEDS = (
    ["panic", "--yes"],
    ["disarm", "--reason", "x"],
    ["arm"],
    ["unlock", "1", "--reason", "x"],
    ["unlock", "1", "--withdraw"],
)


SENT_AT_ONCE = (DEEDS[0], DEEDS[2], DEEDS[4])
"""The others read the state before."""


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, list(map(str, arguments)))


def leave(data_dir: Path, port: int, run: str = RUN) -> None:
    told = {"host": "127.0.0.1", "port": port, "pid": 1, "run": run}
    (data_dir / "daemon.json").write_text(json.dumps(told))


@contextmanager
def answering(*answers: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """Serve one connection with an answer to each request, then with none; yield what it heard."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            met, _ = server.accept()
            with met:
                for answer in (*answers, b""):
                    heard.append(met.recv(65_536))
                    if answer:
                        met.sendall(answer)
                while met.recv(65_536):
                    pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1], heard
    thread.join(5)


def reply(body: bytes, status: str = "200 OK", headers: bytes = b"") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n".encode()
    return head + headers + b"\r\n" + body


OURS = reply(json.dumps({"run": RUN, "pid": 1}).encode())


@pytest.mark.parametrize("command", [*READING, *DEEDS], ids=" ".join)
def test_another_guard_on_the_port_is_told_apart_and_asked_nothing(
    run_daemon: Run, pictures: dict[str, Picture], tmp_path: Path, command: list[str]
) -> None:
    daemon = run_daemon(pictures["locked"])
    port = json.loads((tmp_path / "daemon.json").read_text())["port"]
    leave(tmp_path, port, run="f" * 32)
    result = call(*command, "--data", tmp_path)
    assert result.exit_code == 1
    assert f"another guard answers on port {port}" in result.stderr
    assert ("was NOT sent" in result.stderr) is (command in SENT_AT_ONCE)
    assert daemon.panics == []


def test_no_token_is_sent_to_whoever_has_the_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)
    with answering(reply(b"<html>login</html>")) as (port, heard):
        leave(tmp_path, port)
        result = call("panic", "--yes", "--data", tmp_path)
    assert "another program answers on port" in result.stderr
    assert "PANIC was NOT sent: look at your broker's platform" in result.stderr
    assert heard[0].startswith(b"GET /api/run ")
    assert TOKEN.encode() not in b"".join(heard)


@pytest.mark.parametrize("command", SENT_AT_ONCE, ids=" ".join)
def test_a_guard_that_hangs_is_sent_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setattr(client, "_TIMEOUT_S", 0.2)
    with answering() as (port, heard):
        leave(tmp_path, port)
        result = call(*command, "--data", tmp_path)
    assert f"the guard on port {port} does not answer" in result.stderr
    assert "it hangs" in result.stderr
    assert "was NOT sent: look at your broker's platform" in result.stderr
    assert all(b"POST" not in each for each in heard)


@pytest.mark.parametrize("command", SENT_AT_ONCE, ids=" ".join)
def test_a_deed_that_nobody_answered_may_or_may_not_have_been_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.setattr(client, "_TIMEOUT_S", 0.5)
    monkeypatch.setattr(client, "_ACTING_TIMEOUT_S", 0.5)
    with answering(OURS) as (port, heard):
        leave(tmp_path, port)
        result = call(*command, "--data", tmp_path)
    assert heard[1].startswith(b"POST /api/")
    assert "MAY OR MAY NOT have been taken, or may be taken later" in result.stderr
    assert "look at your broker's platform" in result.stderr
    assert result.exit_code == 1


@pytest.mark.parametrize(
    "answer",
    [
        reply(b"", "302 Found", b"Location: /portal\r\n"),
        reply(b"<html>hotel</html>"),
        reply(b'{"accepted": true}'),
        reply(b"[]"),
    ],
)
def test_only_the_guards_own_answer_is_taken_for_done(tmp_path: Path, answer: bytes) -> None:
    with answering(OURS, answer) as (port, _):
        leave(tmp_path, port)
        result = call("panic", "--yes", "--data", tmp_path)
    assert result.exit_code == 1
    assert "MAY OR MAY NOT have been taken" in result.stderr


def test_the_guard_that_was_looked_for_is_asked(
    run_daemon: Run, pictures: dict[str, Picture], tmp_path: Path
) -> None:
    daemon = run_daemon(pictures["open"])
    result = call("panic", "--yes", "--data", tmp_path)
    assert result.exit_code == 0, result.stderr
    assert "The guard says: flattening and locking until the daily reset." in result.stdout
    assert daemon.panics == [101]
    assert "another" not in call("status", "--data", tmp_path).stderr


def test_panic_while_nothing_can_be_closed_says_so_before_and_after(
    run_daemon: Run, pictures: dict[str, Picture], tmp_path: Path
) -> None:
    run_daemon(pictures["blind"])
    result = call("panic", "--yes", "--account", "101", "--data", tmp_path)
    assert "CANNOT ACT: nothing can be seen or closed now" in result.stderr
    assert "locked here; NOTHING can be closed now: use your platform" in result.stdout
    assert "until it is FLAT" in result.stdout


def test_the_doctor_tells_another_guard_from_the_one_of_the_directory(
    run_daemon: Run, pictures: dict[str, Picture], tmp_path: Path
) -> None:
    run_daemon(pictures["open"])
    port = json.loads((tmp_path / "daemon.json").read_text())["port"]
    assert look.look_at_daemon(tmp_path).answers
    assert look.look_at_port("127.0.0.1", port, tmp_path).is_ours

    leave(tmp_path, port, run="f" * 32)
    seen = look.look_at_daemon(tmp_path)
    finding = judge_daemon(seen)
    assert (seen.answers, seen.is_another, finding.state) == (False, True, State.FAILED)
    assert "nothing is enforced now" in finding.says
    assert not look.look_at_port("127.0.0.1", port, tmp_path).is_ours
