"""What was sent lately, and the pace that it leaves: counts in sliding windows of time."""

from collections import deque


class Window:
    """The instants (ns of UTC) of what was sent in the last so many ns, oldest first."""

    def __init__(self, length_ns: int) -> None:
        self._length_ns = length_ns
        self._sent_ns: deque[int] = deque()

    def __len__(self) -> int:
        return len(self._sent_ns)

    def add(self, now_ns: int) -> None:
        """Count what is sent now."""
        self._sent_ns.append(now_ns)

    def remove(self, sent_ns: int) -> None:
        """Take back what was counted at an instant, if it still counts."""
        if sent_ns in self._sent_ns:
            self._sent_ns.remove(sent_ns)

    def wait_ns(self, now_ns: int, limit: int) -> int:
        """Return how long until fewer than a limit are left, in ns."""
        over = len(self._sent_ns) - limit
        if over < 0:
            return 0
        return max(1, self._sent_ns[over] + self._length_ns - now_ns)

    def leaves(self, now_ns: int, limit: int, floor: int, floor_ns: int) -> bool:
        """Tell whether one more leaves room for a floor of so many in each so many ns.

        What was sent long ago ends soon, and needs no room kept until then.
        """
        count = len(self._sent_ns)
        for index, sent_ns in enumerate(self._sent_ns):
            left_ns = sent_ns + self._length_ns - now_ns
            if count - index + 1 + left_ns * floor // floor_ns > limit:
                return False
        return count < limit

    def forget_outside(self, now_ns: int) -> None:
        """Take the time."""
        while self._sent_ns and self._sent_ns[0] <= now_ns - self._length_ns:
            self._sent_ns.popleft()
        # The clock was set back: what seems to lie ahead would hold up reads until then.
        while self._sent_ns and self._sent_ns[-1] > now_ns:
            self._sent_ns.pop()


class Pace(Window):
    """How fast reads go on once what may be sent at once is used up: so many in each window.

    Fewer go as what may be used comes to its end, so that the rest lasts for some windows more.
    """

    def __init__(self, most: int, length_ns: int, lasts: int) -> None:
        """Take how fast it is.

        Args:
            most: so many go in a window.
            length_ns: how long a window is.
            lasts: for so many windows the rest must last.
        """
        super().__init__(length_ns)
        self.most = most
        self._lasts = lasts

    def next_ns(self, now_ns: int, sent: Window, most: int, limit: int) -> int:
        """Return how long until the next may go, in ns, after all that was sent.

        So many requests, of all kinds, may have been sent in the last minute as the limit says.
        """
        left = max(limit - len(sent), 0)
        most = min(most, left // self._lasts + 1)
        return max(self.wait_ns(now_ns, most), sent.wait_ns(now_ns, limit))
