"""What a rule actor knows of its accounts, kept where it outlives the actor."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from risk_actors import messages as m
from risk_actors.actors.rule_failing import Failing
from risk_actors.core.rules import Fact, Rule
from risk_actors.core.rules.calm import Calm
from risk_actors.core.rules.memory import RuleMemory
from risk_actors.core.shadow_stops import ShadowStops
from risk_actors.core.verdict import Verdict


class Watch:
    """What the actor knows of one account."""

    __slots__ = (
        "account_id",
        "calm",
        "fact",
        "failing",
        "failure",
        "is_released",
        "look_ns",
        "memory",
        "moves_wanted",
        "reported",
        "shadow_stops",
        "told",
        "unknown_since_ns",
    )

    def __init__(self, account_id: int, memory: RuleMemory, rule: Rule[Any, Any]) -> None:
        self.account_id = account_id
        self.calm = Calm(rule)
        """Whether the next fact need not be looked at."""
        self.memory = memory
        self.fact: Fact | None = None
        self.look_ns: int | None = None
        self.told: tuple[Verdict, bool, int | None] | None = None
        """The verdict, whether it is waived, and when the rule finds something else."""
        self.moves_wanted: m.StopMovesWanted | None = None
        self.shadow_stops = ShadowStops()
        self.reported: m.BreachFound | None = None
        self.unknown_since_ns: int | None = None
        self.failing = Failing()
        """Since when the rule fails on this account."""
        self.failure: m.BreachFound | None = None
        """The lock that was asked for because it does."""
        self.is_released = False
        """Whether locks that wait for the rule's condition have been let go."""


class RuleShelf:
    """What a rule remembers of its accounts."""

    def __init__(self, rule: Rule[Any, Any], restored: Mapping[int, RuleMemory]) -> None:
        """Take the memories of the last run by account."""
        self._rule = rule
        self._restored = restored
        self.watches: dict[int, Watch] = {}

    def watch(self, account_id: int) -> Watch:
        """Return what is known of an account, begun anew if nothing is."""
        watch = self.watches.get(account_id)
        if watch is None:
            memory = self._restored.get(account_id)
            if memory is None:
                memory = RuleMemory(state=self._rule.initial_state())
            watch = self.watches[account_id] = Watch(account_id, memory, self._rule)
        return watch

    def renewed(self) -> "RuleShelf":
        """Return another shelf, as after a restart of the program.

        It shares nothing that is written to with this one: an actor that got stuck, and may write
        on when it wakes, still has this one. Memories never change, they are replaced.
        """
        watches = list(self.watches.values())
        memories = {watch.account_id: watch.memory for watch in watches}
        shelf = RuleShelf(self._rule, {**self._restored, **memories})
        for watch in watches:
            if watch.failure is not None:
                # Else nobody would end the lock it stands for.
                shelf.watch(watch.account_id).failure = watch.failure
        return shelf


class Looks:
    """Which accounts a rule is to look at again for time alone.

    Hundreds of accounts wait for the end of the day, or for nothing; that is found out when the
    first of them is due, and not with every tick.
    """

    __slots__ = ("_soonest_ns",)

    def __init__(self) -> None:
        self._soonest_ns: float = 0

    def note(self, watch: Watch) -> None:
        """Take when an account is to be looked at again."""
        if watch.look_ns is not None and watch.look_ns < self._soonest_ns:
            self._soonest_ns = watch.look_ns

    def due(
        self, shelf: RuleShelf, now_ns: int, *, is_everybody: bool
    ) -> Iterator[tuple[Watch, Fact]]:
        """Yield those that are due, or everybody, with what is known of them."""
        if now_ns < self._soonest_ns and not is_everybody:
            return
        self._soonest_ns = math.inf
        for watch in shelf.watches.values():
            if watch.fact is None:
                continue
            if is_everybody or (watch.look_ns is not None and watch.look_ns <= now_ns):
                yield watch, watch.fact
            self.note(watch)
