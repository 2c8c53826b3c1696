"""The clock's pulse: the one thread that makes time pass for the actors."""

import threading

from risk_actors.runtime.control import Pulse
from risk_actors.runtime.interpreter import Tidying
from risk_actors.runtime.mailbox import Mailbox

END_WITHIN_S = 2.0


class PulseThread:
    """Delivers a pulse to the timer's mailbox at a fixed pace."""

    def __init__(self, mailbox: Mailbox, every_s: float) -> None:
        self._mailbox = mailbox
        self._every_s = every_s
        self._tidy = Tidying()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    @property
    def lives(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """End; returns when the thread has, or does not in time."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(END_WITHIN_S)

    def _run(self) -> None:
        # A pulse that was not taken yet says all that a second one would.
        while not self._stop.wait(self._every_s):
            # Before, for with the pulse there is something to do.
            self._tidy()
            if self._mailbox.depth == 0:
                self._mailbox.deliver(Pulse())
