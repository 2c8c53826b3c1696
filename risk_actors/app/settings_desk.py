"""Where changed settings and the trader's `arm` and `disarm` meet the running actors."""

import threading
from collections.abc import Callable
from pathlib import Path

from loguru import logger

from risk_actors.app.guard import Guard
from risk_actors.app.settings import Settings
from risk_actors.app.settings_keeper import SettingsKeeper
from risk_actors.app.settings_problem import SettingsError


class SettingsDesk:
    """Serialises everything that replaces the actors; its methods may be called by any thread."""

    def __init__(
        self,
        guard: Guard,
        keeper: SettingsKeeper,
        directory: Path,
        load: Callable[[], Settings],
        on_lost: Callable[[Exception], None],
    ) -> None:
        """Take what to change and who decides.

        Args:
            guard: the actors.
            keeper: decides what is in force.
            directory: where the settings files are, for messages.
            load: reads them.
            on_lost: told when no actors could be started any more.
        """
        self._guard = guard
        self._keeper = keeper
        self._directory = directory
        self._load = load
        self._on_lost = on_lost
        self._turn = threading.Lock()

    def look(self, changed: bool) -> None:
        """Take on edited files, and what waited for a day that has begun."""
        with self._turn:
            news = self._edited() if changed else False
            if self._keeper.look() or news:
                self._take()
            self._or_lost(self._guard.renew)

    def arm(self, *, armed: bool) -> bool:
        """Arm or disarm; tell whether that is a change."""
        with self._turn:
            if not self._keeper.arm(armed=armed):
                return False
            self._take()
            return True

    def _edited(self) -> bool:
        try:
            wanted = self._load()
        except SettingsError as error:
            problems = "; ".join(str(problem) for problem in error.problems)
            fault = f"the edited settings are wrong, what was in force stays so: {problems}"
            logger.error("In {}: {}", self._directory, fault)
            return self._keeper.refuse(fault)
        return self._keeper.offer(wanted)

    def _take(self) -> None:
        in_force = self._keeper.in_force
        for sentence in in_force.pending:
            logger.warning("Waits for the daily reset: {}", sentence)
        self._or_lost(lambda: self._guard.take(in_force))

    def _or_lost(self, change: Callable[[], None]) -> None:
        try:
            change()
        except Exception as error:
            self._on_lost(error)
            raise
