"""One channel: a thread that delivers what its outlet lets go, and notes what came of it."""

import threading
import time
from collections.abc import Callable
from datetime import tzinfo
from typing import NamedTuple

from loguru import logger

from risk_actors.actors.alert import Alert
from risk_actors.actors.picture import AlertChannelPicture
from risk_actors.alerts.addresses import AddressError
from risk_actors.alerts.door import AppriseDoor, Deadline, Door
from risk_actors.alerts.letter import Letter
from risk_actors.alerts.outlet import AGAIN_NS, GIVEN_UP_NS, Outlet, Parcel, Waiting
from risk_actors.alerts.quiet import QuietHours, is_quiet
from risk_actors.alerts.settings import AlertSettings, ChannelSettings, shown_source
from risk_actors.core.evidence import NS_PER_S, iso_utc

_LOOK_AT_LEAST_EVERY_S = 30.0
_LOOK_AT_MOST_EVERY_S = 0.05
LAST_TRY_S = 4.0
"""How long the end of the program waits for the last message."""


class Pace(NamedTuple):
    """How patient a delivery is."""

    timeout_s: float = 10.0
    again_after_s: tuple[float, ...] = (1.0, 4.0, 15.0)
    """Between one attempt and the next; then it has failed."""
    put_back_for_s: float = AGAIN_NS / NS_PER_S
    """Then what is urgent is tried once more, again and again."""


class Surroundings(NamedTuple):
    """What every channel is given."""

    address_of: Callable[[str], str]
    """Returns the address that a setting means; raises `AddressError`."""
    zone: tzinfo
    mode: str
    on_fault: Callable[[str], None]
    """Told, in plain words and without secrets, when a channel begins to fail."""
    pace: Pace = Pace()
    open_door: Callable[[str], Door] = AppriseDoor


class Channel:
    """Takes alerts from any thread, at once; delivers on a thread of its own."""

    def __init__(
        self, channel: ChannelSettings, settings: AlertSettings, around: Surroundings
    ) -> None:
        self.name = channel.name
        self._source = channel.url
        self._quiet = tuple(QuietHours.of(text) for text in channel.quiet_hours)
        self._min_severity = channel.min_severity.value
        self._around = around
        self._outlet = Outlet(channel, settings, around.zone, around.mode)
        self._door: Door | None = None
        self._address = ""
        self._deadline = Deadline()
        self._change = threading.Condition()
        self._ending = threading.Event()
        self._heirs: tuple[Channel, ...] = ()
        self._is_over = False
        """Whether its thread takes nothing more."""
        self._sent = 0
        self._failed = 0
        self._is_failing = False
        self._last_sent_ns: int | None = None
        self._last_failure: tuple[int, str] | None = None
        self._thread = threading.Thread(target=self._run, name=f"alerts {self.name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def post(self, alert: Alert) -> None:
        """Take an alert."""
        with self._change:
            if not self._is_over:
                self._outlet.take(alert, time.monotonic_ns())
                self._change.notify()
                return
        for heir in self._heirs:
            heir.post(alert)

    def inherit(self, returned: tuple[Waiting, ...]) -> None:
        """Take what a channel before this one could not deliver; it is tried at once."""
        if not self._put_back(returned, after_s=0.0):
            for heir in self._heirs:
                heir.inherit(returned)

    def end(self, heirs: "tuple[Channel, ...]" = ()) -> None:
        """Send what waits, once, and end; `join` waits for that.

        Args:
            heirs: who takes what is urgent and cannot be delivered here.
        """
        with self._change:
            self._heirs = heirs
            self._ending.set()
            self._change.notify()

    @property
    def is_alive(self) -> bool:
        """Whether its thread may still send something."""
        return self._thread.is_alive()

    def join(self, within_s: float) -> None:
        """Wait until it has ended, or not in time."""
        if self._thread.is_alive():
            self._thread.join(within_s)

    def picture(self) -> AlertChannelPicture:
        """Return what is shown of it; nothing in it is secret."""
        outlet, failure = self._outlet, self._last_failure
        return AlertChannelPicture(
            name=self.name,
            url=shown_source(self._source),
            min_severity=self._min_severity,
            sent=self._sent,
            failed=self._failed,
            waiting=outlet.waiting,
            held_back=outlet.held_back,
            repeats=outlet.repeats,
            dropped=outlet.dropped,
            is_failing=self._is_failing,
            last_sent=None if self._last_sent_ns is None else iso_utc(self._last_sent_ns),
            last_failure=None if failure is None else failure[1],
            last_failure_at=None if failure is None else iso_utc(failure[0]),
        )

    def deliver(self, letter: Letter) -> str | None:
        """Deliver one message on this thread, with all attempts; return why it failed.

        What could not be delivered before has one attempt, for it is put back again.
        """
        fault = self._attempt(letter)
        for pause_s in () if letter.late else self._around.pace.again_after_s:
            if fault is None or self._ending.wait(pause_s):
                break
            fault = self._attempt(letter)
        self._note(letter, fault)
        return fault

    # --- its thread -------------------------------------------------------------------------

    def _run(self) -> None:
        self._open()  # so that the first alert need not wait for it
        while not self._is_over:
            parcel = self._next()
            if parcel is not None and self.deliver(parcel.letter) is not None:
                self._return(parcel)

    def _next(self) -> Parcel | None:
        """Wait for the next message; return it, if there is one."""
        with self._change:
            now_ns = time.monotonic_ns()
            quiet = is_quiet(self._quiet, time.time_ns(), self._around.zone)
            ending = self._ending.is_set()
            parcel = self._outlet.due(now_ns, is_quiet=quiet, at_once=ending)
            if parcel is None and ending:
                self._is_over = True
            elif parcel is None:
                next_ns = self._outlet.next_ns(now_ns)
                wait_s = _LOOK_AT_LEAST_EVERY_S
                if next_ns is not None:
                    wait_s = min(wait_s, max((next_ns - now_ns) / NS_PER_S, _LOOK_AT_MOST_EVERY_S))
                self._change.wait(wait_s)
            return parcel

    def _return(self, parcel: Parcel) -> None:
        """Keep what is urgent of a message that failed, or hand it on; count what is lost."""
        returns = parcel.returns
        if returns and not self._ending.is_set():
            self._failed += parcel.letter.alerts - len(returns)
            self._put_back(returns, self._around.pace.put_back_for_s)
        elif returns and self._heirs:
            self._failed += parcel.letter.alerts - len(returns)
            for heir in self._heirs:
                heir.inherit(returns)
        else:
            self._failed += parcel.letter.alerts
            if returns:
                self._around.on_fault(
                    f"channel {self.name}: {len(returns)} alerts could not be delivered before"
                    " the end"
                )

    def _put_back(self, returned: tuple[Waiting, ...], after_s: float) -> bool:
        """Have them wait here again; return whether they can, for it may be over."""
        with self._change:
            if self._is_over:
                return False
            now_ns = time.monotonic_ns()
            given_up = self._outlet.put_back(returned, now_ns, int(after_s * NS_PER_S))
            self._change.notify()
        if given_up:
            self._failed += given_up
            hours = GIVEN_UP_NS // (3600 * NS_PER_S)
            self._around.on_fault(
                f"channel {self.name}: {given_up} alerts could not be delivered for {hours} h and"
                " were given up"
            )
        return True

    def _open(self) -> str | None:
        """Open the door where it is not; return why it cannot be."""
        if self._door is not None:
            return None
        try:
            self._address = self._around.address_of(self._source)
            self._door = self._around.open_door(self._address)
        except AddressError as error:
            self._fail(str(error))
            return str(error)
        except Exception as error:  # noqa: BLE001 - a broken channel is shown, it breaks nothing
            fault = f"it cannot be opened: {type(error).__name__}"
            self._fail(fault)
            return fault
        return None

    def _attempt(self, letter: Letter) -> str | None:
        fault = self._open()
        door = self._door
        if fault is not None or door is None:
            return fault
        timeout_s = LAST_TRY_S if self._ending.is_set() else self._around.pace.timeout_s
        return self._deadline.call(
            lambda: door.send(letter, timeout_s), timeout_s + 1, self._address
        )

    def _note(self, letter: Letter, fault: str | None) -> None:
        if fault is not None:
            self._fail(fault)
            return
        if self._is_failing:
            logger.info("Alerts: channel {} delivers again", self.name)
        self._is_failing = False
        self._last_sent_ns = time.time_ns()
        self._sent += letter.alerts

    def _fail(self, fault: str) -> None:
        """Note a failure, and say it once until it works again."""
        self._last_failure = (time.time_ns(), fault)
        if not self._is_failing:
            self._is_failing = True
            self._around.on_fault(f"channel {self.name} does not deliver: {fault}")
