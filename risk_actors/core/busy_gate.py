"""After "too many requests" the commands of an account go out a few at a time.

The pause between attempts belongs to each command (`retry_pace`); with thirty orders to cancel that
would still be thirty requests at once. So after such an answer the account as a whole waits, then a
few commands go out, closes first, and their answers decide: another such answer makes the wait
longer, any other ends it.
"""

from risk_actors.core.commands import Refusal
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.retry_pace import RETRY_BY_REASON_NS, pause_ns

FEW = 3
ANSWERS_WITHIN_NS = 3 * NS_PER_S
"""Without any answer for this long the next few go out."""
_LONGEST_NS = RETRY_BY_REASON_NS[Refusal.BUSY][-1]


class BusyGate:
    """Whether the broker can take commands of an account."""

    def __init__(self) -> None:
        self._times = 0
        self._left = 0
        self._opens_ns = 0

    def busy(self, now_ns: int) -> None:
        """Take that the broker says it has too many requests."""
        if self._times and self._left and now_ns < self._opens_ns:
            return  # one of the same few
        self._times += 1
        self._left = FEW
        self._opens_ns = now_ns + pause_ns(Refusal.BUSY, self._times, self._times)

    def answered(self) -> None:
        """Take that the broker has looked at a command."""
        self._times = 0

    def release(self) -> None:
        """Let commands go whatever the broker said."""
        self._times = 0

    def admits(self, now_ns: int) -> bool:
        """Tell whether one more command may be sent now."""
        # On a clock that was set back the wait must not become long.
        return not self._times or not 0 < self._opens_ns - now_ns <= _LONGEST_NS

    def note_sent(self, now_ns: int) -> None:
        """Take that a command goes out now."""
        if not self._times:
            return
        self._left = (self._left or FEW) - 1
        if not self._left:
            self._opens_ns = now_ns + ANSWERS_WITHIN_NS
