"""The doctor on `[alerts]` and `[web]`: what would fail is said before it is needed."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from risk_actors.app.doctor import Examined, examine
from risk_actors.app.doctor_words import Check, State
from risk_actors.app.settings import TradingMode
from risk_actors.core.rules.examples import example_of
from tests.alerts.sink import HttpSink

pytestmark = pytest.mark.real_time

SECRET = "s3cr3t-0815-t0ken"
LIVE = TradingMode.LIVE
"""Without credentials nobody is asked, so that only these lines take their time."""


@pytest.fixture
def settings_dir(tmp_path: Path) -> Path:
    directory = tmp_path / "settings"
    directory.mkdir()
    (directory / "risk.toml").write_text(example_of("daily_loss_limit"), encoding="utf-8")
    return directory


@pytest.fixture
def sink() -> Iterator[HttpSink]:
    with HttpSink() as server:
        yield server


def lines(
    settings_dir: Path, app: str, variables: dict[str, str] | None = None, *, send: bool = False
) -> dict[str, Check]:
    (settings_dir / "app.toml").write_text(app, encoding="utf-8")
    data_dir = settings_dir.parent / "data"
    examined: Examined = examine(settings_dir, data_dir, LIVE, variables or {}, send=send)
    assert SECRET not in repr(examined)
    for check in examined.checks:
        assert (check.state is State.OK) == (check.todo is None)
    return {check.id: check for check in examined.checks}


def channel(name: str, url: str) -> str:
    return f'[[alerts.channels]]\nname = "{name}"\nurl = "{url}"\n'


def test_what_cannot_be_told_is_found_without_sending_anything(
    settings_dir: Path, sink: HttpSink
) -> None:
    app = (
        f'[alerts]\nheartbeat_url = "env:BEAT"\n{channel("good", sink.url(SECRET))}'
        f"{channel('unset', 'env:PHONE_URL')}{channel('odd', f'nosuchthing://{SECRET}')}"
        f"{channel('gone', 'file:gone.url')}{channel('weak', 'mailto://me:hunt@example.com')}"
    )
    found = lines(settings_dir, app, {"BEAT": f"ftp://127.0.0.1/{SECRET}"})

    told = found["alerts"]
    assert told.state is State.FAILED
    assert told.says.startswith("4 of 5 cannot deliver:")
    assert "unset (env:PHONE_URL): the environment variable PHONE_URL is not set" in told.says
    assert "odd (nosuchthing://[hidden]): the address is not one that apprise knows" in told.says
    assert "gone (file:gone.url): the file" in told.says
    assert "weak (mailto://[hidden]): its password or token has fewer than 6" in told.says
    assert found["heartbeat"].state is State.FAILED
    assert "env:BEAT: the address is not http://" in found["heartbeat"].says
    assert sink.taken == 0


def test_only_when_asked_a_message_is_sent_and_the_heartbeat_is_never_fetched(
    settings_dir: Path, sink: HttpSink
) -> None:
    beat = f'[alerts]\nheartbeat_url = "http://127.0.0.1:{sink.port}/{SECRET}"\n'
    app = beat + channel("phone", "env:PHONE")
    url = {"PHONE": sink.url(SECRET)}
    assert lines(settings_dir, app, url)["alerts"].state is State.OK
    assert sink.taken == 0

    found = lines(settings_dir, app, url, send=True)
    assert (found["alerts"].state, found["heartbeat"].state) == (State.OK, State.OK)
    assert "its host is reached" in found["heartbeat"].says
    assert "this is a test, nothing has happened" in sink.text()
    assert sink.taken == 1


def test_a_service_that_is_not_there_fails_when_it_is_tried(settings_dir: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    beat = f'[alerts]\nheartbeat_url = "http://127.0.0.1:{port}/{SECRET}"\n'
    app = beat + channel("phone", f"json://127.0.0.1:{port}/{SECRET}")
    found = lines(settings_dir, app, send=True)
    assert (found["alerts"].state, found["heartbeat"].state) == (State.FAILED, State.FAILED)
    assert "phone (json://[hidden]): " in found["alerts"].says
    assert f"127.0.0.1:{port}" in found["heartbeat"].says


@pytest.mark.skipif(os.name != "posix", reason="file modes")
def test_a_file_with_an_address_is_to_be_ones_own(settings_dir: Path, sink: HttpSink) -> None:
    address = settings_dir / "phone.url"
    address.write_text(sink.url(SECRET))
    address.chmod(0o644)
    app = channel("phone", "file:phone.url")
    assert lines(settings_dir, app)["alerts"].todo == f"chmod 600 {address}"
    address.chmod(0o600)
    assert lines(settings_dir, app)["alerts"].state is State.OK


WEB = {
    "a token file that is not there": ('token_file = "gone"', {}, "cannot be read"),
    "one that is too short": ('token_file = "short"', {}, "16 or more characters"),
    "one that others may read": ('token_file = "open"', {}, "can be read by others"),
    "a variable that is too short": ("", {"RISK_ACTORS_WEB_TOKEN": "abc"}, "16 or more"),
    "no address of this machine": ('host = "192.0.2.7"\ntoken_file = "good"', {}, "no address of"),
    "no name of a machine": ('host = "no such"\ntoken_file = "good"', {}, "no such name"),
}


@pytest.mark.skipif(os.name != "posix", reason="file modes")
@pytest.mark.parametrize("name", WEB)
def test_who_could_not_be_let_in_or_could_but_should_not(settings_dir: Path, name: str) -> None:
    for file, text, mode in (
        ("short", "abc", 0o600),
        ("open", SECRET, 0o644),
        ("good", SECRET, 0o600),
    ):
        (settings_dir / file).write_text(text)
        (settings_dir / file).chmod(mode)
    table, variables, says = WEB[name]
    found = lines(settings_dir, f"[web]\n{table}\n", variables)["web"]
    assert found.state is State.FAILED
    assert says in found.says


@pytest.mark.skipif(os.name != "posix", reason="file modes")
def test_other_machines_need_a_token_and_are_warned_of(settings_dir: Path) -> None:
    (settings_dir / "good").write_text(SECRET)
    (settings_dir / "good").chmod(0o600)
    found = lines(settings_dir, '[web]\nhost = "0.0.0.0"\nport = 0\ntoken_file = "good"\n')
    assert found["web"].state is State.WARNING
    found = lines(settings_dir, '[web]\nhost = "0.0.0.0"\n')
    assert (found["web"].state, found["settings"].state) == (State.NOT_CHECKED, State.FAILED)
    assert "only this machine may be served" in found["settings"].says
    assert (found["port"].state, found["port"].says) == (State.NOT_CHECKED, "app.toml is wrong")
