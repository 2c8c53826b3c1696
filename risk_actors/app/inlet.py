"""Where the session puts what the broker says, whichever actors listen at the time."""

import threading
from collections.abc import Callable

from risk_actors.messages import Message

type Listener = Callable[[Message], None]


class Inlet:
    """Passes messages on, and holds them while the listeners are being replaced.

    The session's own thread calls `send`; whoever replaces the listeners calls the rest.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: list[Message] = []
        self._listener: Listener | None = None

    def send(self, message: Message) -> None:
        """Pass a message on, or hold it; nothing is lost and the order stays."""
        listener = self._listener
        if listener is None:
            with self._lock:
                listener = self._listener
                if listener is None:
                    self._held.append(message)
                    return
        listener(message)

    def hold(self) -> None:
        """Hold what comes from now on."""
        with self._lock:
            self._listener = None

    def open(self, listener: Listener) -> None:
        """Pass on what was held, and then what comes, to a listener."""
        with self._lock:
            for message in self._held:
                listener(message)
            self._held.clear()
            self._listener = listener
