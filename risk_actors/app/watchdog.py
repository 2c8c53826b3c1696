"""Tells watchers outside of this process how it is: systemd, and whoever reads the heartbeat file.

Systemd is given its sign of life only while everything that protection needs is at work; what
cannot be mended from inside ends in a restart from outside.
"""

import os
import threading
import time
from collections.abc import Callable

import msgspec
from loguru import logger

from risk_actors import __version__
from risk_actors.actors.picture import Picture
from risk_actors.app.heartbeat import Heartbeat, HeartbeatFile
from risk_actors.app.sd_notify import ServiceManager
from risk_actors.app.vital_signs import VitalSigns
from risk_actors.core.evidence import NS_PER_S, iso_utc
from risk_actors.runtime.thread_dump import dump_threads

LOOK_EVERY_S = 1.0
END_WITHIN_S = 5.0
SILENT_NS = 15 * NS_PER_S
"""Who looks once a second and has not for so long is stuck, as with a disk that does not answer."""


class Watchdog:
    """A thread of its own that looks once a second."""

    def __init__(
        self,
        signs: VitalSigns,
        picture: Callable[[], Picture],
        manager: ServiceManager,
        file: HeartbeatFile,
        *,
        now_ns: Callable[[], int] = time.time_ns,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """Take where to look and whom to tell."""
        self._signs = signs
        self._picture = picture
        self._manager = manager
        self._file = file
        self._now_ns = now_ns
        self._monotonic_ns = monotonic_ns
        self._shown = Picture(version=__version__, mode="", armed=False, phase="unknown")
        self._blind = ""
        """What was said of a picture that cannot be read; empty when it can."""
        self._troubles: tuple[str, ...] = ()
        self._looked_ns: int | None = None
        self._status = ""
        self._fed_ns: int | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin, and say that the start is done."""
        self.look()
        self._manager.ready()
        self._thread.start()

    def wrong(self) -> tuple[str, ...]:
        """Return what the last look found wrong, in words; any thread.

        Whoever does not look any more is wrong too: then nobody knows how it is.
        """
        if self._looked_ns is None:
            return ()
        silent_ns = self._monotonic_ns() - self._looked_ns
        if silent_ns < SILENT_NS:
            return self._troubles
        return (*self._troubles, f"the watchdog has not looked for {silent_ns // NS_PER_S} s")

    def stop(self) -> None:
        """End, and say that the daemon does; returns when the thread has ended, or not in time."""
        self._manager.stopping()
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(END_WITHIN_S)
        self._file.remove()

    def _run(self) -> None:
        half_s = self._half_s()
        while not self._stop.wait(LOOK_EVERY_S if half_s is None else min(LOOK_EVERY_S, half_s)):
            try:
                self.look()
            except Exception:  # noqa: BLE001 - a look that fails is not a daemon that does
                logger.exception("How the daemon is could not be looked at")

    def look(self) -> None:
        """Look once, and tell."""
        now_ns = self._monotonic_ns()
        troubles = self._signs.troubles(now_ns)
        self._log(troubles)
        self._looked_ns = now_ns
        picture = self._look_at_picture()
        status = _status(troubles, picture)
        if status != self._status:
            self._manager.status(status)
            self._status = status
        # Before the file: a disk that hangs must not cost the sign of life.
        self._feed(troubles, now_ns)
        self._file.write(
            Heartbeat(
                pid=os.getpid(),
                at=iso_utc(self._now_ns()),
                version=picture.version,
                mode=picture.mode,
                armed=picture.armed,
                phase=picture.phase,
                healthy=not troubles,
                wrong=troubles,
            )
        )

    def _look_at_picture(self) -> Picture:
        """Return the picture, or the last one with the word that it cannot be read."""
        try:
            self._shown = self._picture()
        except Exception as error:  # noqa: BLE001 - protection goes on, and so do the signs of life
            fault = f"the picture cannot be read: {type(error).__name__}: {error}"
            if fault != self._blind:
                logger.error("For those who watch, {}", fault)
            self._blind = fault
            return msgspec.structs.replace(self._shown, phase="unknown", detail=fault)
        self._blind = ""
        return self._shown

    def _feed(self, troubles: tuple[str, ...], now_ns: int) -> None:
        half_s = self._half_s()
        if troubles or half_s is None:
            return
        # A little early, for this thread does not wake up at the very instant.
        early_ns = int(min(half_s, LOOK_EVERY_S) * NS_PER_S) // 2
        if self._fed_ns is None or now_ns - self._fed_ns >= half_s * NS_PER_S - early_ns:
            self._manager.alive()
            self._fed_ns = now_ns

    def _half_s(self) -> float | None:
        watchdog_s = self._manager.watchdog_s
        return None if watchdog_s is None else watchdog_s / 2

    def _log(self, troubles: tuple[str, ...]) -> None:
        """Say what is new; when something stopped answering, say what every thread does."""
        if troubles and not self._troubles:
            logger.critical("Not healthy: {}\n{}", "; ".join(troubles), dump_threads())
        elif self._troubles and not troubles:
            logger.warning("Healthy again")
        self._troubles = troubles


def _status(troubles: tuple[str, ...], picture: Picture) -> str:
    if troubles:
        return f"NOT HEALTHY: {'; '.join(troubles)}"
    armed = "armed" if picture.armed else "NOT ARMED"
    detail = f", {picture.detail}" if picture.detail else ""
    return f"{picture.mode}, {armed}, phase {picture.phase}{detail}"
