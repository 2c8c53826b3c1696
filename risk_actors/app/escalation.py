"""When actors that were given up are made anew, all of them, over the session that goes on.

The supervisor starts one actor anew a few times; one that fails still is given up, and what it did
is not done any more. Then the whole set is made anew from the store and the broker, as at a start:
whatever state made the actor fail is left behind with it. A fault that comes back at once must not
make that a loop, for each new set reads every account from the broker.
"""

from risk_actors.core.evidence import NS_PER_S

AT_ONCE = 3
"""So many times without a pause."""
FIRST_GAP_NS = 30 * NS_PER_S
"""Before the next time after those; it doubles from there."""
LONGEST_GAP_NS = 300 * NS_PER_S
CALM_NS = 600 * NS_PER_S
"""After so long without another time everything is forgiven."""
IDLE_AT_MOST_NS = 300 * NS_PER_S
"""How long something that protects nobody waits for a time when nothing is open."""


class Escalation:
    """Decides when the next time is; `now_ns` never steps back."""

    def __init__(self) -> None:
        self._times = 0
        self._last_ns: int | None = None
        self._lacking_since_ns: int | None = None

    @property
    def times(self) -> int:
        """How often it was done since it was last calm."""
        return self._times

    def wait_ns(self, now_ns: int) -> int:
        """Return how long to wait yet; 0 when it may be done now."""
        if self._last_ns is None or now_ns - self._last_ns >= CALM_NS:
            self._times = 0
        if self._last_ns is None or self._times < AT_ONCE:
            return 0
        gap_ns = min(FIRST_GAP_NS << (self._times - AT_ONCE), LONGEST_GAP_NS)
        return max(self._last_ns + gap_ns - now_ns, 0)

    def done(self, now_ns: int) -> None:
        """Take that it was done, or tried in vain."""
        self._times += 1
        self._last_ns = now_ns
        self._lacking_since_ns = None

    def lacks_nothing(self) -> None:
        """Take that nothing lesser is lacking."""
        self._lacking_since_ns = None

    def has_waited(self, now_ns: int) -> bool:
        """Tell whether something lesser has been lacking for so long that it waits no more."""
        if self._lacking_since_ns is None:
            self._lacking_since_ns = now_ns
        return now_ns - self._lacking_since_ns >= IDLE_AT_MOST_NS
