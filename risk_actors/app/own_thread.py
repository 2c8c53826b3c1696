"""A thread of the daemon's own that does one thing until it is told to end."""

import threading
from abc import ABC, abstractmethod

END_WITHIN_S = 5.0


class OwnThread(ABC):
    """Runs `_run` once; that returns soon after `_stopped` is set."""

    def __init__(self, name: str, *, end_within_s: float = END_WITHIN_S) -> None:
        self._end_within_s = end_within_s
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def lives(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """End; returns when the thread has, or does not in time."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(self._end_within_s)

    @abstractmethod
    def _run(self) -> None:
        """Do it, until `_stopped` is set."""
