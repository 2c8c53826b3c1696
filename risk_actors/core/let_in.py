"""When an account that the broker had barred is taken to trade again.

What waited because of the bar goes out at once then, all of it. So an account whose `can_trade`
comes and goes may not do that each time: it is let in now and then, and in the end for certain.
"""

from risk_actors.core.evidence import NS_PER_S

AT_MOST_EVERY_NS = 30 * NS_PER_S


class LetIn:
    """What the broker says of one account's right to trade."""

    def __init__(self) -> None:
        self._is_barred = False
        self._is_due = False
        self._last_ns: int | None = None

    def observe(self, can_trade: bool | None) -> None:
        """Take what the broker says; None, which says nothing, changes nothing."""
        if can_trade is None:
            return
        self._is_due = can_trade and (self._is_due or self._is_barred)
        self._is_barred = not can_trade

    @property
    def is_wanted(self) -> bool:
        """Whether commands are to be let go, now or a little later."""
        return self._is_due

    def is_due(self, now_ns: int) -> bool:
        """Tell whether commands are to be let go now; whoever asks does so then."""
        last_ns = self._last_ns
        if not self._is_due:
            return False
        # A clock that was set back must not hold it up.
        if last_ns is not None and 0 <= now_ns - last_ns < AT_MOST_EVERY_NS:
            return False
        self._is_due, self._last_ns = False, now_ns
        return True
