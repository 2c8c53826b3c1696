"""A URL is a credential: it is nowhere to be found but in the request itself."""

import io
import logging
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from risk_actors.alerts.addresses import AddressError, resolve, secret_parts, without_secrets
from risk_actors.alerts.settings import shown_source
from risk_actors.app.logs import Logs
from risk_actors.app.settings import LogLevel, LogSettings
from risk_actors.projectx.secrets import scrub
from tests.alerts.builders import channel, critical, settings
from tests.alerts.conftest import Service
from tests.alerts.sink import HttpSink
from tests.conftest import eventually

TOKEN = "xoxb-31337-s3cr3t"


@pytest.mark.parametrize(
    "address",
    [
        f"discord://123456789012/{TOKEN}",
        f"tgram://{TOKEN}/12315544/",
        f"mailto://me:{TOKEN}@example.com",
        f"ntfy://{TOKEN}",
        f"json://localhost/{TOKEN}",
        f"jsons://example.com/?token={TOKEN}",
        f"slack://T1JJ3T3L2/A1BRTD4JD/{TOKEN}/#general",
        f"https://hc-ping.com/{TOKEN}",
        f"json://host:not-a-port/{TOKEN}",
    ],
)
def test_every_part_that_may_be_a_credential_is_hidden(address: str, tmp_path: Path) -> None:
    assert TOKEN not in without_secrets(f"cannot reach {address} ({TOKEN})", address)
    assert resolve(address, tmp_path, {}) == address
    assert TOKEN not in scrub(f"GET {address} /{TOKEN}")


SHORT = {
    "a word for a password": ("mailto://bob:hunter@gmail.com?to=x@y.com", "hunter"),
    "one with a digit": ("mailto://bob:hunter2@gmail.com?to=x@y.com", "hunter2"),
    "one that is quoted": ("mailto://bob:hun%40ter@gmail.com", "hun@ter"),
    "a password in the query": ("mailto://gmail.com?user=bob&pass=hunter", "hunter"),
    "a token of a service": ("tgram://123:ABCDEF/1", "ABCDEF"),
    "a topic": ("ntfys://mytopic", "mytopic"),
}
TOO_SHORT = {
    "a password": ("mailto://bob:hun7t@gmail.com", "hun7t"),
    "one that is quoted": ("mailto://bob:%40%40%40%40@gmail.com", "%40%40"),
    "one in the query": ("mailto://gmail.com?user=bob&pass=x9", "x9"),
    "a key of a heartbeat": ("https://example.com/beat?key=k3y", "k3y"),
    "a topic": ("ntfys://tpc5", "tpc5"),
    "a token": ("tgram://12:ab/34", "12:ab"),
}


@pytest.mark.parametrize("name", SHORT)
def test_a_short_password_is_hidden_too(name: str, tmp_path: Path) -> None:
    address, secret = SHORT[name]
    resolve(address, tmp_path, {})
    assert secret not in scrub(f"login with {secret} failed")


@pytest.mark.parametrize("name", TOO_SHORT)
def test_one_too_short_to_be_hidden_is_refused_and_not_told(name: str, tmp_path: Path) -> None:
    address, secret = TOO_SHORT[name]
    with pytest.raises(AddressError, match="fewer than 6 characters") as caught:
        resolve("env:WHERE", tmp_path, {"WHERE": address})
    assert secret not in str(caught.value)


@pytest.mark.parametrize("address", ["discord://1234/a-long-token", "slack://T1/A1/tokens/#g"])
def test_a_short_id_beside_a_token_is_no_short_token(address: str, tmp_path: Path) -> None:
    assert resolve(address, tmp_path, {}) == address


def test_ordinary_words_of_an_address_are_not_blotted_out(tmp_path: Path) -> None:
    resolve("mailto://robert:hunter2@gmail.com/folder?to=x@y.com&mode=markets", tmp_path, {})
    resolve("json://server/mnqhook", tmp_path, {})
    plain = "robert folder markets server mnqhook"
    assert scrub(plain) == plain


@pytest.mark.parametrize(
    "url", [f"env:discord://12345678901/{TOKEN}", f"env:tgram/123:{TOKEN}", f"file:tgram://{TOKEN}"]
)
def test_an_address_in_place_of_a_name_is_shown_nowhere(url: str, tmp_path: Path) -> None:
    with pytest.raises(AddressError) as caught:
        resolve(url, tmp_path, {})
    assert TOKEN not in f"{caught.value}{shown_source(url)}"


def test_a_machines_name_is_no_secret() -> None:
    assert not {"localhost", "example.com"} & {
        *secret_parts("json://localhost/abcdef"),
        *secret_parts("json://example.com/abcdef"),
    }


def test_an_empty_variable_is_no_address(tmp_path: Path) -> None:
    with pytest.raises(AddressError, match="env:PHONE is empty"):
        resolve("env:PHONE", tmp_path, {"PHONE": " "})


@pytest.mark.real_time
@pytest.mark.parametrize("status", [200, 500])
def test_no_log_holds_the_url_whatever_comes_of_it(
    status: int, service: Service, sink: HttpSink, tmp_path: Path
) -> None:
    """With every library's loudest level, as someone who looks for a fault sets it."""
    console = io.StringIO()
    logs = Logs(
        data_dir=tmp_path / "data",
        settings=LogSettings(console_level=LogLevel.DEBUG, file_level=LogLevel.DEBUG),
        scrub=scrub,
        zone=ZoneInfo("UTC"),
        console=console,
    )
    logs.start()
    logging.root.setLevel(logging.DEBUG)
    try:
        sink.status = status
        service.use(
            settings(
                channel(sink.url(f"{TOKEN}?to={TOKEN}")),
                channel(f"json://127.0.0.1:9/{TOKEN}", name="nobody"),
                channel(f"nonsense://{TOKEN}", name="wrong"),
                heartbeat_url=f"http://127.0.0.1:9/{TOKEN}",
                heartbeat_every_s=1.0,
            )
        )
        service.service.post(critical())
        eventually(
            lambda: (
                all(p.sent or p.last_failure for p in service.service.picture()) and sink.letters
            )
        )
        service.service.stop()
    finally:
        logs.stop()

    assert TOKEN in sink.paths[0]
    written = "".join(f.read_text() for f in (tmp_path / "data").iterdir())
    picture = msgspec.json.encode(service.service.picture()).decode()
    told = "".join(service.faults)
    for place in (written, console.getvalue(), picture, told):
        assert TOKEN not in place
    assert "does not deliver" in written


def test_an_error_in_a_door_is_told_without_the_url(service: Service) -> None:
    class Broken:
        def __init__(self, address: str) -> None:
            self.address = address

        def send(self, letter: object, timeout_s: float) -> str | None:
            raise RuntimeError(f"cannot reach {self.address}")

    service.service._open_door = Broken
    service.use(settings(channel(f"tgram://{TOKEN}/1")))
    service.service.post(critical())

    eventually(lambda: service.service.picture()[0].is_failing)
    (fault,) = eventually(lambda: list(service.faults))
    assert "RuntimeError: cannot reach [hidden]" in fault
