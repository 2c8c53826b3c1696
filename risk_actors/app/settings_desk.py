"""Where changed settings and the trader's `arm` and `disarm` meet the running actors."""

import threading
import time
from collections.abc import Callable
from enum import Enum, auto
from pathlib import Path
from typing import NamedTuple

from loguru import logger

from risk_actors.app.guard import Guard
from risk_actors.app.rebuild_pace import RebuildPace
from risk_actors.app.settings import Settings
from risk_actors.app.settings_keeper import MENDED, InForce, SettingsKeeper
from risk_actors.app.settings_problem import SettingsError
from risk_actors.store.settings_backup import KeptSettings


class _Done(Enum):
    CHANGED = auto()
    UNCHANGED = auto()
    OVERTAKEN = auto()


class _Wish(NamedTuple):
    """What the trader asked for last."""

    number: int
    armed: bool
    waits: bool = True
    """Whether it is not carried out yet."""


class SettingsDesk:
    """Serialises everything that replaces the actors; its methods may be called by any thread."""

    def __init__(
        self,
        guard: Guard,
        keeper: SettingsKeeper,
        directory: Path,
        load: Callable[[], Settings],
        *,
        on_taken: Callable[[InForce], None],
        keep: Callable[[KeptSettings], None],
        on_lost: Callable[[Exception], None],
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        """Take what to change and who decides.

        Args:
            guard: the actors.
            keeper: decides what is in force.
            directory: where the settings files are, for messages.
            load: reads them.
            on_taken: told what is in force, before the actors have it.
            keep: writes it down beside the store; raises OSError when that fails.
            on_lost: told when no actors could be started any more.
            monotonic_ns: a clock that is never set, for the pace of changes.
        """
        self._guard = guard
        self._keeper = keeper
        self._directory = directory
        self._load = load
        self._on_taken = on_taken
        self._keep = keep
        self._on_lost = on_lost
        self._monotonic_ns = monotonic_ns
        self.turn = threading.Lock()
        """Held by whoever makes the actors anew."""
        self._wishing = threading.Lock()
        """Held for an instant only, also by who does not have the turn."""
        self._wish = _Wish(0, armed=False, waits=False)
        self._pace = RebuildPace()
        self._is_kept = False
        self._has_failed = False

    def start(self) -> None:
        """Start the actors with what is in force.

        Raises:
            StartFailedError: an actor could not be started.
        """
        with self.turn:
            self._tell()
            self._guard.start(self._keeper.in_force)
            self._write_down()

    def look(self, changed: bool) -> None:
        """Take on edited files, and what waited for a day that has begun."""
        with self.turn:
            if self._guard.has_locks and self._keeper.see_lock():
                self._is_kept = False
            news = self._edited() if changed else False
            if self._keeper.look() or news:
                self._take()
            elif self._pace.is_owed:
                self._take_when_due()
            self._guard.look_at_secret()
            self._or_lost(self._guard.look_after_store)
            self._or_lost(self._guard.renew)
            if not self._is_kept:
                self._write_down()

    def arm(self, *, armed: bool) -> bool:
        """Arm or disarm; tell whether that is a change."""
        return self._carry_out(self.wish(armed=armed)) is _Done.CHANGED

    def wish(self, *, armed: bool) -> int:
        """Take a wish to arm or disarm, which overtakes all before; return its number."""
        with self._wishing:
            self._wish = _Wish(self._wish.number + 1, armed)
            if not armed:
                # Before anything else, for it is the emergency stop; the actors follow.
                self._guard.hold_commands()
            return self._wish.number

    def waits(self, *, armed: bool) -> bool:
        """Tell whether the latest wish is this one, and not carried out yet."""
        with self._wishing:
            return self._wish.waits and self._wish.armed is armed

    def drop(self, number: int) -> None:
        """Take a wish back that was not granted."""
        with self._wishing:
            if number == self._wish.number and not self._wish.armed:
                self._guard.release_commands()
        self._settle(number)

    def carry_out(self, number: int) -> bool:
        """Arm or disarm; false when a later wish has overtaken this one."""
        return self._carry_out(number) is not _Done.OVERTAKEN

    def _carry_out(self, number: int) -> "_Done":
        with self.turn:
            with self._wishing:
                wish = self._wish
                if number != wish.number:
                    return _Done.OVERTAKEN
                if wish.armed:
                    # No later wish to disarm is undone by this: it would be the latest.
                    self._guard.release_commands()
            try:
                if not self._keeper.arm(armed=wish.armed):
                    return _Done.UNCHANGED
                # At once, whatever the pace: who may disarm gains nothing by doing it often.
                self._take(at_once=True)
                return _Done.CHANGED
            finally:
                self._settle(number)

    def _settle(self, number: int) -> None:
        with self._wishing:
            if number == self._wish.number:
                self._wish = self._wish._replace(waits=False)

    def _edited(self) -> bool:
        try:
            wanted = self._load()
        except SettingsError as error:
            problems = "; ".join(str(problem) for problem in error.problems)
            fault = f"the edited settings are wrong, nothing of them holds: {problems}"
            logger.error("In {}: {}", self._directory, fault)
            return self._keeper.refuse(fault)
        was_wrong = bool(self._keeper.in_force.fault)
        is_news = self._keeper.offer(wanted)
        if was_wrong:
            logger.info("In {}: {}", self._directory, MENDED)
        return is_news

    def _take(self, *, at_once: bool = False) -> None:
        in_force = self._keeper.in_force
        self._tell()
        # Before the actors are made anew: their way back begins with what holds.
        self._write_down()
        if self._guard.would_replace(in_force):
            self._pace.owe(self._monotonic_ns())
            self._take_when_due(at_once=at_once)
        else:
            self._pace.settle()
            self._or_lost(lambda: self._guard.take(in_force))

    def _take_when_due(self, *, at_once: bool = False) -> None:
        """Make the actors anew, at a pace that leaves them the requests they have to read with."""
        now_ns = self._monotonic_ns()
        if at_once or self._pace.is_due(now_ns, has_room=self._guard.has_room):
            if self._or_lost(lambda: self._guard.take(self._keeper.in_force)):
                self._pace.done(now_ns)
            else:
                self._pace.failed(now_ns)

    def _tell(self) -> None:
        in_force = self._keeper.in_force
        self._on_taken(in_force)
        for sentence in in_force.pending:
            logger.warning("{}", sentence)

    def _write_down(self) -> None:
        """Keep what is in force beside the store; where that fails, the next look tries again."""
        try:
            self._keep(self._keeper.to_keep(self._keeper.in_force))
        except OSError as error:
            self._is_kept = False
            if not self._has_failed:
                logger.error("The settings in force could not be kept beside the store: {}", error)
            self._has_failed = True
        else:
            self._is_kept, self._has_failed = True, False

    def _or_lost[T](self, change: Callable[[], T]) -> T:
        try:
            return change()
        except Exception as error:
            self._on_lost(error)
            raise
