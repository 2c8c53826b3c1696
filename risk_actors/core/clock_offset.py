"""How far our clock is from the broker's, from rows that are pushed the moment they are made."""

from collections import deque

from risk_actors.core.evidence import NS_PER_S

WRONG_FROM_NS = 2 * NS_PER_S
"""Less than this is how long rows travel, and no clock is set better than that by hand."""
SAMPLES_AT_LEAST, SAMPLES_AT_MOST = 3, 12
STEADY_WITHIN_NS = NS_PER_S // 2


class ClockOffset:
    """An estimate that takes several rows to form, so that one late row moves nothing.

    A row comes later than it was made, never earlier, so the smallest difference of the last rows
    is nearest to the truth.
    """

    def __init__(self) -> None:
        self._samples: deque[int] = deque(maxlen=SAMPLES_AT_MOST)
        self.ahead_ns = 0
        """Our clock less the broker's; 0 while they agree or too little is known."""

    def take(self, made_ns: int, received_ns: int) -> bool:
        """Take a row seen for the first time; tell whether the estimate changed."""
        self._samples.append(received_ns - made_ns)
        if len(self._samples) < SAMPLES_AT_LEAST:
            return False
        measured_ns = min(self._samples)
        ahead_ns = measured_ns if abs(measured_ns) >= WRONG_FROM_NS else 0
        if abs(ahead_ns - self.ahead_ns) < STEADY_WITHIN_NS:
            return False
        self.ahead_ns = ahead_ns
        return True
