"""What may stay open under locks that keep positions: it may shrink, never grow or change sides."""

from collections.abc import Sequence
from typing import NamedTuple

from risk_actors.core.account_state import AccountState
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.lock import Lock
from risk_actors.core.trade_history import Trade, TradeHistory
from risk_actors.core.verdict import Existing

CLOCKS_DIFFER_NS = 5 * NS_PER_S
"""What was opened this long after a lock at most, by the broker's clock, may by ours have been
opened before it. A lock flattens at once, so hardly anything opened in that time is still open."""


class _Stay(NamedTuple):
    size: int
    side: int
    """+1 or -1 once the position was seen under the lock, 0 before."""
    lacks_past: bool
    """Whether what happened under the lock before the last start is still to be taken in."""


class KeptSizes:
    """The largest size that each lock still lets stay in each contract.

    It begins with what the lock names (`Lock.kept`); a contract that is not named keeps nothing. So
    a lock that names none keeps none: it was engaged on a flat account. (A store from before locks
    had `kept` holds no lock that keeps positions, for no rule of that time could ask for one.)
    After a restart it begins there again, and the broker's fills tell how far the position shrank
    under the lock, and whether it is still the same one (I5).
    """

    def __init__(self, made_ns: int = 0) -> None:
        """Take when this began to look; a lock older than that has a past that it has not seen."""
        self._made_ns = made_ns
        self._stays: dict[int, dict[str, _Stay]] = {}

    def observe(self, locks: Sequence[Lock], state: AccountState | None, now_ns: int) -> None:
        """Take the locks in force, and what the account shows once it was read."""
        if not locks and not self._stays:
            return
        known = state if state is not None and state.is_reconciled else None
        self._stays = {
            lock.id: {
                contract_id: stay if known is None else _seen(stay, lock, contract_id, known)
                for contract_id, stay in self._stays_of(lock, now_ns).items()
            }
            for lock in locks
            if lock.existing is Existing.KEEP
        }

    def size(self, lock: Lock, contract_id: str) -> int:
        """Return the largest size (unsigned contracts) that a lock lets stay in a contract."""
        stay = self._stays.get(lock.id, {}).get(contract_id)
        return 0 if stay is None else stay.size

    def _stays_of(self, lock: Lock, now_ns: int) -> dict[str, _Stay]:
        known = self._stays.get(lock.id)
        if known is not None:
            return known
        # A lock of now may look older than this where the clock was set back.
        lacks_past = lock.since_ns < self._made_ns <= now_ns
        return {contract_id: _Stay(size, 0, lacks_past) for contract_id, size in lock.kept}


def _seen(stay: _Stay, lock: Lock, contract_id: str, state: AccountState) -> _Stay:
    """Return what may stay of a position, given the account now."""
    if stay.lacks_past and _tells_past(state, contract_id):
        size = stay.size
        for trade in state.history.open:
            if trade.contract_id == contract_id:
                since_ns = lock.since_ns - state.clock_ahead_ns
                size = min(size, _smallest_since(since_ns, trade, state.history))
        stay = _Stay(size, stay.side, lacks_past=False)
    return _shrunk(stay, state.counted_size_in(contract_id))


def _tells_past(state: AccountState, contract_id: str) -> bool:
    """Tell whether all fills are known, and none of a contract is still on its way."""
    position = state.position_in(contract_id)
    return (
        state.has_all_fills
        and state.distrusted is None
        and contract_id not in state.awaited
        and (position is None or position.is_settled)
    )


def _smallest_since(since_ns: int, trade: Trade, history: TradeHistory) -> int:
    """Return the smallest size of an open trade since a lock began; 0 if it was opened under it.

    Before the first entry under the lock the trade can only have shrunk, so the size right before
    that entry is the smallest until then.
    """
    began_ns = since_ns + CLOCKS_DIFFER_NS
    if trade.opening_known and trade.opened_ns >= began_ns:
        return 0
    under_lock = {entry.order_id for entry in history.entries if entry.at_ns >= began_ns}
    size, smallest = trade.size_before, None
    for order_id, change in trade.changes:
        if smallest is None and change > 0 and order_id in under_lock:
            smallest = size
        size += change
        if smallest is not None:
            smallest = min(smallest, size)
    return size if smallest is None else smallest


def _shrunk(stay: _Stay, held: int) -> _Stay:
    """Return what may stay of a position, given its signed size now.

    The larger of report and fills counts, so that the events of one fill, which come one after the
    other, do not shrink it for a moment and for good.
    """
    side = (held > 0) - (held < 0)
    if stay.side and side != stay.side:
        return stay._replace(size=0)
    return stay._replace(size=min(stay.size, abs(held)), side=side)
