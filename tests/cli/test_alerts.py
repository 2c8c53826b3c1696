"""`alerts test` and `alerts list`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from risk_actors.actors.picture import AlertChannelPicture, Picture
from risk_actors.cli.main import main
from tests.alerts.sink import HttpSink

pytestmark = pytest.mark.real_time

TOKEN = "s3cr3t-0815-t0ken"


def asked(*words: str) -> Result:
    return CliRunner().invoke(main, ["alerts", *words])


def write(directory: Path, **urls: str) -> tuple[str, str]:
    blocks = (
        f"[[alerts.channels]]\nname = {json.dumps(name)}\nurl = {json.dumps(url)}\n"
        for name, url in urls.items()
    )
    (directory / "app.toml").write_text("\n".join(blocks), encoding="utf-8")
    return ("--settings", str(directory))


def test_each_channel_is_tried_and_what_came_of_it_printed(tmp_path: Path) -> None:
    with HttpSink() as sink, HttpSink(500) as wrong:
        options = write(tmp_path, phone=sink.url(TOKEN), mail=wrong.url(TOKEN), none="env:NOWHERE")
        result = asked("test", *options)

    assert result.exit_code == 1
    phone, mail, none = result.output.splitlines()
    assert phone == "phone (json://[hidden]): delivered"
    assert mail.startswith("mail (json://[hidden]): FAILED: ")
    assert none == "none (env:NOWHERE): FAILED: the environment variable NOWHERE is not set"
    assert TOKEN not in result.output
    assert "this is a test, nothing has happened" in sink.text()


@pytest.mark.parametrize("broken", ["", "[[rules]]\nid = 7\n"])
def test_the_time_is_of_the_zone_of_the_trading_day(tmp_path: Path, broken: str) -> None:
    (tmp_path / "risk.toml").write_text(f'[session]\ntimezone = "Asia/Tokyo"\n{broken}')
    with HttpSink() as sink:
        assert asked("test", *write(tmp_path, phone=sink.url())).exit_code == 0
        assert " JST " in sink.text()


def test_one_channel_alone_may_be_tried(tmp_path: Path) -> None:
    with HttpSink() as sink:
        options = write(tmp_path, phone=sink.url(), mail="json://127.0.0.1:9/x")
        result = asked("test", "--channel", "phone", *options)
        assert (result.exit_code, len(sink.letters)) == (0, 1)
    result = asked("test", "--channel", "fax", *options)
    assert result.exit_code == 1
    assert "there is no channel fax; there are phone, mail" in result.output


def test_the_address_may_stand_in_a_dotenv_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with HttpSink() as sink:
        (tmp_path / ".env").write_text(f"PHONE_URL={sink.url(TOKEN)}\n", encoding="utf-8")
        result = asked("test", *write(tmp_path, phone="env:PHONE_URL"))
    assert (result.exit_code, sink.paths) == (0, [f"/{TOKEN}"])


def test_without_a_channel_there_is_nothing_to_try(tmp_path: Path) -> None:
    result = asked("test", "--settings", str(tmp_path))
    assert result.exit_code == 1
    assert "has no `[[alerts.channels]]`" in result.output


def test_wrong_settings_end_it_with_code_2(tmp_path: Path) -> None:
    (tmp_path / "app.toml").write_text("[alerts]\ngroup = 1\n", encoding="utf-8")
    result = asked("test", "--settings", str(tmp_path))
    assert result.exit_code == 2
    assert "group" in result.output


def test_the_running_daemons_channels_are_listed(
    run_daemon: Callable[[Picture], Any], pictures: dict[str, Picture], tmp_path: Path
) -> None:
    phone = AlertChannelPicture(
        name="phone", url="env:PHONE", min_severity="warning", sent=7, failed=2
    )
    phone = msgspec.structs.replace(phone, last_sent="2026-11-19T16:31:05.000+00:00")
    beat = AlertChannelPicture(
        name="heartbeat",
        url="https://[hidden]",
        min_severity="",
        failed=1,
        is_failing=True,
        last_failure="no answer",
        last_failure_at="2026-11-20T16:31:05.000+00:00",
    )
    of_day = msgspec.structs.replace(pictures["open"], timezone="America/Chicago")
    run_daemon(msgspec.structs.replace(of_day, alerts=(phone, beat)))

    result = asked("list", "--data", str(tmp_path))
    assert result.output.splitlines() == [
        "phone (env:PHONE, warning and above): 7 sent, 2 failed, last at Thu 10:31:05 CST",
        "heartbeat (https://[hidden]): 0 sent, 1 failed",
        "    FAILING, Fri 10:31:05 CST: no answer",
    ]


def test_no_channel_is_said_plainly(
    run_daemon: Callable[[Picture], Any], pictures: dict[str, Picture], tmp_path: Path
) -> None:
    run_daemon(pictures["open"])
    assert "nobody is told" in asked("list", "--data", str(tmp_path)).output
