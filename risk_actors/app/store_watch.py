"""Looks after the store while actors come and go."""

import sqlite3
from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import Path

from risk_actors.runtime.clock import Clock
from risk_actors.store.recovery import open_or_recover
from risk_actors.store.rule_states import KeptMemory, keep_memories
from risk_actors.store.schema import DATABASE_FILE
from risk_actors.store.trouble import store_trouble


class StoreState(Enum):
    """What actors that are made anew will find."""

    SOUND = "sound"
    MADE_ANEW = "made anew"
    """It was damaged or gone; what is known has still to be written into it."""
    UNUSABLE = "unusable"


class StoreWatch:
    """Sees whether the store is there, and makes one anew that is damaged or gone."""

    def __init__(self, data_dir: Path, clock: Clock, say: Callable[[str], None]) -> None:
        """Take where the store is, and who is told in plain words what had to be done."""
        self._data_dir = data_dir
        self._clock = clock
        self._say = say
        self._is_new = False

    @property
    def is_gone(self) -> bool:
        """Whether there is no file any more."""
        return not (self._data_dir / DATABASE_FILE).is_file()

    def look(self) -> StoreState:
        """Look at the store; one that is damaged or gone is set aside and made anew."""
        trouble = store_trouble(self._data_dir)
        if trouble is not None:
            try:
                recovered = open_or_recover(self._data_dir, self._clock.now_ns())
            except (sqlite3.Error, OSError) as error:
                self._say(
                    f"{trouble}, and cannot be made anew: {error}. Rules and locks go on in"
                    " memory; settings are taken on once the data directory can be written."
                )
                return StoreState.UNUSABLE
            for sentence in (trouble, *recovered.said):
                self._say(sentence)
            if store_trouble(self._data_dir) is not None:
                return StoreState.UNUSABLE
            self._is_new = True
        return StoreState.MADE_ANEW if self._is_new else StoreState.SOUND

    def fill(self, memories: Iterable[KeptMemory]) -> None:
        """Write what rules remember into a store that was made anew.

        Nobody else may write to it at the same time: whoever did with the lost one has ended.
        """
        try:
            keep_memories(self._data_dir, memories, self._clock.now_ns())
        except (sqlite3.Error, OSError) as error:
            self._say(f"What rules remember could not be written into the new store: {error}")
        self._is_new = False
