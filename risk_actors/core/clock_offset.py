"""How far our clock is from the broker's, from rows that are pushed the moment they are made."""

from collections import deque

from risk_actors.core.evidence import NS_PER_S

WRONG_FROM_NS = 2 * NS_PER_S
"""Less than this is how long rows travel, and no clock is set better than that by hand."""
WRONG_UP_TO_NS = 120 * NS_PER_S
"""More than this is believed of no row: the broker's times are wrong, or our clock is so far off
that correcting it here would only hide it."""
AGREEING = 3
AGREE_WITHIN_NS = NS_PER_S
AGREE_OVER_NS = 5 * NS_PER_S
"""So many rows, no further apart in what they say, over so long: a burst of late rows is one."""


class ClockOffset:
    """An estimate that takes rows which agree, so that neither a late nor a wrong one moves it.

    While rows disagree the clocks count as equal: a single row that is timed about right shows
    that our clock is, or has been set.
    """

    def __init__(self) -> None:
        self._rows: deque[tuple[int, int]] = deque(maxlen=AGREEING)
        self.ahead_ns = 0
        """Our clock less the broker's; 0 while they agree or too little is known."""

    def take(self, made_ns: int, received_ns: int) -> bool:
        """Take a row seen for the first time; tell whether the estimate changed."""
        difference_ns = received_ns - made_ns
        if abs(difference_ns) < WRONG_FROM_NS:
            self._rows.clear()
            return self._set(0)
        if abs(difference_ns) > WRONG_UP_TO_NS:
            return False
        if self._rows and received_ns - self._rows[-1][0] < AGREE_OVER_NS // (AGREEING - 1):
            return False
        self._rows.append((received_ns, difference_ns))
        said = [row[1] for row in self._rows]
        if len(said) < AGREEING or max(said) - min(said) > AGREE_WITHIN_NS:
            return False
        # A row comes later than it was made, never earlier: the smallest is nearest to the truth.
        return self._set(min(said))

    def _set(self, ahead_ns: int) -> bool:
        if abs(ahead_ns - self.ahead_ns) < AGREE_WITHIN_NS // 2:
            return False
        self.ahead_ns = ahead_ns
        return True
