"""Whose turn it is in a run without threads that serves actors as a crew does.

Those who share a thread in production go by the same `turns`; how long each turn takes is drawn,
so that there is overload at times. Those with threads of their own come in between at any time.
"""

from collections.abc import Mapping, Sequence
from random import Random

from risk_actors.runtime.actor import Actor
from risk_actors.runtime.child import ChildSpec
from risk_actors.runtime.crew import Crew
from risk_actors.runtime.mailbox import Mailbox
from risk_actors.runtime.turns import Taker, Turns

TURN_TAKES_S = (0.00005, 0.0005, 0.02)
"""As quick as most, as slow as most under load, and as slow as what makes others late."""


class _Stepped(Taker):
    """An actor that takes turns without a thread."""

    __slots__ = ("address", "mailbox", "turns")

    def __init__(self, spec: ChildSpec, rank: int, turns: "Turns[_Stepped]") -> None:
        super().__init__(rank)
        self.address = spec.address
        self.mailbox: Mailbox = spec.mailbox
        self.turns = turns

    @property
    def is_patient(self) -> bool:
        """Whether nothing waits for it but what something newer may take the place of."""
        return self.mailbox.holds_prices_only


class SteppedTurns:
    """Chooses who handles the next message."""

    def __init__(self, random: Random) -> None:
        """Take what decides who comes in between, and how long turns take."""
        self._random = random
        self._takers: dict[str, _Stepped] = {}
        self._turns: dict[Crew, Turns[_Stepped]] = {}
        self._now_s = 0.0

    def add(self, spec: ChildSpec) -> None:
        """Take in an actor that has opened; without a place it has a thread of its own."""
        if spec.place is None:
            return
        crew, rank = spec.place
        turns = self._turns.get(crew)
        if turns is None:
            turns = self._turns[crew] = crew.turns_on_the_same_terms()
        taker = self._takers[spec.address] = _Stepped(spec, rank, turns)
        turns.add_new(taker, self._now_s)
        turns.take(self._now_s)

    def choose(self, ready: Sequence[Actor]) -> Actor:
        """Return who is next of those for whom a message waits."""
        by_address = {actor.address: actor for actor in ready}
        lone: list[Actor] = []
        crews: list[Turns[_Stepped]] = []
        for address, actor in by_address.items():
            taker = self._takers.get(address)
            if taker is None:
                lone.append(actor)
                continue
            if not taker.is_waiting:
                taker.turns.add(taker, self._now_s)
            if taker.turns not in crews:
                crews.append(taker.turns)
        which = self._random.randrange(len(lone) + len(crews))
        if which < len(lone):
            return lone[which]
        return self._next_of(crews[which - len(lone)], by_address)

    def _next_of(self, turns: Turns[_Stepped], ready: Mapping[str, Actor]) -> Actor:
        while True:
            self._now_s += self._random.choice(TURN_TAKES_S)
            taker = turns.take(self._now_s)
            # One that failed meanwhile is asked again when it is there again.
            if taker is not None and taker.address in ready:
                return ready[taker.address]
