"""The way out: apprise, imported when there is something to send, and kept from talking.

What it logs may hold URLs: apprise itself at DEBUG, urllib3 the path of every request. So both are
silenced, and why a delivery failed is taken from apprise's answer, with all of the URL hidden.
"""

import logging
import threading
import warnings
from collections.abc import Callable
from typing import Any, Protocol

from risk_actors.actors.alert import Severity
from risk_actors.alerts.addresses import AddressError, without_secrets
from risk_actors.alerts.letter import Letter

_LOUD = ("urllib3", "requests", "requests_oauthlib", "oauthlib", "slixmpp", "paho")
MOST_LEFT_BEHIND = 3
"""Attempts that never came back, before no more are made."""
_OPENING = threading.Lock()
"""Held by whoever opens: which warnings are ignored is set for all threads."""
_NO_REASON = "the service did not take it"


class Door(Protocol):
    """Delivers to one address."""

    def send(self, letter: Letter, timeout_s: float) -> str | None:
        """Deliver; return None when it was taken, else why not, without any secret."""


class AppriseDoor:
    """Delivers through apprise."""

    def __init__(self, address: str) -> None:
        """Prepare the way.

        Raises:
            AddressError: apprise does not know such an address.
        """
        # What it imports, and when it first meets an address, warns of its own old parts.
        with _OPENING, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._open(address)

    def _open(self, address: str) -> None:
        import apprise  # noqa: PLC0415 - takes half a second, and most commands need it not

        _silence()
        asset = apprise.AppriseAsset(
            app_id="risk-actors",
            app_desc="risk-actors",
            app_url="",
            async_mode=False,
            secure_logging=True,
            # Nothing of it on disk, where it would keep tokens.
            storage_mode=apprise.PersistentStoreMode.MEMORY,
        )
        self._address = address
        self._apprise = apprise.Apprise(asset=asset)
        if not self._apprise.add(address) or len(self._apprise) != 1:
            raise AddressError("the address is not one that apprise knows; see docs/alerts.md")
        self._types = {
            Severity.INFO: apprise.NotifyType.INFO,
            Severity.WARNING: apprise.NotifyType.WARNING,
            Severity.CRITICAL: apprise.NotifyType.FAILURE,
        }
        self._text = apprise.NotifyFormat.TEXT

    def send(self, letter: Letter, timeout_s: float) -> str | None:
        """Deliver; return None when it was taken, else why not, without any secret."""
        result: Any = self._apprise.notify(
            title=letter.title,
            body=letter.body,
            notify_type=self._types[letter.severity],
            body_format=self._text,
            timeout=timeout_s,
        )
        if result:
            return None
        said = [str(entry.message) for entry in result.logs()]
        return without_secrets(said[-1], self._address) if said else _NO_REASON


def _silence() -> None:
    for name in _LOUD:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    # Its answer is made of what it logs, so that goes on, and reaches nobody else.
    logger = logging.getLogger("apprise")
    logger.setLevel(logging.WARNING)
    logger.propagate = False
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())


class Deadline:
    """Calls what may hang, each time on a thread of its own, and does not wait for ever."""

    def __init__(self) -> None:
        self._left: list[threading.Thread] = []

    def call(self, work: Callable[[], str | None], timeout_s: float, address: str) -> str | None:
        """Return what the work returns, or why it did not; it never raises."""
        self._left = [thread for thread in self._left if thread.is_alive()]
        if len(self._left) >= MOST_LEFT_BEHIND:
            return f"{len(self._left)} earlier attempts still hang"
        outcome: list[str | None] = []

        def run() -> None:
            try:
                outcome.append(work())
            except Exception as error:  # noqa: BLE001 - whatever it was, it was not delivered
                text = f"{type(error).__name__}: {error}"
                outcome.append(without_secrets(text, address))

        thread = threading.Thread(target=run, name="alert delivery", daemon=True)
        thread.start()
        thread.join(timeout_s)
        if outcome:
            return outcome[0]
        if thread.is_alive():
            self._left.append(thread)
            return f"no answer within {timeout_s:.0f} s"
        return _NO_REASON
