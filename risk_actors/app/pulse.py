"""The clock's pulse: the one thread that makes time pass for the actors."""

from risk_actors.app.own_thread import OwnThread
from risk_actors.runtime.control import Pulse
from risk_actors.runtime.interpreter import Tidying
from risk_actors.runtime.mailbox import Mailbox

END_WITHIN_S = 2.0


class PulseThread(OwnThread):
    """Delivers a pulse to the timer's mailbox at a fixed pace."""

    def __init__(self, mailbox: Mailbox, every_s: float) -> None:
        super().__init__("pulse", end_within_s=END_WITHIN_S)
        self._mailbox = mailbox
        self._every_s = every_s
        self._tidy = Tidying()

    def _run(self) -> None:
        # A pulse that was not taken yet says all that a second one would.
        while not self._stopped.wait(self._every_s):
            # Before, for with the pulse there is something to do.
            self._tidy()
            if self._mailbox.depth == 0:
                self._mailbox.deliver(Pulse())
