"""Where log lines go: readable ones to the console, JSON lines to the data directory.

Everything passes one gate that hides secrets, in the message and in the traceback alike. Records of
the standard library's logging (pykka, the SDK and what it stands on) come through the same gate.
"""

import json
import logging
import sys
import traceback
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from loguru import logger

from risk_actors.app.logs_console import ConsoleWriter
from risk_actors.app.plain_text import without_controls
from risk_actors.app.settings import LogSettings

if TYPE_CHECKING:
    from loguru import Record

type Scrub = Callable[[str], str]

LOG_FILE = "risk_actors.log"
"""In the data directory; closed ones carry the time they were begun at."""

_LIBRARY_LEVELS = {"": logging.WARNING, "pykka": logging.INFO}
"""The standard library's loggers, `""` being all of them, and from which level they are heard."""

_CHATTER = ("project_x_py.client.", "project_x_py.realtime.core", "pysignalr.transport")
"""Log each of the SDK's own tries, many a minute in an outage: they are for the file alone, since
what becomes of them is said by the adapter."""

_CONSOLE_TEMPLATE = (
    "<dim>{extra[clock]}</dim> <level>{level: <8}</level> {extra[told]}"
    "<dim>{extra[context]}</dim>\n{extra[told_trace]}"
)
_CONTEXT = ("account", "actor", "correlation_id")
_NOT_SHOWN = frozenset({"clock", "context", "told", "told_trace", "trace", "json", "console"})
_BYTES_PER_MB = 1_000_000


class Logs:
    """The log set-up of this process; `start` puts it in force, `stop` flushes and undoes it."""

    def __init__(
        self,
        *,
        data_dir: Path,
        settings: LogSettings | None = None,
        scrub: Scrub = str,
        zone: tzinfo = UTC,
        console: TextIO | None = None,
    ) -> None:
        """Prepare the log.

        Args:
            data_dir: where the JSON lines go; made when it is missing.
            settings: levels, size and number of the files.
            scrub: takes any text and returns it without secrets.
            zone: the zone in which times are written.
            console: where the human lines go; standard error when None.
        """
        self._data_dir = data_dir
        self._settings = settings or LogSettings()
        self._scrub = scrub
        self._zone = zone
        self._console = ConsoleWriter(console or sys.stderr)
        self._former_level = logging.root.level
        self._bridge = _Bridge()

    def start(self) -> None:
        """Send everything logged from now on to console and file.

        Raises:
            OSError: the data directory cannot be written.
        """
        self._data_dir.mkdir(parents=True, exist_ok=True)
        logger.remove()
        logger.configure(patcher=self._prepare)
        logger.add(
            self._console,
            level=self._settings.console_level,
            format=_console_format,
            filter=_is_for_console,
            colorize=self._console.is_terminal,
            backtrace=False,
            # Values of variables in tracebacks would show credentials.
            diagnose=False,
        )
        logger.add(
            self._data_dir / LOG_FILE,
            level=self._settings.file_level,
            format=self._json_line,
            colorize=False,
            rotation=self._settings.file_size_mb * _BYTES_PER_MB,
            retention=self._settings.keep_files,
            encoding="utf-8",
            backtrace=False,
            diagnose=False,
        )
        self._listen_to_libraries()

    def use_zone(self, zone: tzinfo) -> None:
        """Write times in this zone from now on."""
        self._zone = zone

    def stop(self) -> None:
        """Write out what waits, close the file, and leave the libraries' logging as it was."""
        logging.root.removeHandler(self._bridge)
        logging.root.setLevel(self._former_level)
        logging.captureWarnings(capture=False)
        logger.remove()
        logger.configure(patcher=_leave)

    @contextmanager
    def console_held(self) -> Generator[None]:
        """Keep console lines back, so that they do not tear a full screen; show them after it."""
        self._console.hold()
        try:
            yield
        finally:
            self._console.release()

    def _prepare(self, record: "Record") -> None:
        record["message"] = self._scrub(record["message"])
        record["time"] = record["time"].astimezone(self._zone)
        extra = record["extra"]
        error = record["exception"]
        extra["trace"] = ""
        if error is not None and error.type is not None:
            lines = traceback.format_exception(error.type, error.value, error.traceback)
            extra["trace"] = self._scrub("".join(lines))

    def _json_line(self, record: "Record") -> str:
        """Put the record's JSON where the returned template finds it."""
        extra = record["extra"]
        shown = {
            "at": record["time"].isoformat(timespec="microseconds"),
            "level": record["level"].name,
            "message": record["message"],
            "account": extra.get("account"),
            "actor": extra.get("actor"),
            "correlation_id": extra.get("correlation_id"),
            "source": f"{record['name']}:{record['line']}",
            "thread": record["thread"].name,
        }
        for name, value in extra.items():
            if name not in shown and name not in _NOT_SHOWN:
                shown[name] = value if isinstance(value, int | float) else self._scrub(str(value))
        if extra["trace"]:
            shown["trace"] = extra["trace"]
        extra["json"] = json.dumps(shown, ensure_ascii=False, default=str)
        return "{extra[json]}\n"

    def _listen_to_libraries(self) -> None:
        logging.root.addHandler(self._bridge)
        for name, level in _LIBRARY_LEVELS.items():
            logging.getLogger(name).setLevel(level)
        logging.captureWarnings(capture=True)


class _Bridge(logging.Handler):
    """Hands the standard library's log records to ours."""

    def emit(self, record: logging.LogRecord) -> None:
        """Log the record under the same level, with the library's name as its source."""
        try:
            level: str | int = logger.level(record.levelname).name
        except ValueError:
            level = record.levelno
        try:
            text = record.getMessage()
        except (TypeError, ValueError):
            # A library's format string that does not fit its arguments must not lose the line.
            text = f"{record.msg} {record.args}"
        if record.name.startswith(_CHATTER):
            level = "DEBUG"
        source = logger.bind(library=record.name).opt(exception=record.exc_info)
        source.log(level, "{}: {}", record.name, text)


def _clock(at: datetime) -> str:
    """Return when a line was written; with the weekday, because lines are read days later."""
    return f"{at.strftime('%a %H:%M:%S')}.{at.microsecond // 1000:03} {at.strftime('%Z')}"


def _is_for_console(record: "Record") -> bool:
    """Tell whether a line is shown; one bound with `console=False` is for the file alone."""
    return bool(record["extra"].get("console", True))


def _console_format(record: "Record") -> str:
    """Return the template; a text given as format would have loguru add its own traceback.

    What only the console shows is made here: most lines are for the file alone.
    """
    extra = record["extra"]
    extra["clock"] = _clock(record["time"])
    context = [f"{extra[name]}" for name in _CONTEXT if extra.get(name) is not None]
    extra["context"] = without_controls(f"  [{' '.join(context)}]") if context else ""
    # The file's JSON has them escaped; here they would reach the terminal.
    extra["told"] = without_controls(record["message"])
    extra["told_trace"] = without_controls(extra["trace"])
    return _CONSOLE_TEMPLATE


def _leave(_: "Record") -> None:
    """Change nothing about a record."""
