"""Runs a command, shows what it prints as it prints it, and keeps that as plain text.

On a terminal the command gets a terminal of its own, of the same width, and so keeps its colours;
elsewhere it prints plainly, as into any pipe.
"""

import codecs
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

END_WITHIN_S = 30.0
"""What an interrupted command may take to put things in order."""
LAST_WORDS_S = 2.0
"""How long the output may stay open after its end: a process it left behind may hold it."""
_CHUNK = 65536

_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # colours, moves of the cursor
    r"|\x1b\].*?(?:\x07|\x1b\\)"  # titles, links
    r"|\x1b[@-Z\\-_]"
)


class Ended(NamedTuple):
    """How a command ended."""

    code: int
    seconds: float
    is_interrupted: bool
    text: str
    """What it printed, without escape codes."""


def run(
    command: Sequence[str], directory: Path, environment: Mapping[str, str] | None = None
) -> Ended:
    """Run a command that is tethered to its standard input (see tethered.py).

    Ctrl-C ends it in order; a second one, or half a minute without an end, ends it hard.
    """
    began_s = time.monotonic()
    is_shown_on_terminal = sys.stdout.isatty()
    process, source = _start(command, directory, environment, is_shown_on_terminal)
    pieces: list[str] = []
    reader = threading.Thread(target=_copy, args=(source, pieces), name="copy", daemon=True)
    reader.start()
    try:
        code, is_interrupted = _wait(process)
    finally:
        if process.stdin is not None:
            process.stdin.close()
    reader.join(LAST_WORDS_S)
    seconds = time.monotonic() - began_s
    return Ended(code, seconds, is_interrupted, plain("".join(list(pieces))))


def _start(
    command: Sequence[str],
    directory: Path,
    environment: Mapping[str, str] | None,
    is_shown_on_terminal: bool,
) -> tuple[subprocess.Popen[bytes], int]:
    """Start the command in a group of its own; return it and where to read what it prints."""
    env = {**os.environ, "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1", **(environment or {})}
    if sys.platform != "win32" and is_shown_on_terminal:
        import termios  # noqa: PLC0415 - not on Windows

        ours, its = os.openpty()
        termios.tcsetwinsize(its, termios.tcgetwinsize(sys.stdout.fileno()))
        process = subprocess.Popen(
            command,
            cwd=directory,
            env=env,
            stdin=subprocess.PIPE,
            stdout=its,
            stderr=its,
            start_new_session=True,
        )
        os.close(its)
        return process, ours
    if is_shown_on_terminal:
        env["PY_COLORS"] = "1"
    group = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
    process = subprocess.Popen(
        command,
        cwd=directory,
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        creationflags=group,
    )
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    source = os.dup(process.stdout.fileno())
    process.stdout.close()
    return process, source


def _copy(source: int, pieces: list[str]) -> None:
    """Show what comes, and keep it, until the other side is closed."""
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    while True:
        try:
            chunk = os.read(source, _CHUNK)
        except OSError:  # so a terminal says that its other side is closed
            chunk = b""
        text = decoder.decode(chunk, final=not chunk)
        pieces.append(text)
        sys.stdout.write(text)
        sys.stdout.flush()
        if not chunk:
            os.close(source)
            return


def _wait(process: subprocess.Popen[bytes]) -> tuple[int, bool]:
    """Return the exit code, and whether Ctrl-C ended it."""
    try:
        return process.wait(), False
    except KeyboardInterrupt:
        print("\nInterrupted: ending it in order (Ctrl-C again ends it hard)", flush=True)
    if process.stdin is not None:
        process.stdin.close()
    try:
        return process.wait(END_WITHIN_S), True
    except (KeyboardInterrupt, subprocess.TimeoutExpired):
        _kill(process)
        return process.wait(), True


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the command and all it started in its group."""
    if sys.platform == "win32":
        process.kill()
        return
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def plain(text: str) -> str:
    """Return what a terminal would show in the end: no escape codes, no lines written over."""
    lines = _ESCAPES.sub("", text).replace("\r\n", "\n").split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)
