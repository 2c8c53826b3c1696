"""What may stay open under locks that keep positions: it may shrink, never grow or change sides."""

from collections.abc import Iterable
from typing import NamedTuple

from risk_actors.core.account_state import AccountState
from risk_actors.core.lock import Lock
from risk_actors.core.verdict import Existing


class _Stay(NamedTuple):
    size: int
    side: int
    """+1 or -1 once the position was seen under the lock, 0 before."""


class KeptSizes:
    """The largest size that each lock still lets stay in each contract.

    It begins with what the lock names (`Lock.kept`); a contract that is not named keeps nothing. So
    a lock that names none keeps none: it was engaged on a flat account. (A store from before locks
    had `kept` holds no lock that keeps positions, for no rule of that time could ask for one.)
    After a restart it begins there again, and the first snapshot shrinks it to what is open.
    """

    def __init__(self) -> None:
        self._stays: dict[int, dict[str, _Stay]] = {}

    def observe(self, locks: Iterable[Lock], state: AccountState | None) -> None:
        """Take the locks in force, and what the account shows once it was read."""
        is_known = state is not None and state.is_reconciled
        self._stays = {
            lock.id: {
                contract_id: _shrunk(stay, state.counted_size_in(contract_id))
                if is_known and state is not None
                else stay
                for contract_id, stay in self._stays_of(lock).items()
            }
            for lock in locks
            if lock.existing is Existing.KEEP
        }

    def size(self, lock: Lock, contract_id: str) -> int:
        """Return the largest size (unsigned contracts) that a lock lets stay in a contract."""
        stay = self._stays.get(lock.id, {}).get(contract_id)
        return 0 if stay is None else stay.size

    def _stays_of(self, lock: Lock) -> dict[str, _Stay]:
        known = self._stays.get(lock.id)
        if known is not None:
            return known
        return {contract_id: _Stay(size, 0) for contract_id, size in lock.kept}


def _shrunk(stay: _Stay, held: int) -> _Stay:
    """Return what may stay of a position, given its signed size now.

    The larger of report and fills counts, so that the events of one fill, which come one after the
    other, do not shrink it for a moment and for good.
    """
    side = (held > 0) - (held < 0)
    if stay.side and side != stay.side:
        return _Stay(0, stay.side)
    return _Stay(min(stay.size, abs(held)), side)
