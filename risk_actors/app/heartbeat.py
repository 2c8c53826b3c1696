"""A file that says every second how the daemon is, for watchdogs other than systemd."""

import os
from pathlib import Path

import msgspec
from loguru import logger

HEARTBEAT_FILE = "heartbeat.json"


class Heartbeat(msgspec.Struct, frozen=True, kw_only=True):
    """What the file says."""

    pid: int
    at: str
    """When it was written, in UTC."""
    version: str
    mode: str
    armed: bool
    phase: str
    healthy: bool
    """Whether everything that protection needs is at work."""
    wrong: tuple[str, ...] = ()
    """What is not, in plain words."""


class HeartbeatFile:
    """Replaces the file as a whole, so that nobody reads half of it.

    Its time of change is the sign of life: where it cannot be written, as on a full disk, that
    time alone is set, and only while all is well.
    """

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / HEARTBEAT_FILE
        self._written = self.path.with_suffix(".new")
        self._has_failed = False

    def write(self, heartbeat: Heartbeat) -> None:
        """Write it; an error is said once and hurts nothing."""
        try:
            self._written.write_bytes(msgspec.json.encode(heartbeat) + b"\n")
            self._written.replace(self.path)
        except OSError as error:
            if not self._has_failed:
                logger.warning("{} cannot be written: {}", self.path, error)
            self._has_failed = True
            if heartbeat.healthy:
                self._touch()
        else:
            self._has_failed = False

    def remove(self) -> None:
        """Take the file away at an orderly end: one that stays and grows old is a sudden one."""
        for path in (self.path, self._written):
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                logger.warning("{} cannot be removed: {}", path, error)

    def _touch(self) -> None:
        try:
            os.utime(self.path)
        except OSError as error:
            logger.debug("{} cannot be touched either: {}", self.path, error)
