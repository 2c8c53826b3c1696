"""I4 and I5: what is locked stays empty, and no lock is forgotten."""

from collections.abc import Sequence

from risk_actors.core.lock import Lock
from risk_actors.core.verdict import Existing
from risk_actors.fuzz.broker import S
from risk_actors.fuzz.sight import Truth
from risk_actors.fuzz.stage import Stage

STAYS_AT_MOST_NS = 5 * S
"""With a broker that is well, what appears under a lock is gone within this long."""


def in_force(stage: Stage) -> list[Lock]:
    """Return the locks of the store that stand now."""
    locks, now_ns = stage.store.locks, stage.guard_clock.now_ns()
    return [
        lock
        for lock in locks.saved.values()
        if lock.id not in locks.ended and (lock.until_ns is None or lock.until_ns > now_ns)
    ]


class LockCheck:
    """I4, by the locks in the store and by what the exchange holds."""

    def __init__(self, truth: Truth, stage: Stage) -> None:
        self._truth, self._stage = truth, stage

    def look(self, now_ns: int, well: Sequence[int]) -> list[tuple[str, str]]:
        """Return what has stayed under a lock for too long in accounts that are well."""
        return [
            ("I4", f"{what} stays under lock {lock.rule_id} of account {lock.account_id}")
            for lock in in_force(self._stage)
            if lock.account_id in well
            for what in self._stays(lock, now_ns)
        ]

    def _stays(self, lock: Lock, now_ns: int) -> list[str]:
        stays = []
        for contract_id in self._stage.contract_ids.values():
            if not lock.covers(contract_id):
                continue
            key = (lock.account_id, contract_id)
            held = self._truth.now(*key)
            may_stay = 0
            if lock.existing is Existing.KEEP:
                may_stay = dict(lock.kept).get(contract_id, 0)
            since_ns = max(self._truth.opened_ns.get(key, 0), lock.since_ns)
            if abs(held.size) > may_stay and now_ns - since_ns > STAYS_AT_MOST_NS:
                stays.append(f"{held.size} {contract_id}, since {(now_ns - since_ns) / S:.1f} s,")
            if lock.existing is Existing.KEEP:
                continue
            for order_id in held.order_ids:
                since_ns = max(self._truth.appeared_ns.get(order_id, 0), lock.since_ns)
                if now_ns - since_ns > STAYS_AT_MOST_NS:
                    stays.append(f"order {order_id}, since {(now_ns - since_ns) / S:.1f} s,")
        return stays


type _Shown = dict[int, tuple[str, str | None]]
"""Rule and end of the locks that are shown, by id."""


class RebirthCheck:
    """I5: after a kill the locks that were shown are in force until they end."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._before: _Shown | None = None

    def before(self) -> None:
        """Note what was shown when the guard died."""
        self._before = self._see()

    def _see(self) -> _Shown:
        return {
            lock.id: (lock.rule, lock.until)
            for account in self._stage.frame.picture.accounts
            for lock in account.locks
        }

    def look(self) -> list[tuple[str, str]]:
        """Compare, once it is settled after the start."""
        before = self._before
        if before is None:
            return []
        self._before = None
        locks = self._stage.store.locks
        now_ns = self._stage.guard_clock.now_ns()
        shown = self._see()
        found = []
        for lock_id, (rule_id, until) in before.items():
            lock = locks.saved.get(lock_id)
            if lock is None:
                found.append(("I5", f"lock {lock_id} of {rule_id} was shown and never stored"))
                continue
            is_over = lock_id in locks.ended or (
                lock.until_ns is not None and lock.until_ns <= now_ns
            )
            if not is_over and lock_id not in shown:
                found.append(("I5", f"lock {lock_id} of {rule_id} until {until} is forgotten"))
        return found
