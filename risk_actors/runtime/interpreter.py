"""How the interpreter shares itself out, and when it looks for garbage: set once, at the start."""

import gc
import sys

SWITCH_EVERY_S = 0.001
"""For how long a thread keeps the interpreter while others want it.

Python's own 5 ms is as long as the whole answer to an event may take under flood: an event that
comes while the picture is painted waits for it. The shorter, the sooner whoever reads the broker's
event is let in; but then the thread that has the answer under way is interrupted in it more often,
as far as the others do not give way by themselves (`right_of_way`)."""

OLD_COLLECTED_AFTER = 100
"""Collections of the middle generation before the old one is looked at.

Python's own is 10. What reference counting cannot free are cycles, and none is made by an event; so
little is found, and every look holds up all threads for as long as it takes to walk all that
lives."""


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
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, OLD_COLLECTED_AFTER)


def settle_again() -> None:
    """Let go of what was settled and has been replaced since; nothing where nothing was settled."""
    if gc.get_freeze_count():
        settle()
