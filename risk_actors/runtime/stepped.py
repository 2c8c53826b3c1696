"""Runs actors without threads: one message at a time, the next actor chosen by a seed.

The actors are the ones that run in production; only who calls them differs. Equal seeds give equal
runs, so a failure found by chance can be watched again.
"""

import random
from collections.abc import Sequence

from risk_actors.runtime.actor import Actor
from risk_actors.runtime.clock import Clock
from risk_actors.runtime.supervisor import ChildSpec


class ActorFailedError(Exception):
    """An actor failed in a stepped run; nothing restarts it, the run ends."""


class SteppedScheduler:
    """Stands in for the supervisor and for the actors' threads."""

    def __init__(self, clock: Clock, seed: int) -> None:
        self._clock = clock
        self._random = random.Random(seed)  # noqa: S311 - a schedule, not a secret
        self._actors: dict[str, Actor] = {}
        self.faults: list[str] = []

    def start(self, specs: Sequence[ChildSpec]) -> None:
        """Make and open the actors in order."""
        for spec in specs:
            actor = spec.make(spec.context(self._clock, self))
            self._actors[spec.address] = actor
            actor.on_start()

    def stop(self) -> None:
        """Close the actors, the last started first."""
        for actor in reversed(self._actors.values()):
            actor.on_stop()

    def run_until_idle(self, max_steps: int = 100_000) -> int:
        """Handle messages until none waits; return how many.

        Raises:
            ActorFailedError: a handler raised.
            RuntimeError: the actors keep each other busy (which I6 rules out).
        """
        for steps in range(max_steps):
            ready = [actor for actor in self._actors.values() if not actor.actor_inbox.empty()]
            if not ready:
                return steps
            actor = self._random.choice(ready)
            try:
                actor.step()
            except Exception as error:
                raise ActorFailedError(f"{actor.address}: {error!r}") from error
        raise RuntimeError(f"not idle after {max_steps} messages")

    def actor_started(self, address: str) -> None:
        """Opening is synchronous here, so there is nobody to tell."""

    def actor_failed(self, address: str, error: BaseException, message: object | None) -> None:
        """The exception itself ends the run."""

    def actor_fault(self, address: str, detail: str) -> None:
        """Keep what an actor survived."""
        self.faults.append(f"{address}: {detail}")
