"""Runs actors without threads: one message at a time, the next actor chosen by a seed.

The actors are the ones that run in production; only who calls them differs. Equal seeds give equal
runs, so a failure found by chance can be watched again. Who is next may be anybody, which finds
what depends on an order that nobody promised, or whoever a crew would serve, which finds what the
order of production brings.
"""

import random
from collections.abc import Callable, Sequence

from risk_actors.messages import ActorStatus
from risk_actors.runtime.actor import Actor
from risk_actors.runtime.child import ChildSpec
from risk_actors.runtime.clock import Clock
from risk_actors.runtime.control import FailClosed, Resync, TryAgain
from risk_actors.runtime.outbox import Outbox
from risk_actors.runtime.restarts import GiveUp, Restart, RestartBook, WhenGivenUp
from risk_actors.runtime.stepped_turns import SteppedTurns
from risk_actors.runtime.supervisor import changed
from risk_actors.runtime.tape import BROUGHT, MADE


class ActorFailedError(Exception):
    """An actor failed in a stepped run in which nothing restarts it; the run ends."""


class InjectedFailureError(Exception):
    """An actor was made to fail."""


class Restarts:
    """What a stepped run does about actors that fail: what the supervisor would do.

    Decided by the same book. A pause is one of the scheduler's clock: an actor that waits for its
    end takes no message before.
    """

    def __init__(
        self,
        *,
        outbox: Outbox,
        resync: Sequence[str] = (),
        on_given_up: Callable[[str], None] = lambda _address: None,
    ) -> None:
        """Take where to report, and who can say again what is true.

        Args:
            outbox: where to report.
            resync: the kinds of actors that can say again what is true.
            on_given_up: called with the address of one that failed too often.
        """
        self.outbox = outbox
        self.book = RestartBook(resync)
        self.on_given_up = on_given_up
        self.given_up: list[str] = []
        """Addresses, in their order; one that is tried again in vain comes more than once."""
        self.restarted: list[str] = []
        """Addresses, in their order."""


class SteppedScheduler:
    """Stands in for the supervisor and for the actors' threads."""

    def __init__(
        self,
        clock: Clock,
        seed: int,
        restarts: Restarts | None = None,
        *,
        is_ranked: bool = False,
    ) -> None:
        """Take the clock and the seed.

        Args:
            clock: the present.
            seed: of everything that is left to chance.
            restarts: what becomes of actors that fail; None for the first one to end the run.
            is_ranked: whether those who have a place in a crew are served as the crew would.
        """
        self._clock = clock
        self._random = random.Random(seed)  # noqa: S311 - a schedule, not a secret
        self._turns = SteppedTurns(self._random) if is_ranked else None
        self._actors: dict[str, Actor] = {}
        self._restarts = restarts
        self._by_address: dict[str, ChildSpec] = {}
        self._waiting: dict[str, tuple[int, Restart]] = {}
        """Who is made anew at which instant, and with whom."""
        self._down: set[str] = set()
        self._to_fail: set[str] = set()
        self.faults: list[str] = []

    def start(self, specs: Sequence[ChildSpec]) -> None:
        """Make and open the actors in order."""
        for spec in specs:
            self._by_address[spec.address] = spec
            if self._turns is not None:
                self._turns.add(spec)
            if self._restarts is not None:
                self._restarts.book.add(spec.address, spec.kind, spec.policy)
            self._make(spec, MADE)

    def stop(self) -> None:
        """Close the actors, the last started first."""
        for address, actor in reversed(self._actors.items()):
            if address not in self._down:
                actor.on_stop()

    def fail(self, address: str) -> None:
        """Let the next message that an actor takes kill it."""
        self._to_fail.add(address)

    def run_until_idle(self, max_steps: int = 100_000) -> int:
        """Handle messages until none waits; return how many.

        Messages of one that waits for its restart stay where they are.

        Raises:
            ActorFailedError: a handler raised, and nothing restarts it.
            RuntimeError: the actors keep each other busy (which I6 rules out).
        """
        for steps in range(max_steps):
            self._make_due()
            ready = [
                actor
                for address, actor in self._actors.items()
                if address not in self._down and not actor.actor_inbox.empty()
            ]
            if not ready:
                return steps
            actor = self._turns.choose(ready) if self._turns else self._random.choice(ready)
            try:
                self._step(actor)
            except Exception as error:
                if self._restarts is None:
                    raise ActorFailedError(f"{actor.address}: {error!r}") from error
                actor.closed()
                self._on_failed(self._restarts, actor.address, error)
        raise RuntimeError(f"not idle after {max_steps} messages")

    def actor_started(self, address: str) -> None:
        """Opening is synchronous here, so there is nobody to tell."""

    def actor_failed(self, address: str, error: BaseException, message: object | None) -> None:
        """The exception itself is seen."""

    def actor_fault(self, address: str, detail: str) -> None:
        """Keep what an actor survived, and report it where somebody is to hear of it."""
        self.faults.append(f"{address}: {detail}")
        if self._restarts is not None:
            self._report(self._restarts, address, ActorStatus.FAULT, detail)

    # --- restarts -------------------------------------------------------------------------

    def _make(self, spec: ChildSpec, made_as: str) -> None:
        actor = spec.make(spec.context(self._clock, self, made_as))
        self._actors[spec.address] = actor
        actor.on_start()
        self._down.discard(spec.address)

    def _step(self, actor: Actor) -> None:
        if actor.address in self._to_fail:
            self._to_fail.discard(actor.address)
            taken = self._by_address[actor.address].mailbox.get_nowait()
            name = "nothing" if taken is None else type(taken.message).__name__
            raise InjectedFailureError(f"made to fail while handling {name}")
        actor.step()

    def _on_failed(self, restarts: Restarts, address: str, error: Exception) -> None:
        self._down.add(address)
        self._report(restarts, address, ActorStatus.FAILED, f"{type(error).__name__}: {error}")
        decision = restarts.book.failed(address, self._clock.monotonic_ns())
        match decision:
            case Restart():
                for brought in reversed(decision.brings):
                    if brought not in self._down:
                        self._actors[brought].closed()
                        self._down.add(brought)
                due_ns = self._clock.monotonic_ns() + decision.pause_ns
                self._waiting[address] = (due_ns, decision)
            case GiveUp():
                self._give_up(restarts, address, decision, error)

    def _make_due(self) -> None:
        if self._restarts is None:
            return
        now_ns = self._clock.monotonic_ns()
        for address, (due_ns, restart) in list(self._waiting.items()):
            if due_ns <= now_ns:
                del self._waiting[address]
                self._make_anew(self._restarts, address, restart)
        for address in self._restarts.book.due(now_ns):
            self._by_address[address].mailbox.deliver(TryAgain())
            self._report(self._restarts, address, ActorStatus.RESTARTED, "is tried again")

    def _make_anew(self, restarts: Restarts, address: str, restart: Restart) -> None:
        try:
            self._make(self._by_address[address], MADE)
            self._restarted(restarts, address)
            self._bring_up(restarts, restart.brings)
        except Exception as error:  # noqa: BLE001 - whatever it was, it is one more failure
            self._on_failed(restarts, address, error)
            return
        self._resync(restarts, address)

    def _bring_up(self, restarts: Restarts, addresses: Sequence[str]) -> None:
        for address in addresses:
            if address in self._down and address not in (*self._waiting, *restarts.given_up):
                self._make(self._by_address[address], BROUGHT)
                self._restarted(restarts, address)

    def _restarted(self, restarts: Restarts, address: str) -> None:
        restarts.restarted.append(address)
        self._report(restarts, address, ActorStatus.RESTARTED, "restarted")

    def _resync(self, restarts: Restarts, restarted: str) -> None:
        for address in restarts.book.to_resync():
            self._by_address[address].mailbox.deliver(
                Resync(address=restarted, reason=f"{restarted} was restarted")
            )

    def _give_up(
        self, restarts: Restarts, address: str, given_up: GiveUp, error: Exception
    ) -> None:
        spec = self._by_address[address]
        restarts.given_up.append(address)
        if given_up.how is WhenGivenUp.FAIL_CLOSED:
            spec.mailbox.deliver(FailClosed(reason=type(error).__name__))
            self._make(spec, MADE)
            self._resync(restarts, address)
        else:
            spec.mailbox.close()
        self._bring_up(restarts, restarts.book.brings(address))
        self._report(restarts, address, ActorStatus.GIVEN_UP, given_up.detail)
        restarts.on_given_up(address)

    def _report(self, restarts: Restarts, address: str, status: ActorStatus, detail: str) -> None:
        restarts.outbox.send(changed(self._clock, address, status, detail))
