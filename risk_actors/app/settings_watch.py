"""Watches the settings directory, so that an edited file is taken on without a restart."""

from collections.abc import Callable
from pathlib import Path

from loguru import logger

from risk_actors.app.own_thread import OwnThread

_LOOK_EVERY_S = 1.0
_SUFFIXES = frozenset({".toml", ".ics"})

type Fingerprint = frozenset[tuple[str, int, int]]


def fingerprint(directory: Path) -> Fingerprint:
    """Return what tells one state of the files from another: names, sizes, times of change."""
    found = set()
    for path in directory.rglob("*"):
        if path.suffix in _SUFFIXES:
            try:
                status = path.stat()
            except OSError:
                continue  # gone again: some editors replace a file while they save it
            found.add((str(path), status.st_size, status.st_mtime_ns))
    return frozenset(found)


class SettingsWatch(OwnThread):
    """A thread that looks once a second and calls `on_look(changed)`."""

    def __init__(
        self,
        directory: Path,
        on_look: Callable[[bool], None],
        every_s: float = _LOOK_EVERY_S,
    ) -> None:
        """Take where the files are, and whom to tell whether one has changed since it was told."""
        super().__init__("settings")
        self._directory = directory
        self._on_look = on_look
        self._every_s = every_s
        self._seen = fingerprint(directory)

    def _run(self) -> None:
        while not self._stopped.wait(self._every_s):
            try:
                self._look()
            except Exception:  # noqa: BLE001 - without this thread no change would ever be seen
                logger.exception("The settings could not be looked after; they stay as they are")

    def _look(self) -> None:
        found = fingerprint(self._directory)
        changed = found != self._seen
        self._on_look(changed)
        # Only now: what could not be taken on is tried again.
        self._seen = found
