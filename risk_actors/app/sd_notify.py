"""Tells systemd how the daemon is, by its protocol `sd_notify`: datagrams to a socket it names.

A unit of `Type=notify` counts as started with READY=1, and one with `WatchdogSec=` is restarted
when WATCHDOG=1 does not come in time. Where nobody listens (NOTIFY_SOCKET is not set) all is
silent. https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
"""

import os
import socket
from collections.abc import Mapping

from loguru import logger

_US_PER_S = 1_000_000


class ServiceManager:
    """Where notifications go; none of them ever blocks or fails for the caller."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Take what systemd said to this process."""
        self._address = _address(environment.get("NOTIFY_SOCKET", ""))
        self.watchdog_s = _watchdog_s(environment) if self._address else None
        """How long systemd waits for a sign of life; None when it does not."""
        self._has_failed = False

    def ready(self) -> None:
        """Say that the start is done."""
        self._tell("READY=1")

    def alive(self) -> None:
        """Give the sign of life."""
        self._tell("WATCHDOG=1")

    def status(self, sentence: str) -> None:
        """Say in one line how it is; `systemctl status` shows it."""
        self._tell(f"STATUS={' '.join(sentence.split())}")

    def stopping(self) -> None:
        """Say that the end has begun."""
        self._tell("STOPPING=1")

    def _tell(self, line: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
                out.setblocking(False)
                out.sendto(line.encode(), self._address)
        except OSError as error:
            if not self._has_failed:
                logger.warning("systemd could not be told {}: {}", line, error)
            self._has_failed = True
        else:
            self._has_failed = False


def _address(named: str) -> str:
    """Return the socket's address; empty where there is none that we can reach."""
    if not hasattr(socket, "AF_UNIX"):
        return ""
    if named.startswith("@"):
        return "\0" + named[1:]
    return named if named.startswith("/") else ""


def _watchdog_s(environment: Mapping[str, str]) -> float | None:
    """Return the time between two signs of life, where one is wanted from this process."""
    wanted_of = environment.get("WATCHDOG_PID")
    if wanted_of is not None and wanted_of != str(os.getpid()):
        return None
    try:
        interval_us = int(environment.get("WATCHDOG_USEC", "0"))
    except ValueError:
        return None
    return interval_us / _US_PER_S if interval_us > 0 else None
