"""I3: an enforcement that is announced as ended was really over, as the broker has it or told it.

For every goal and lock that it served there must have been an instant, from when it was set until
the end was announced, at which the broker held, or had told that it holds, nothing in scope (for a
reduction: no more than the target). What was never told cannot be known, so the truth alone would
ask too much; what was told late is out of date, so what was told alone would too. Goals are those
of the process that announces: a kill takes them with it, and leaves locks alone.
"""

from collections.abc import Callable
from typing import NamedTuple

from risk_actors import messages as m
from risk_actors.actors.lockout import PANIC
from risk_actors.actors.record import Entry
from risk_actors.core.lock import Lock
from risk_actors.core.verdict import Action, Existing, Flatten
from risk_actors.fuzz.sight import Holding, Timeline, Told, Truth
from risk_actors.fuzz.stage import Stage

type _IsFine = Callable[[Holding], bool]


class _Goal(NamedTuple):
    cause: str
    action: Action
    since_ns: int


class FlatCheck:
    """Follows goals, locks and the ends of enforcements in the record."""

    def __init__(self, truth: Truth, told: Told, stage: Stage) -> None:
        self._truth, self._told, self._stage = truth, told, stage
        self._goals: dict[int, list[_Goal]] = {}
        self._locks: dict[int, tuple[Lock, ...]] = {}
        self._started_ns: dict[int, int] = {}

    def take(self, entry: Entry) -> list[tuple[str, str]]:
        """Take the next entry of the record."""
        message = entry.message
        match message:
            case m.BreachFound():
                self._add(
                    message.account_id,
                    _Goal(message.rule_id, message.breach.action, message.at_ns),
                )
            case m.PanicRequested():
                self._add(message.account_id, _Goal(PANIC, Flatten(), message.at_ns))
            case m.BreachEnded():
                self._goals[message.account_id] = [
                    goal
                    for goal in self._goals.get(message.account_id, [])
                    if goal.cause != message.rule_id or isinstance(goal.action, Flatten)
                ]
            case m.LocksChanged():
                self._locks[message.account_id] = message.locks
            case m.EnforcementChanged():
                return self._ended(message)
        return []

    def reborn(self) -> None:
        """The guard starts after a kill: what is still broken is found again, and is a goal anew.

        What is broken no more is none, such as a blackout that ended meanwhile, and its lock too.
        """
        self._goals.clear()

    def _add(self, account_id: int, goal: _Goal) -> None:
        goals = self._goals.setdefault(account_id, [])
        goals[:] = [other for other in goals if other.cause != goal.cause] + [goal]

    def _ended(self, message: m.EnforcementChanged) -> list[tuple[str, str]]:
        account_id = message.account_id
        if message.phase is m.EnforcementPhase.STARTED:
            self._started_ns[account_id] = message.at_ns
        if message.phase is not m.EnforcementPhase.FLAT_OBSERVED:
            return []
        # A goal of this very instant may have come after the end, unless it was the beginning.
        goals = self._goals.pop(account_id, [])
        begins = message.cause if not message.took_ns else None
        known = [g for g in goals if g.since_ns < message.at_ns or g.cause == begins]
        self._goals[account_id] = [goal for goal in goals if goal not in known]
        began_ns = self._started_ns.get(account_id, message.at_ns)
        until_ns = message.at_ns
        found = []
        for contract_id in self._stage.contract_ids.values():
            for goal in known:
                span = (goal.since_ns, until_ns)
                if not self._was_met(goal, account_id, contract_id, span):
                    found.append(("I3", f"{message}: {goal} was never met in {contract_id}"))
            span = (began_ns, until_ns)
            found += [
                ("I3", f"{message}: under {lock} never flat in {contract_id}")
                for lock in self._locks.get(account_id, ())
                if lock.covers(contract_id)
                and lock.existing is Existing.FLATTEN
                and lock.since_ns < began_ns
                and not self._was(account_id, contract_id, span, _is_empty)
            ]
        return found

    def _was_met(
        self, goal: _Goal, account_id: int, contract_id: str, span: tuple[int, int]
    ) -> bool:
        action = goal.action
        if isinstance(action, Flatten):
            if action.contract_ids and contract_id not in action.contract_ids:
                return True
            return self._was(account_id, contract_id, span, _is_empty)
        target = dict(action.targets).get(contract_id)
        named = frozenset(action.cancel_order_ids)

        def is_met(holding: Holding) -> bool:
            small = target is None or abs(holding.size) <= target
            return small and not holding.order_ids & named

        return self._was(account_id, contract_id, span, is_met)

    def _was(
        self, account_id: int, contract_id: str, span: tuple[int, int], is_fine: _IsFine
    ) -> bool:
        # The record has the guard's time, the timelines have the broker's.
        behind_ns = self._stage.clock.now_ns() - self._stage.guard_clock.now_ns()
        since_ns, until_ns = span[0] + behind_ns, span[1] + behind_ns
        timelines: tuple[Timeline, ...] = (self._truth, self._told)
        return any(
            each.was_ever(account_id, contract_id, (since_ns, until_ns), is_fine)
            for each in timelines
        )


def _is_empty(holding: Holding) -> bool:
    return holding.size == 0 and not holding.order_ids
