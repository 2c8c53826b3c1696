"""Whether the write-ahead log holds commits that SQLite will not take.

SQLite ends reading the log, without a word, at the first frame that is not as it was written. What
was committed after it is lost; this is how a start learns of it. File format: sqlite.org, section
"WAL-Index And WAL File Format".
"""

import struct
from pathlib import Path
from typing import NamedTuple

_HEADER = struct.Struct(">8I")
_FRAME = struct.Struct(">6I")
_MAGIC = 0x377F0682
"""Its lowest bit says in which byte order the sums are reckoned."""
_WORD = 0xFFFFFFFF


class WalContent(NamedTuple):
    """What a write-ahead log seems to hold, before SQLite opens it."""

    is_readable: bool = True
    """Whether its header is as it was written; else SQLite takes nothing of it."""
    committed_frames: int = 0
    """Frames up to the last commit of the present log."""


def look_at_wal(path: Path) -> WalContent:
    """Read the headers of a log; nothing is there when there is no file, or an empty one."""
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER.size)
            if not header:
                return WalContent()
            if len(header) < _HEADER.size:
                return WalContent(is_readable=False)
            magic, _, page_size, _, *salts_and_sums = _HEADER.unpack(header)
            salts, sums = salts_and_sums[:2], salts_and_sums[2:]
            if magic & ~1 != _MAGIC or _sums(header[:24], is_big=bool(magic & 1)) != sums:
                return WalContent(is_readable=False)
            number = committed = 0
            while len(frame := file.read(_FRAME.size)) == _FRAME.size:
                _, size_after_commit, *rest = _FRAME.unpack(frame)
                # What follows with other salts is left of an earlier round of the log.
                if rest[:2] != salts:
                    break
                number += 1
                if size_after_commit:
                    committed = number
                file.seek(page_size, 1)
            return WalContent(committed_frames=committed)
    except FileNotFoundError:
        return WalContent()


def _sums(data: bytes, *, is_big: bool) -> list[int]:
    words = struct.unpack(f"{'>' if is_big else '<'}{len(data) // 4}I", data)
    first = second = 0
    for one, other in zip(words[::2], words[1::2], strict=True):
        first = (first + one + second) & _WORD
        second = (second + other + first) & _WORD
    return [first, second]
