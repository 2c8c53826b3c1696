"""How often to try while nothing reaches the broker: pure reckoning.

A read that cannot even be sent costs the broker nothing and is not counted, so nothing else would
hold it back. The pause is short: whoever waits is blind, and the first read that gets through ends
it. An enforcement's look comes first.
"""

_NS_PER_S = 1_000_000_000
PAUSES_S = (0.05, 0.1, 0.2, 0.5, 1.0)
"""How long ordinary reads wait after the first, second, ... in a row that could not be sent."""
URGENT_PAUSES_S = (0.05, 0.1, 0.2, 0.4)
"""The same for reads of an enforcement in progress."""


class Reach:
    """Whether anything reaches the broker. Not for more than one thread at a time."""

    def __init__(self) -> None:
        self._in_a_row = 0
        self._lost_ns = 0

    @property
    def is_lost(self) -> bool:
        """Whether the last read could not be sent."""
        return self._in_a_row > 0

    def tell(self, now_ns: int) -> None:
        """Take the time; a clock that was set back must not make a pause longer."""
        self._lost_ns = min(self._lost_ns, now_ns)

    def lost(self, now_ns: int, sent_ns: int) -> None:
        """Take that a read could not be sent; those that were tried together fail as one."""
        if not self._in_a_row or sent_ns >= self._lost_ns:
            self._in_a_row = min(self._in_a_row + 1, len(PAUSES_S))
        self._lost_ns = now_ns

    def found(self) -> None:
        """Take that the broker has answered."""
        self._in_a_row = 0

    def wait_ns(self, now_ns: int, *, is_urgent: bool) -> int:
        """Return how long a read still waits, in ns."""
        if not self._in_a_row:
            return 0
        pauses_s = URGENT_PAUSES_S if is_urgent else PAUSES_S
        pause_s = pauses_s[min(self._in_a_row, len(pauses_s)) - 1]
        return max(self._lost_ns + int(pause_s * _NS_PER_S) - now_ns, 0)
