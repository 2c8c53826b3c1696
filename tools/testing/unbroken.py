"""Standard output that outlives who reads it, as `... | head` stops doing."""

import errno
import io
import sys
from collections.abc import Buffer

_NOBODY_READS = frozenset({errno.EPIPE, errno.EINVAL})
"""The latter is what Windows says."""


class _Unbroken(io.FileIO):
    """Drops what nobody reads any more."""

    def write(self, content: Buffer) -> int:
        try:
            return super().write(content)
        except OSError as error:
            if error.errno not in _NOBODY_READS:
                raise
            return memoryview(content).nbytes


def outlive_reader() -> None:
    """Go on in silence when nobody reads standard output any more: what was begun is finished.

    On a terminal nothing is changed: it has no other end that could be closed.
    """
    if sys.stdout.isatty():
        return
    sys.stdout.flush()
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(_Unbroken(sys.stdout.fileno(), "w", closefd=False)),
        encoding=sys.stdout.encoding,
        errors=sys.stdout.errors,
        line_buffering=True,
    )
