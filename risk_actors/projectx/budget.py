"""How many requests may still be sent this minute.

The Gateway allows 200 requests in 60 s over all endpoints and answers 429 beyond (documented;
whether its window slides is not). We count in a sliding window, which is right for either kind.
"""

from collections import deque

NS_PER_S = 1_000_000_000
WINDOW_NS = 60 * NS_PER_S


class RequestBudget:
    """A sliding window over the requests of the last 60 s.

    Reads wait when their share is used up; commands (close, cancel) are only counted, and a part
    of the budget is out of the reads' reach so that it is there when an enforcement needs it.
    """

    def __init__(self, requests_per_minute: int, *, enforcement_share: float = 0.2) -> None:
        self._sent_ns: deque[int] = deque()
        self.reads_per_minute = max(1, int(requests_per_minute * (1 - enforcement_share)))

    def wait_ns(self, now_ns: int) -> int:
        """Return how long a read must wait from now, in ns; 0 when it may go."""
        self._forget_outside(now_ns)
        over = len(self._sent_ns) - self.reads_per_minute
        if over < 0:
            return 0
        return max(1, self._sent_ns[over] + WINDOW_NS - now_ns)

    def count(self, now_ns: int) -> None:
        """Count one request, read or command, sent now."""
        self._forget_outside(now_ns)
        self._sent_ns.append(now_ns)

    def used(self, now_ns: int) -> int:
        """Return the requests of the last 60 s."""
        self._forget_outside(now_ns)
        return len(self._sent_ns)

    @property
    def room(self) -> int:
        """How many reads may be sent at once, at least; may be asked by any thread."""
        return max(self.reads_per_minute - len(self._sent_ns), 0)

    def _forget_outside(self, now_ns: int) -> None:
        while self._sent_ns and self._sent_ns[0] <= now_ns - WINDOW_NS:
            self._sent_ns.popleft()
        # The clock was set back: what seems to lie ahead would hold up reads until then.
        while self._sent_ns and self._sent_ns[-1] > now_ns:
            self._sent_ns.pop()
