"""What must go from an account: the goals of breaches, and the scopes that locks keep empty.

Both are compared with what the broker shows. Nothing here knows of commands.
"""

from risk_actors.core.account_state import AccountState, entry_size, waits_for_parent
from risk_actors.core.broker import PROTECTIVE_STOP_TYPES, Order
from risk_actors.core.enforcement_effects import RULE_BROKEN, UNDER_LOCK, Goal
from risk_actors.core.kept_sizes import KeptSizes
from risk_actors.core.lock import Lock
from risk_actors.core.verdict import Existing, Flatten


class Scope:
    """The goals and locks of one account."""

    def __init__(self, made_ns: int) -> None:
        """Take when this began to look; see `KeptSizes`."""
        self.goals: list[Goal] = []
        self._locks: tuple[Lock, ...] = ()
        self._kept = KeptSizes(made_ns)

    @property
    def is_empty(self) -> bool:
        """Whether neither a breach nor a lock wants anything."""
        return not (self.goals or self._locks)

    def add(self, goal: Goal) -> None:
        """Take a goal, in place of one of the same cause."""
        self.goals = [known for known in self.goals if known.cause != goal.cause] + [goal]

    def drop_reduction(self, cause: str) -> None:
        """Forget what is left of a reduction; a flatten goes on."""
        self.goals = [
            goal for goal in self.goals if goal.cause != cause or isinstance(goal.action, Flatten)
        ]

    def take_locks(self, locks: tuple[Lock, ...], state: AccountState | None, now_ns: int) -> None:
        """Take all locks now in force."""
        self._locks = locks
        self._kept.observe(locks, state, now_ns)

    def observe(self, state: AccountState, now_ns: int) -> None:
        """Take what the account shows now."""
        self._kept.observe(self._locks, state, now_ns)

    def drop_met(self, state: AccountState) -> None:
        """Forget the goals that the broker shows to be reached.

        A goal that is met is done with, even while another part of the plan is stuck: kept, it
        would cut down what the trader may open again.
        """
        self.goals = [goal for goal in self.goals if not _is_met(goal, state)]

    def why(self, correlation_id: str) -> tuple[str, str, str]:
        """Return cause, detail and correlation id of an enforcement that begins now."""
        if self.goals:
            return self.goals[0].cause, RULE_BROKEN, self.goals[0].correlation_id
        cause = ", ".join(dict.fromkeys(lock.rule_id for lock in self._locks))
        return cause, UNDER_LOCK, correlation_id

    def target(self, contract_id: str) -> int | None:
        """Return the largest size that may stay in a contract; None where any may."""
        wanted = [goal.target(contract_id) for goal in self.goals]
        locked = [
            self._kept.size(lock, contract_id) for lock in self._locks if lock.covers(contract_id)
        ]
        return min((size for size in (*wanted, *locked) if size is not None), default=None)

    def names(self, order_id: int) -> bool:
        """Tell whether a goal wants this very order cancelled."""
        return any(goal.names(order_id) for goal in self.goals)

    def is_unwanted(self, order: Order, state: AccountState) -> bool:
        """Tell whether an order must be gone before the enforcement can end."""
        if any(goal.names(order.id) or goal.covers(order.contract_id) for goal in self.goals):
            return True
        scopes = [lock for lock in self._locks if lock.covers(order.contract_id)]
        if any(lock.existing is Existing.FLATTEN for lock in scopes):
            return True
        return bool(scopes) and could_open(order, state) and not self._protects(order, state)

    def _protects(self, order: Order, state: AccountState) -> bool:
        """Tell whether an order is protection of an open position although it is larger than that.

        The broker brings a bracket's exits down with the position, a moment after the position
        shrank. A plain stop it leaves as it is; better too large a stop than none on what is kept,
        for if it fills, what it opens is flattened. One larger than what was there when the lock
        began was never protection.
        """
        size = state.counted_size_in(order.contract_id)
        if order.side.sign * size >= 0:
            return False
        if order.parent_order_id is not None:
            return True
        kept = max((dict(lock.kept).get(order.contract_id, 0) for lock in self._locks), default=0)
        return (
            order.type in PROTECTIVE_STOP_TYPES
            and self.target(order.contract_id) != 0
            and order.open_size <= max(kept, abs(size))
        )

    def is_work_left(self, state: AccountState) -> bool:
        """Tell whether the broker shows anything that must go, or may be about to."""
        return (
            any(
                (target := self.target(position.contract_id)) is not None
                and (abs(position.counted_size) > target)
                for position in state.positions
            )
            # An exit's own bracket comes to life when the exit fills, and is cancelled then.
            or any(
                self.is_unwanted(order, state) and not waits_for_parent(order, state.orders)
                for order in state.orders
            )
            or any(self.target(contract_id) is not None for contract_id in state.awaited)
        )


def _is_met(goal: Goal, state: AccountState) -> bool:
    """Tell whether the broker shows what a goal wants."""
    above = any(
        (target := goal.target(position.contract_id)) is not None
        and abs(position.counted_size) > target
        for position in state.positions
    )
    unwanted = any(goal.covers(order.contract_id) or goal.names(order.id) for order in state.orders)
    awaited = any(goal.target(contract_id) is not None for contract_id in state.awaited)
    return not (above or unwanted or awaited or state.distrusted)


def could_open(order: Order, state: AccountState) -> bool:
    """Tell whether an order could open or increase exposure, given what the account holds."""
    return entry_size(order, state.counted_size_in(order.contract_id)) > 0
