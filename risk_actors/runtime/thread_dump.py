"""What every thread of the process is doing, as text: where, and never with which values."""

import sys
import threading
from collections.abc import Mapping
from pathlib import PurePath
from types import FrameType

MAX_FRAMES = 40
"""Per thread, the innermost ones."""


def dump_threads(frames: Mapping[int, FrameType] | None = None) -> str:
    """Return each thread's name and stack, the innermost frame last.

    Names of files, lines and functions alone: values of variables may be secrets.
    """
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    taken = sys._current_frames() if frames is None else frames  # noqa: SLF001 - nothing else tells
    parts = [
        "\n".join((f"{names.get(ident, f'thread {ident}')}:", *_lines(frame)))
        for ident, frame in sorted(taken.items(), key=lambda each: names.get(each[0], ""))
    ]
    return "\n\n".join(parts)


def _lines(innermost: FrameType | None) -> list[str]:
    lines: list[str] = []
    frame = innermost
    while frame is not None and len(lines) < MAX_FRAMES:
        code = frame.f_code
        place = "/".join(PurePath(code.co_filename).parts[-3:])
        lines.append(f"  {place}:{frame.f_lineno} {code.co_qualname}")
        frame = frame.f_back
    if frame is not None:
        lines.append("  ...")
    return lines[::-1]
