"""Whether everything that protection needs is at work in this process."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from risk_actors.core.evidence import NS_PER_S

LOOP_ANSWERS_WITHIN_NS = 5 * NS_PER_S
"""The gateway's thread never works for so long at one thing."""
SLEPT_NS = 5 * NS_PER_S
"""Who looks every second and comes so late has slept, as all others have."""
REBUILT_WITHIN_NS = 20 * NS_PER_S
"""Making the actors anew takes less than a second; a little more on a machine that is busy."""


class LoopProbe:
    """Asks the gateway's thread again and again to do something, and sees whether it does."""

    def __init__(self, ping: Callable[[Callable[[], object]], bool]) -> None:
        """Take what has a function called on the thread, and tells whether there is one."""
        self._ping = ping
        self._answered = threading.Event()
        self._asked_ns: int | None = None

    def trouble(self, now_ns: int) -> str | None:
        """Return what is wrong; `now_ns` never steps back."""
        if self._asked_ns is None or self._answered.is_set():
            self._answered.clear()
            self._asked_ns = now_ns
            return None if self._ping(self._answered.set) else "the gateway's thread has ended"
        waited_ns = now_ns - self._asked_ns
        if waited_ns < LOOP_ANSWERS_WITHIN_NS:
            return None
        return f"the gateway's thread has not answered for {waited_ns // NS_PER_S} s"


class Signs(NamedTuple):
    """Where to look."""

    problems: Callable[[], Sequence[str]]
    """What is wrong with the actors that protection needs, in plain words."""
    is_guarding: Callable[[], bool]
    """Whether there are actors at all."""
    ping: Callable[[Callable[[], object]], bool]
    """Has a function called on the gateway's thread."""
    threads: Mapping[str, Callable[[], bool]]
    """By name, whether other threads that are needed live."""


class VitalSigns:
    """Looks at everything; for one thread."""

    def __init__(self, signs: Signs) -> None:
        self._signs = signs
        self._probe = LoopProbe(signs.ping)
        self._unguarded_since_ns: int | None = None
        self._missing: set[str] = set()
        self._looked_ns: int | None = None
        self._was_late = False

    def troubles(self, now_ns: int) -> tuple[str, ...]:
        """Return what is wrong, in plain words; nothing when all is well.

        After a gap in the looking, as when the machine slept, all have to show themselves first,
        so nothing is found by that one look; by the next one, late or not, it is.
        """
        looked_ns, self._looked_ns = self._looked_ns, now_ns
        is_late = looked_ns is not None and now_ns - looked_ns >= SLEPT_NS
        found = self._found(now_ns)
        is_forgiven, self._was_late = is_late and not self._was_late, is_late
        return () if is_forgiven else found

    def _found(self, now_ns: int) -> tuple[str, ...]:
        found = [trouble] if (trouble := self._probe.trouble(now_ns)) is not None else []
        found += [f"{name} has ended" for name in self._ended()]
        if self._signs.is_guarding():
            self._unguarded_since_ns = None
            found += self._signs.problems()
        elif self._unguarded_since_ns is None:
            self._unguarded_since_ns = now_ns
        elif now_ns - self._unguarded_since_ns >= REBUILT_WITHIN_NS:
            found.append("there are no actors")
        return tuple(found)

    def _ended(self) -> list[str]:
        """Return the threads that were not there at the last look either: some are replaced."""
        missing = {name for name, lives in self._signs.threads.items() if not lives()}
        ended, self._missing = sorted(missing & self._missing), missing
        return ended
