"""What a 429 changes: reads pause, ordinary ones longest, and may use less for a while.

The broker counts more than we do: other programs of the same login, and what was sent before we
started. A 429 that comes although our own count says there is room is therefore believed at once
and forgotten slowly. Commands are never held back here.

Most 429s are over within seconds, and whoever does not read is blind: so no pause of our own is
long, and a share that is smaller than what was sent before it was lowered does not end all reading
(see `budget.py`).
"""

_NS_PER_S = 1_000_000_000
PAUSES_S = (2, 4, 5)
"""How long ordinary reads pause after the first, second, ... refusal in a row."""
URGENT_PAUSES_S = (1, 2, 4)
"""The same for reads of an enforcement in progress, whatever the broker's Retry-After says."""
LONGEST_RETRY_AFTER_S = 60.0
"""The broker counts by the minute, so a longer Retry-After makes no sense."""
_LESS = 0.75
_LEAST_SHARE = 0.2
_LEAST_PER_MINUTE = 12
"""Room to read one account twice a minute, whatever the broker says."""
_RECOVERED_AFTER_S = 900
"""So long it takes from next to nothing back to the full share."""


class Backoff:
    """Pauses and the reads' share of the budget. Not for more than one thread at a time."""

    def __init__(self, reads_per_minute: int) -> None:
        self.full = reads_per_minute
        """The reads' share while there is no 429."""
        self._least = min(
            reads_per_minute, max(_LEAST_PER_MINUTE, int(reads_per_minute * _LEAST_SHARE))
        )
        self._lowered_to = reads_per_minute
        self._in_a_row = 0
        self._paused_until_ns = 0
        self._urgent_until_ns = 0
        self.refusals = 0
        """How often the broker has answered 429."""
        self.refused_ns: int | None = None
        """When it last did, ns of UTC."""

    @property
    def is_on_trial(self) -> bool:
        """Whether a read is needed to find out if the broker lets requests pass again."""
        return self._in_a_row > 0

    def tell(self, now_ns: int) -> None:
        """Take the time; a clock that was set back must not make a pause longer."""
        if self.refused_ns is not None and self.refused_ns > now_ns:
            ahead_ns = self.refused_ns - now_ns
            self._paused_until_ns -= ahead_ns
            self._urgent_until_ns -= ahead_ns
            self.refused_ns = now_ns

    def refused(self, now_ns: int, sent_ns: int, retry_after_s: float | None) -> None:
        """Take a 429 to what was sent at an instant.

        Requests that were on their way together are refused together: that is one refusal.
        """
        self.refusals += 1
        is_another = self.refused_ns is None or sent_ns > self.refused_ns or not self._in_a_row
        if is_another:
            self._lowered_to = max(self._least, int(self.reads_per_minute(now_ns) * _LESS))
            self._in_a_row = min(self._in_a_row + 1, len(PAUSES_S))
        self.refused_ns = now_ns
        pause_s: float = PAUSES_S[self._in_a_row - 1]
        if retry_after_s is not None and retry_after_s >= 0:
            pause_s = max(pause_s, min(retry_after_s, LONGEST_RETRY_AFTER_S))
        if is_another:
            urgent_s = URGENT_PAUSES_S[min(self._in_a_row, len(URGENT_PAUSES_S)) - 1]
            self._urgent_until_ns = now_ns + urgent_s * _NS_PER_S
        self._paused_until_ns = max(self._paused_until_ns, now_ns + int(pause_s * _NS_PER_S))

    def answered(self, sent_ns: int) -> None:
        """Take that a read passed; of those sent before the last refusal that says nothing."""
        if self.refused_ns is None or sent_ns > self.refused_ns:
            self._in_a_row = max(self._in_a_row - 1, 0)

    def pause_ns(self, now_ns: int, *, is_urgent: bool) -> int:
        """Return how long reads still pause, in ns."""
        until_ns = self._urgent_until_ns if is_urgent else self._paused_until_ns
        return max(until_ns - now_ns, 0)

    def reads_per_minute(self, now_ns: int) -> int:
        """Return how many requests in 60 s leave room for an ordinary read."""
        if self.refused_ns is None:
            return self.full
        since_s = max(now_ns - self.refused_ns, 0) / _NS_PER_S
        return min(self.full, self._lowered_to + int(self.full * since_s / _RECOVERED_AFTER_S))
