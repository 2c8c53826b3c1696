"""One TOML file of the trader's, parsed, and where its errors go."""

import re
import tomllib
from pathlib import Path
from typing import Any

from risk_actors.app.settings_problem import Problem
from risk_actors.app.settings_toml import LineIndex
from risk_actors.app.settings_toml import Path as KeyPath

_SYNTAX_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")

_UNCLOSED = (
    r"Illegal character '\n'",
    "Unterminated string",
    """Expected "'\"""",
    """Expected "'''\"""",
)
"""What the parser says of a text without its last quote."""


class TomlFile:
    """One parsed file, and where its errors go."""

    def __init__(self, path: Path, text: str, problems: list[Problem]) -> None:
        self.path = path
        self.root: dict[str, Any] = tomllib.loads(text)
        self._lines = LineIndex(text)
        self._problems = problems

    @classmethod
    def read(cls, path: Path, problems: list[Problem]) -> "TomlFile | None":
        """Parse a file, or report why it cannot be parsed and return None."""
        text = read_text(path, problems)
        if text is None:
            return None
        try:
            return cls(path, text, problems)
        except tomllib.TOMLDecodeError as error:
            problems.append(_syntax_problem(path, text, error))
            return None

    def report(self, key_path: KeyPath, message: str) -> None:
        """Note an error at a key."""
        self._problems.append(Problem(str(self.path), self._lines.line_of(key_path), message))

    def line_of(self, key_path: KeyPath) -> int | None:
        """Return the line a key stands on."""
        return self._lines.line_of(key_path)


def read_text(path: Path, problems: list[Problem]) -> str | None:
    """Return a file's text, or report why it cannot be read and return None."""
    data = b""
    try:
        data = path.read_bytes()
        # Notepad writes a byte order mark and CRLF; neither is the trader's mistake.
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        problems.append(Problem(str(path), None, f"cannot be read: {error.strerror}"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problems.append(Problem(str(path), line, "not UTF-8 text; save it again as UTF-8"))
    return None


def _syntax_problem(path: Path, text: str, error: tomllib.TOMLDecodeError) -> Problem:
    place = _SYNTAX_PLACE.search(str(error))
    line = int(place[1]) if place and place[1] else len(text.splitlines())
    message = _SYNTAX_PLACE.sub("", str(error))
    if message in _UNCLOSED:
        at_line = place is not None and place[1] is not None
        begins = "" if at_line else "here or further up, "
        message = f"{begins}the text is not closed with a quote"
    return Problem(str(path), line, f"not valid TOML: {message[:1].lower()}{message[1:]}")
