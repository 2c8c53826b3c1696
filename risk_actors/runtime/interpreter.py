"""How the interpreter shares itself out, and when it looks for garbage: set once, at the start."""

import gc
import sys
from collections.abc import Callable

from risk_actors.runtime.right_of_way import THE_WAY, RightOfWay

SWITCH_EVERY_S = 0.001
"""For how long a thread keeps the interpreter while others want it.

Python's own 5 ms is as long as the whole answer to an event may take under flood: an event that
comes while the picture is painted waits for it. The shorter, the sooner whoever reads the broker's
event is let in; but then the thread that has the answer under way is interrupted in it more often,
as far as the others do not give way by themselves (`right_of_way`)."""

YOUNG_AT_MOST = 50_000
"""So many new objects, and garbage is looked for wherever the program is.

Python's own is 700, which one event makes: every second answer had a look in its middle, of 0.3 ms.
Where everything has been started `Tidying` looks instead, between events; so many come together
only where it does not get to it."""
MIDDLE_AFTER = 10
"""Looks at new objects before one at those that outlived the last."""
OLD_AFTER = 6000
"""The same for the old ones. What reference counting cannot free are cycles, and none is made by an
event; so little is found, and every look holds up all threads for as long as it takes to walk all
that lives."""
PASSED_AT_MOST = 5
"""So many looks are left out because somebody is in a hurry, and no more."""


def share_out() -> None:
    """Let threads take turns at the pace that was measured to answer fastest."""
    sys.setswitchinterval(SWITCH_EVERY_S)


def settle() -> None:
    """Take what lives now for what will live on: it is walked no more.

    To be called when everything has been started.
    """
    # What was taken before may have been replaced since; nobody else would ever look at it again.
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_AT_MOST, MIDDLE_AFTER, OLD_AFTER)


def is_settled() -> bool:
    """Tell whether somebody settled. How much is frozen would have to be counted."""
    return gc.get_threshold()[2] == OLD_AFTER


def settle_again() -> None:
    """Let go of what was settled and has been replaced since; nothing where nothing was settled."""
    if is_settled():
        settle()


class Tidying:
    """Looks for garbage between events; to be called some times a second, by one thread.

    It does nothing where nothing was settled: Python's own looks are as they were, then.
    """

    def __init__(
        self, way: RightOfWay = THE_WAY, collect: Callable[[int], object] = gc.collect
    ) -> None:
        self._way = way
        self._collect = collect
        self._looks = 0
        self._passed = 0

    def __call__(self) -> None:
        """Look now, unless somebody is in a hurry."""
        if not is_settled():
            return
        if self._way.is_taken and self._passed < PASSED_AT_MOST:
            self._passed += 1
            return
        self._passed = 0
        self._looks += 1
        if not self._looks % OLD_AFTER:
            self._collect(2)
        elif not self._looks % MIDDLE_AFTER:
            self._collect(1)
        else:
            self._collect(0)
