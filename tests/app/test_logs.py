"""Log lines reach console and file, secrets do not, and libraries are heard."""

import io
import json
import logging
import re
import threading
import time
import warnings
from collections.abc import Callable, Generator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pykka
import pytest
from loguru import logger

from risk_actors.app.logs import LOG_FILE, Logs
from risk_actors.app.logs_console import ConsoleWriter
from risk_actors.app.settings import LogLevel, LogSettings


def hide(text: str) -> str:
    return text.replace("hunter2", "[hidden]")


def eventually(condition: Callable[[], bool], deadline_s: float = 5.0) -> None:
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, "the condition did not come true in time"
        threading.Event().wait(0.005)


@pytest.fixture
def console() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def logs(tmp_path: Path, console: io.StringIO) -> Generator[Logs]:
    logs = Logs(data_dir=tmp_path / "data", scrub=hide, console=console)
    logs.start()
    yield logs
    logs.stop()


@pytest.fixture
def lines(tmp_path: Path) -> Callable[[], list[dict[str, Any]]]:
    def read() -> list[dict[str, Any]]:
        text = (tmp_path / "data" / LOG_FILE).read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines()]

    return read


def as_at_first(name: str, monkeypatch: pytest.MonkeyPatch) -> logging.Logger:
    """Return a library's logger as it is when nothing else in this process has set its levels."""
    parts = name.split(".")
    for count in range(1, len(parts) + 1):
        logger_of_part = logging.getLogger(".".join(parts[:count]))
        monkeypatch.setattr(logger_of_part, "level", logging.NOTSET)
        monkeypatch.setattr(logger_of_part, "propagate", True)
        logger_of_part._cache.clear()  # type: ignore[attr-defined]
    return logging.getLogger(name)


def test_each_json_line_carries_account_actor_and_correlation_id(
    logs: Logs, lines: Callable[[], list[dict[str, Any]]], console: io.StringIO
) -> None:
    logger.bind(account=101, actor="enforcer", correlation_id="abc-1", rule="loss").info("closing")
    (line,) = lines()
    assert line["message"] == "closing"
    assert (line["account"], line["actor"], line["correlation_id"]) == (101, "enforcer", "abc-1")
    assert (line["level"], line["rule"]) == ("INFO", "loss")
    logs.stop()
    assert "closing  [101 enforcer abc-1]" in console.getvalue()


def test_a_console_that_is_no_terminal_gets_plain_lines_and_signs(
    logs: Logs, console: io.StringIO
) -> None:
    logger.info("🚀 Service Start")
    logs.stop()
    assert console.getvalue().endswith("INFO     🚀 Service Start\n")
    assert "\x1b" not in console.getvalue()


@pytest.mark.parametrize("zone", ["America/Chicago", "Asia/Tokyo"])
def test_lines_say_weekday_time_and_zone_of_the_trading_day(
    tmp_path: Path, console: io.StringIO, zone: str
) -> None:
    logs = Logs(data_dir=tmp_path, zone=ZoneInfo(zone), console=console)
    before = datetime.now(ZoneInfo(zone))
    logs.start()
    logger.info("now")
    logs.stop()
    after = datetime.now(ZoneInfo(zone))
    weekday, clock, name, *_ = console.getvalue().split()
    assert weekday in {before.strftime("%a"), after.strftime("%a")}
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3}", clock)
    assert clock[:2] in {before.strftime("%H"), after.strftime("%H")}
    assert name in {before.strftime("%Z"), after.strftime("%Z")}
    (line,) = (tmp_path / LOG_FILE).read_text(encoding="utf-8").splitlines()
    told = json.loads(line)
    assert before <= datetime.fromisoformat(told["at"]) <= after
    assert datetime.fromisoformat(told["at"]).utcoffset() == before.utcoffset()
    assert "clock" not in told


def test_secrets_reach_neither_message_nor_traceback_nor_field(
    logs: Logs, console: io.StringIO, tmp_path: Path
) -> None:
    def log_in(password: str) -> None:
        raise ValueError(f"refused {password}")

    try:
        log_in("hunter2")
    except ValueError:
        logger.bind(url="x?token=hunter2").exception("login with hunter2 failed")
    logs.stop()
    text = (tmp_path / "data" / LOG_FILE).read_text(encoding="utf-8")
    for shown in (text, console.getvalue()):
        assert "hunter2" not in shown
        assert "refused [hidden]" in shown


def test_a_crashing_actor_is_heard(logs: Logs, lines: Callable[[], list[dict[str, Any]]]) -> None:
    class Clumsy(pykka.ThreadingActor):
        def on_receive(self, message: Any) -> None:
            raise RuntimeError("dropped it")

    reference = Clumsy.start()
    reference.tell("go")
    eventually(lambda: not reference.is_alive() and bool(lines()))
    found = [line for line in lines() if "dropped it" in line.get("trace", "")]
    assert [(line["level"], line["library"]) for line in found] == [("ERROR", "pykka")]


@pytest.mark.parametrize("name", ["project_x_py.realtime", "pysignalr", "websockets", "asyncio"])
def test_a_warning_of_a_library_is_heard(
    logs: Logs,
    lines: Callable[[], list[dict[str, Any]]],
    name: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    library = as_at_first(name, monkeypatch)
    library.warning("token %s is late", "hunter2")
    library.info("chatter")
    (line,) = lines()
    assert (line["level"], line["message"]) == ("WARNING", f"{name}: token [hidden] is late")


def test_the_tries_of_the_sdk_are_for_the_file_alone(
    logs: Logs,
    console: io.StringIO,
    lines: Callable[[], list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    library = as_at_first("project_x_py.client.http", monkeypatch)

    library.warning("Retry 1/3 after 0.5s")

    (line,) = lines()
    assert (line["level"], line["message"]) == (
        "DEBUG",
        "project_x_py.client.http: Retry 1/3 after 0.5s",
    )
    logs.stop()
    assert "Retry" not in console.getvalue()


def test_a_library_line_that_does_not_fit_its_arguments_is_not_lost(
    logs: Logs, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    record = logging.LogRecord("odd", logging.WARNING, "f", 1, "%d {braces}", ("text",), None)
    logs._bridge.emit(record)
    assert "%d {braces} ('text',)" in lines()[0]["message"]


def test_a_level_of_a_librarys_own_is_taken(
    logs: Logs, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    logging.getLogger("odd").log(35, "between")
    assert lines()[0]["message"] == "odd: between"


def test_python_warnings_are_heard(logs: Logs, lines: Callable[[], list[dict[str, Any]]]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("old habit", UserWarning, stacklevel=1)
        logging.captureWarnings(capture=False)
    assert "old habit" in lines()[0]["message"]


def test_console_lines_are_held_while_the_screen_is_up(logs: Logs, console: io.StringIO) -> None:
    with logs.console_held():
        logger.info("behind the screen")
        assert console.getvalue() == ""
    eventually(lambda: "behind the screen" in console.getvalue())


def test_files_rotate_and_only_so_many_are_kept(tmp_path: Path) -> None:
    settings = LogSettings(file_size_mb=1, keep_files=2, console_level=LogLevel.ERROR)
    logs = Logs(data_dir=tmp_path, settings=settings, console=io.StringIO())
    logs.start()
    for _ in range(45):
        logger.info("x" * 100_000)
    logs.stop()
    assert len(list(tmp_path.glob("risk_actors*.log"))) == 3


class StuckStream(io.StringIO):
    """A terminal that was paused: whoever writes to it waits."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()
        self.resume = threading.Event()

    def write(self, text: str) -> int:
        self.entered.set()
        self.resume.wait(5)
        return super().write(text)


def test_a_stuck_console_holds_nobody_up_and_counts_what_it_dropped() -> None:
    stream = StuckStream()
    writer = ConsoleWriter(stream)
    writer.write("first\n")
    assert stream.entered.wait(5)
    for number in range(6000):
        writer.write(f"{number}\n")
    stream.resume.set()
    writer.stop()
    assert "earlier lines are in the log file only" in stream.getvalue()
    assert stream.getvalue().endswith("5999\n")


def test_a_sign_the_console_lacks_does_not_lose_the_line() -> None:
    raw = io.BytesIO()
    writer = ConsoleWriter(io.TextIOWrapper(raw, encoding="cp1252"))
    writer.write("🚀 start\n")
    writer.stop()
    assert raw.getvalue().strip() == b"? start"


def test_lines_are_written_in_the_zone_that_is_told(
    logs: Logs, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    logs.use_zone(ZoneInfo("Asia/Kolkata"))
    logger.info("in Kolkata")
    logs.use_zone(ZoneInfo("Asia/Tokyo"))
    logger.info("in Tokyo")

    assert [line["at"][-6:] for line in lines()] == ["+05:30", "+09:00"]


def test_control_characters_of_a_name_do_not_reach_the_console(
    logs: Logs, console: io.StringIO, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    with logger.contextualize(account="\x9b2J"):
        logger.info("Rule loss\x1b[31m\x07 judged\nall of it")
    logs.stop()

    told = console.getvalue()
    assert "Rule loss[31m judged\nall of it  [2J]\n" in told
    assert "\x1b" not in told
    assert lines()[0]["message"] == "Rule loss\x1b[31m\x07 judged\nall of it"
