"""A terminal that a program draws on, and what a person would see there."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Self

import pyte

DEADLINE_S = 60.0
_LOOK_EVERY_S = 0.2

# Synchronized output (private mode 2026), with which a terminal shows whole frames only: it is
# asked whether it can, says that it can and that no frame is begun, and is told of each frame.
_CAN_IT = b"\x1b[?2026$p"
_IT_CAN = b"\x1b[?2026;2$y"
_FRAME_BEGINS = b"\x1b[?2026h"
_FRAME_ENDS = b"\x1b[?2026l"


class Terminal:
    """Runs a program on a pseudo-terminal of its own, and reads it as a terminal would.

    It shows a frame once all of it is there, as terminals of today do, so that what stands on it
    belongs together however slowly the program draws.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        width: int,
        height: int,
        directory: Path,
        variables: dict[str, str] | None = None,
    ) -> None:
        self.screen = pyte.Screen(width, height)
        self._stream = pyte.ByteStream(self.screen)
        self.received = b""
        self._unshown = b""
        self._own, theirs = pty.openpty()
        self._set_size(width, height)
        environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLORTERM")}
        self.process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            cwd=directory,
            env={**environment, "TERM": "xterm-256color", "PYTHONUTF8": "1", **(variables or {})},
            start_new_session=True,
        )
        os.close(theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._own)

    def press(self, keys: str) -> None:
        os.write(self._own, keys.encode())

    def resize(self, width: int, height: int) -> None:
        """Change the size, and tell the program as a terminal emulator's kernel would."""
        self.screen.resize(height, width)
        self._set_size(width, height)
        self.process.send_signal(signal.SIGWINCH)

    def text(self) -> str:
        return "\n".join(self.screen.display)

    def shows(self, *texts: str, within_s: float = DEADLINE_S) -> str:
        """Wait until all of these stand on the screen; return what it shows."""
        self.until(lambda: all(text in self.text() for text in texts), repr(texts), within_s)
        return self.text()

    def until(
        self, condition: Callable[[], object], what: str, within_s: float = DEADLINE_S
    ) -> None:
        deadline = time.monotonic() + within_s
        while not condition():
            assert time.monotonic() < deadline, f"not within {within_s} s: {what}\n{self.text()}"
            self._read()

    def wait(self) -> int:
        """Return the exit code."""
        self.until(lambda: self.process.poll() is not None, "the end")
        return self.process.returncode

    def _read(self) -> None:
        if not select.select([self._own], [], [], _LOOK_EVERY_S)[0]:
            return
        try:
            piece = os.read(self._own, 65_536)
        except OSError:  # the program has closed its side
            self.process.wait(DEADLINE_S)
            return
        self.received += piece
        if _CAN_IT in self.received[-len(piece) - len(_CAN_IT) + 1 :]:
            os.write(self._own, _IT_CAN)
        self._unshown += piece
        self._show_frames()

    def _show_frames(self) -> None:
        """Draw what came, up to a frame, or the mark of one, that is not all there yet."""
        while self._unshown:
            before, begins, frame = self._unshown.partition(_FRAME_BEGINS)
            if not begins:
                tail = _begun_mark(before)
                self._stream.feed(before[: len(before) - tail])
                self._unshown = before[len(before) - tail :]
                return
            self._stream.feed(before)
            inside, ends, after = frame.partition(_FRAME_ENDS)
            if not ends:
                self._unshown = begins + frame
                return
            self._stream.feed(inside)
            self._unshown = after

    def _set_size(self, width: int, height: int) -> None:
        fcntl.ioctl(self._own, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))


def _begun_mark(piece: bytes) -> int:
    """Return how many bytes at the end may be the first part of a frame's mark."""
    lengths = range(min(len(_FRAME_BEGINS) - 1, len(piece)), 0, -1)
    return next((n for n in lengths if piece.endswith(_FRAME_BEGINS[:n])), 0)
