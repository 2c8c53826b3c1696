"""The heartbeat to a watcher elsewhere: while all is well an address is fetched again and again.

Nobody can tell that they are dead. A service that expects the heartbeat tells the trader when it
stays away: with this program, its machine or its network gone.
"""

import threading
import time
import urllib.request
from collections.abc import Callable
from typing import NamedTuple

from loguru import logger

from risk_actors.actors.picture import AlertChannelPicture
from risk_actors.alerts.addresses import AddressError, without_secrets
from risk_actors.alerts.door import Deadline
from risk_actors.alerts.settings import AlertSettings, shown_source
from risk_actors.core.evidence import NS_PER_S, iso_utc

NAME = "heartbeat"
LOOK_EVERY_S = 1.0
UNWELL_AFTER_NS = 15 * NS_PER_S
"""What is not well for a shorter time is being mended: actors are made anew in less."""
TIMEOUT_S = 10.0
_OK = range(200, 300)


class Beat:
    """Decides when to say what; instants are of a clock that is never set."""

    def __init__(self, every_ns: int) -> None:
        self._every_ns = every_ns
        self._unwell_since_ns: int | None = None
        self._said_ns: int | None = None
        self._said_well: bool | None = None

    def to_say(self, now_ns: int, *, is_well: bool) -> bool | None:
        """Return whether to say now that all is well, or that it is not; None for nothing."""
        if is_well:
            self._unwell_since_ns = None
        elif self._unwell_since_ns is None:
            self._unwell_since_ns = now_ns
        since_ns = self._unwell_since_ns
        if since_ns is not None and now_ns - since_ns < UNWELL_AFTER_NS:
            return None
        is_due = self._said_ns is None or now_ns - self._said_ns >= self._every_ns
        if not is_due and self._said_well is is_well:
            return None
        self._said_ns, self._said_well = now_ns, is_well
        return is_well


class HeartbeatTerms(NamedTuple):
    """What the settings say of it."""

    url: str
    every_s: float
    fail_suffix: str

    @classmethod
    def of(cls, settings: AlertSettings) -> "HeartbeatTerms | None":
        """Return the terms; None where there is to be none."""
        if settings.heartbeat_url is None:
            return None
        return cls(
            settings.heartbeat_url, settings.heartbeat_every_s, settings.heartbeat_fail_suffix
        )


class HeartbeatThread:
    """A thread of its own that looks once a second and fetches."""

    def __init__(
        self,
        terms: HeartbeatTerms,
        *,
        address_of: Callable[[str], str],
        is_well: Callable[[], bool],
        on_fault: Callable[[str], None],
    ) -> None:
        self._terms = terms
        self._address_of = address_of
        self._is_well = is_well
        self._on_fault = on_fault
        self._beat = Beat(int(terms.every_s * NS_PER_S))
        self._deadline = Deadline()
        self._sent = 0
        self._failed = 0
        self._is_failing = False
        self._last_sent_ns: int | None = None
        self._last_failure: tuple[int, str] | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="alerts heartbeat", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def end(self) -> None:
        """End; a fetch that is under way is not waited for."""
        self._stop.set()

    def picture(self) -> AlertChannelPicture:
        """Return what is shown of it, as of a channel."""
        failure = self._last_failure
        return AlertChannelPicture(
            name=NAME,
            url=shown_source(self._terms.url),
            min_severity="",
            sent=self._sent,
            failed=self._failed,
            is_failing=self._is_failing,
            last_sent=None if self._last_sent_ns is None else iso_utc(self._last_sent_ns),
            last_failure=None if failure is None else failure[1],
            last_failure_at=None if failure is None else iso_utc(failure[0]),
        )

    def _run(self) -> None:
        while not self._stop.wait(LOOK_EVERY_S):
            said = self._beat.to_say(time.monotonic_ns(), is_well=self._asked())
            if said is True:
                self._fetch("")
            elif said is False and self._terms.fail_suffix:
                self._fetch(self._terms.fail_suffix)

    def _asked(self) -> bool:
        try:
            return self._is_well()
        except Exception as error:  # noqa: BLE001 - what cannot be told is not well
            logger.error("Alerts: whether all is well cannot be told: {}", type(error).__name__)
            return False

    def _fetch(self, suffix: str) -> None:
        try:
            address = self._address_of(self._terms.url)
        except AddressError as error:
            self._note(str(error))
            return
        if not address.startswith(("http://", "https://")):
            self._note("the address is neither http:// nor https://")
            return
        whole = _with_suffix(address, suffix)
        self._note(self._deadline.call(lambda: _get(whole, address), TIMEOUT_S + 1, address))

    def _note(self, fault: str | None) -> None:
        if fault is None:
            self._sent += 1
            self._last_sent_ns = time.time_ns()
            self._is_failing = False
            return
        self._failed += 1
        self._last_failure = (time.time_ns(), fault)
        if not self._is_failing:
            self._is_failing = True
            self._on_fault(f"the {NAME} does not arrive: {fault}")


def _with_suffix(address: str, suffix: str) -> str:
    """Return an address with something added to its path, before the question mark."""
    if not suffix:
        return address
    path, mark, query = address.partition("?")
    return f"{path.rstrip('/')}{suffix}{mark}{query}"


def _get(whole: str, address: str) -> str | None:
    request = urllib.request.Request(whole, headers={"User-Agent": "risk-actors"})  # noqa: S310 - http(s)
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310 - the same
            status: int = response.status
    except OSError as error:
        return without_secrets(f"{error}", address)
    return None if status in _OK else f"the service answered {status}"
