"""Makes all actors anew where one failed for good that is needed."""

import threading
from collections.abc import Sequence

from loguru import logger

from risk_actors.actors.picture import AccountPicture
from risk_actors.actors.view import ViewActor
from risk_actors.app.escalation import Escalation
from risk_actors.app.guard import Guard
from risk_actors.app.own_thread import OwnThread
from risk_actors.core.evidence import NS_PER_S
from risk_actors.messages import ActorChanged, ActorStatus
from risk_actors.runtime.clock import Clock
from risk_actors.runtime.restarts import WhenGivenUp

LOOK_AGAIN_NS = NS_PER_S
"""How soon it is looked again whether something that protects nobody may be made anew."""


class Mender(OwnThread):
    """A thread that waits for the supervisor to give an actor up.

    Not on the supervisor's own thread, for that ends with its actors.
    """

    def __init__(self, guard: Guard, turn: threading.Lock, clock: Clock) -> None:
        """Take the actors, who else makes them anew (held meanwhile), and the clock."""
        super().__init__("mender")
        self._guard = guard
        self._turn = turn
        self._clock = clock
        self._escalation = Escalation()

    def stop(self) -> None:
        """End; returns when the thread has, or does not in time."""
        self._stopped.set()
        self._guard.needs_mending.set()
        super().stop()

    def _run(self) -> None:
        wait_s: float | None = None
        while not self._stopped.is_set():
            self._guard.needs_mending.wait(wait_s)
            self._guard.needs_mending.clear()
            if self._stopped.is_set():
                return
            try:
                wait_ns = self.mend()
            except Exception:  # noqa: BLE001 - without this thread nothing would be made anew
                logger.exception("What failed for good could not be looked after")
                wait_ns = LOOK_AGAIN_NS
            wait_s = None if wait_ns is None else wait_ns / NS_PER_S

    def mend(self) -> int | None:
        """Make all actors anew if need be and the pace allows it.

        Returns:
            After how long to call this again, in nanoseconds; None when nothing is to be mended.
        """
        with self._turn:
            wait_ns = self._mend_actors()
            # After that: new actors have been given what was asked for before.
            return wait_ns if not self._guard.repeat_panics() else LOOK_AGAIN_NS

    def _mend_actors(self) -> int | None:
        lacking = self._guard.lacking()
        lost = tuple(lacking)
        is_urgent = not self._guard.is_guarding or WhenGivenUp.REMAKE in lacking.values()
        if not is_urgent and not lost:
            self._escalation.lacks_nothing()
            return None
        now_ns = self._clock.monotonic_ns()
        if not is_urgent and not self._is_idle(lost, now_ns):
            return LOOK_AGAIN_NS
        if wait_ns := self._escalation.wait_ns(now_ns):
            return wait_ns
        self._escalation.done(now_ns)
        if self._is_made_anew(lost):
            self._tell(lost)
        return self._escalation.wait_ns(now_ns) or LOOK_AGAIN_NS

    def _is_made_anew(self, lost: Sequence[str]) -> bool:
        logger.critical(
            "{} failed for good: all actors are made anew (time {})",
            ", ".join(lost) or "The actors",
            self._escalation.times,
        )
        try:
            return self._guard.remake()
        except Exception as error:  # noqa: BLE001 - whatever it was, all there is is to try again
            logger.critical(
                "NOTHING IS GUARDED: {}. Close your positions yourself; it is tried again.", error
            )
            self._guard.show_phase("faulted")
            return False

    def _tell(self, lost: Sequence[str]) -> None:
        for address in lost:
            now_ns = self._clock.now_ns()
            self._guard.notices.say(
                f"{address} failed too often, and all actors were made anew; the log says why. If"
                " it happens again, stop trading and report it.",
                about=address,
            )
            self._guard.record(
                ActorChanged(
                    correlation_id=f"mended-{now_ns}",
                    at_ns=now_ns,
                    address=address,
                    status=ActorStatus.RESTARTED,
                    detail="all actors were made anew, because it had been given up",
                )
            )

    def _is_idle(self, lost: Sequence[str], now_ns: int) -> bool:
        """Tell whether making all anew hurts nobody; what has waited for long waits no more.

        New actors act on nothing before they have read the account: where that may fail, those
        that are there see more, and under a lock every second counts.
        """
        has_waited = self._escalation.has_waited(now_ns)
        if not self._guard.has_room:
            return False
        # A picture that nobody paints shows the same for ever.
        is_frozen = has_waited and ViewActor.kind in lost
        if not is_frozen and not self._guard.can_be_read:
            return False
        return all(
            self._is_calm(account, is_frozen=is_frozen, has_waited=has_waited)
            for account in self._guard.shown.accounts
        )

    def _is_calm(self, account: AccountPicture, *, is_frozen: bool, has_waited: bool) -> bool:
        if account.enforcement is not None and not is_frozen:
            return False
        is_open = bool(account.positions or account.orders)
        return not is_open or (has_waited and (is_frozen or not account.locks))
