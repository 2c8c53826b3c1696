"""Files that tools leave behind and read again."""

import json
import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


class FileError(Exception):
    """A file that cannot be read or written; the text says which and why."""


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON, and the directories that it goes to.

    Raises:
        FileError: it cannot be written, or the value is none that JSON knows.
    """
    try:
        text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    except (TypeError, ValueError) as error:
        raise FileError(f"cannot write {path}: {error}") from error
    write_text(path, text)


def write_text(path: Path, text: str) -> None:
    """Replace a file as a whole: whoever reads it sees the one before or this one, never a part.

    Raises:
        FileError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
            Path(beside).replace(path)
        except BaseException:
            Path(beside).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise FileError(f"cannot write {path}: {error.strerror or error}") from error


def read_json(path: Path) -> Any:
    """Return the value in a JSON file.

    Raises:
        FileError: there is no such file, or it holds no JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise FileError(f"{path} is not JSON: {error}") from error


def stamp(now: datetime) -> str:
    """Return an instant for a file's name, in UTC: `20261122T101500Z`.

    Raises:
        ValueError: the instant says no time zone, so that it could be any.
    """
    if now.tzinfo is None:
        raise ValueError("a stamp needs an instant with a time zone")
    return now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
