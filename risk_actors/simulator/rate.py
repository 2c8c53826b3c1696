"""The Gateway's rate limits: a sliding window of accepted requests per token.

Documented: 50 per 30 s for retrieveBars, 200 per 60 s for all else; over it HTTP 429. That the
window slides and counts per token is assumed, the documents do not say.
"""

from collections import deque


class SlidingWindow:
    """Counts accepted requests by key within the last `window_s` seconds."""

    def __init__(self, *, limit: int, window_s: float) -> None:
        self._limit = limit
        self._window_ns = int(window_s * 1_000_000_000)
        self._accepted: dict[str, deque[int]] = {}

    def accept(self, key: str, now_ns: int) -> bool:
        """Count a request, or return False when the key has used its window up."""
        times = self._accepted.setdefault(key, deque())
        while times and times[0] <= now_ns - self._window_ns:
            times.popleft()
        if len(times) >= self._limit:
            return False
        times.append(now_ns)
        return True
