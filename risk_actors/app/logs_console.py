"""A console that cannot hold anybody up.

A terminal that is paused, or a pipe that nobody reads, blocks whoever writes to it. So a thread of
its own writes, and when it falls too far behind, lines are dropped and counted: the log file has
them all.
"""

import contextlib
import threading
from collections import deque
from typing import TextIO

from risk_actors.runtime.right_of_way import Courtesy

_MAX_WAITING_LINES = 5_000
_MAX_HELD_LINES = 500
_STOP_TIMEOUT_S = 1.0


class ConsoleWriter:
    """A sink for log lines: `write` and `stop` as loguru calls them."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.is_terminal = stream.isatty()
        self._changed = threading.Condition()
        self._lines: deque[str] = deque()
        self._dropped = 0
        self._is_held = False
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="log-console", daemon=True)
        self._is_started = False

    def write(self, line: str) -> None:
        """Take a line; never blocks on the stream."""
        with self._changed:
            if not self._is_started:
                self._is_started = True
                self._thread.start()
            limit = _MAX_HELD_LINES if self._is_held else _MAX_WAITING_LINES
            if len(self._lines) >= limit:
                self._lines.popleft()
                self._dropped += 1
            self._lines.append(line)
            self._changed.notify_all()

    def hold(self) -> None:
        """Keep lines back, the newest few hundred of them, until `release`."""
        with self._changed:
            self._is_held = True

    def release(self) -> None:
        """Write what was kept back, and go on."""
        with self._changed:
            self._is_held = False
            self._changed.notify_all()

    def stop(self) -> None:
        """Write what waits, for a second at most."""
        with self._changed:
            self._is_held = False
            self._is_stopping = True
            self._changed.notify_all()
        if self._is_started:
            self._thread.join(_STOP_TIMEOUT_S)

    def _run(self) -> None:
        give_way = Courtesy()
        while True:
            give_way()
            with self._changed:
                self._changed.wait_for(self._has_work)
                if not self._lines:
                    return
                text = "".join(self._lines)
                self._lines.clear()
                if self._dropped:
                    text = f"... {self._dropped} earlier lines are in the log file only\n{text}"
                    self._dropped = 0
            self._print(text)

    def _print(self, text: str) -> None:
        encoding = self._stream.encoding or "utf-8"
        # A console without these signs, or one that was closed, is no reason to lose a thread.
        with contextlib.suppress(OSError, ValueError):
            self._stream.write(text.encode(encoding, "replace").decode(encoding))
            self._stream.flush()

    def _has_work(self) -> bool:
        return self._is_stopping or (bool(self._lines) and not self._is_held)
