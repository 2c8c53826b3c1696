"""Whether an answer is older than what is known: a fill that was told cannot become untold.

A broker that is in trouble may answer with the state of some seconds ago. Nothing in such an answer
says so, but fills only ever become more: an answer without one that the stream or an earlier
reading has told of is an old one, and so may be what was read with it.
"""

from collections.abc import Iterable, Sequence

from risk_actors.core.broker import Fill

_EDGE_NS = 60 * 1_000_000_000
"""So close to the begin of the window that is read, a fill may be on either side of it."""
BELIEVED_AFTER_NS = 10 * 1_000_000_000
"""An answer that goes on contradicting what is known is believed in the end: the broker may have
taken a fill back, and never to believe it would be blind."""


class KnownFills:
    """The fills that were told or read, by account. Instants are ns of UTC."""

    def __init__(self) -> None:
        self._known: dict[int, dict[int, int]] = {}
        """By account and id, when each was made."""
        self._missing_since_ns: dict[int, int] = {}

    def take(self, account_id: int, fills: Iterable[Fill]) -> None:
        """Take fills that were told or read; one that is void may vanish at any time."""
        known = self._known.setdefault(account_id, {})
        for fill in fills:
            if fill.voided:
                known.pop(fill.id, None)
            else:
                known[fill.id] = fill.at_ns

    def is_old(self, account_id: int, fills: Sequence[Fill], since_ns: int, now_ns: int) -> bool:
        """Tell whether an answer with all fills since an instant lacks one that is known."""
        known = self._known.setdefault(account_id, {})
        for fill_id in [each for each, at_ns in known.items() if at_ns < since_ns]:
            del known[fill_id]
        listed = {fill.id for fill in fills}
        missing = {
            fill_id
            for fill_id, at_ns in known.items()
            if fill_id not in listed and at_ns >= since_ns + _EDGE_NS
        }
        if not missing:
            self._missing_since_ns.pop(account_id, None)
            return False
        missing_since_ns = self._missing_since_ns.setdefault(account_id, now_ns)
        if 0 <= now_ns - missing_since_ns < BELIEVED_AFTER_NS:
            return True
        del self._missing_since_ns[account_id]
        for fill_id in missing:
            del known[fill_id]
        return False
