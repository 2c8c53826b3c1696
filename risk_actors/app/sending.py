"""Whether commands reach the broker: as the trader has armed or disarmed, and as settings say."""

import threading

from risk_actors.projectx.gateway import ProjectXGateway


class Sending:
    """Holds commands, or lets them through; any thread may call."""

    def __init__(self, session: ProjectXGateway) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._is_disarmed = False

    def hold(self) -> None:
        """Send nothing until `release`, whatever is made anew meanwhile."""
        with self._lock:
            self._is_disarmed = self._session.hold_commands = True

    def release(self) -> None:
        """Take that the trader has armed again; `follow` then decides."""
        with self._lock:
            self._is_disarmed = False

    def follow(self, *, armed: bool) -> None:
        """Let commands through where settings are armed and the trader has not disarmed."""
        with self._lock:
            self._session.hold_commands = self._is_disarmed or not armed
