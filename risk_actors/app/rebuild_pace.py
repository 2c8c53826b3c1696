"""How often the actors may be made anew.

New actors act on nothing before they have read their account, and reads share a budget with the
broker. Whoever saves his settings again and again would use that up and leave the guard blind, so
what changes is collected and taken on at a pace that leaves room.
"""

from risk_actors.core.evidence import NS_PER_S

REST_NS = 30 * NS_PER_S
"""At least so long between two times."""
WAIT_AT_MOST_NS = 120 * NS_PER_S
"""After so long without room for reads it is done all the same: what tightens must come to hold."""


class RebuildPace:
    """Decides when the next change may be taken on; `now_ns` never steps back."""

    def __init__(self) -> None:
        self._done_ns: int | None = None
        self._owed_ns: int | None = None
        self._rest_ns = REST_NS
        self._failures = 0

    @property
    def is_owed(self) -> bool:
        """Whether a change waits to be taken on."""
        return self._owed_ns is not None

    def owe(self, now_ns: int) -> None:
        """Take that something has changed."""
        if self._owed_ns is None:
            self._owed_ns = now_ns

    def is_due(self, now_ns: int, *, has_room: bool) -> bool:
        """Tell whether what is owed may be done now."""
        if self._owed_ns is None:
            return False
        if self._done_ns is not None and now_ns - self._done_ns < self._rest_ns:
            return False
        return has_room or now_ns - self._owed_ns >= WAIT_AT_MOST_NS

    def done(self, now_ns: int) -> None:
        """Take that the actors were made anew."""
        self._done_ns, self._owed_ns = now_ns, None
        self._rest_ns, self._failures = REST_NS, 0

    def failed(self, now_ns: int) -> None:
        """Take that it was tried in vain: it stays owed, and the rests between tries grow."""
        self._rest_ns = min(REST_NS << self._failures, WAIT_AT_MOST_NS)
        self._failures += 1
        self._done_ns = now_ns

    def settle(self) -> None:
        """Take that nothing has to be done after all."""
        self._owed_ns = None
