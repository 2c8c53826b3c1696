"""Saying what lasts once, and then once a minute: a log that repeats itself is not read."""

import asyncio
from collections.abc import Hashable

SAY_AGAIN_AFTER_S = 60.0
_MOST_KEPT = 1000
"""What was said is forgotten beyond so many things: some of them never come again."""


class Repeats:
    """Knows what was said lately. Use it on an event loop only."""

    def __init__(self) -> None:
        self._said_s: dict[Hashable, float] = {}

    def is_due(self, what: Hashable) -> bool:
        """Tell whether something is to be said now, and take it as said then."""
        now_s = asyncio.get_running_loop().time()
        said_s = self._said_s.get(what)
        if said_s is not None and now_s - said_s < SAY_AGAIN_AFTER_S:
            return False
        if len(self._said_s) >= _MOST_KEPT:
            self._said_s.clear()
        self._said_s[what] = now_s
        return True

    def forget(self) -> None:
        """Let everything be news again, as when what lasted is over."""
        self._said_s.clear()
