"""One actor under supervision: how to make it, the instance that is there, and its figures."""

import threading
from collections.abc import Callable
from typing import NamedTuple

from risk_actors.core.evidence import NS_PER_S
from risk_actors.messages import ActorStatus
from risk_actors.runtime.actor import Actor, ActorContext, Overseer, Place
from risk_actors.runtime.clock import Clock
from risk_actors.runtime.heartbeat import Signs
from risk_actors.runtime.mailbox import Mailbox
from risk_actors.runtime.outbox import Gate, Outbox
from risk_actors.runtime.restarts import RestartPolicy
from risk_actors.runtime.tape import MADE, Tape
from risk_actors.runtime.topology import MailboxStats


def nothing() -> None:
    """Do nothing: there is no state that outlives an instance."""


class ChildSpec(NamedTuple):
    """How to make one actor; a factory, because a restart needs a new instance."""

    address: str
    kind: str
    make: Callable[[ActorContext], Actor]
    mailbox: Mailbox
    outbox: Outbox
    tape: Tape | None = None
    policy: RestartPolicy = RestartPolicy()
    renew: Callable[[], None] = nothing
    """Called before another begins beside one that did not end: puts a state in place of what
    outlives an instance, so that what the old one still writes when it wakes is read by nobody."""
    place: Place | None = None
    """Where it runs; None for a thread of its own."""

    def context(self, clock: Clock, overseer: Overseer, made_as: str = MADE) -> ActorContext:
        """Return what the actor is given."""
        return ActorContext(
            self.address,
            self.mailbox,
            self.outbox,
            clock,
            overseer,
            self.tape,
            made_as,
            self.place,
        )


class Instance:
    """The life of one instance, told by the instance itself; nobody listens once it is let go."""

    def __init__(
        self,
        spec: ChildSpec,
        failed: Callable[["Instance", BaseException, object | None], None],
        fault: Callable[[str, str], None],
    ) -> None:
        self.address = spec.address
        self.gate = Gate(spec.outbox)
        self.actor: Actor | None = None
        self.started = threading.Event()
        self.error: BaseException | None = None
        """Why it did not start."""
        self._failed = failed
        self._fault = fault
        self._is_let_go = False
        self._is_awaited = True
        self._opening = threading.Lock()

    def let_go(self, answered: int | None = None) -> bool:
        """Have nothing to do with it any more: it takes no message, and what it says is lost.

        Args:
            answered: how many beats had been answered when it was found to be silent; where it came
                back since, it stays, and False is returned.
        """
        if self.actor is not None and not self.actor.leave(answered):
            return False
        self._is_let_go = True
        self.gate.shut()
        return True

    @property
    def is_left_behind(self) -> bool:
        """Whether it was let go and its thread still runs."""
        return self._is_let_go and self.actor is not None and not self.actor.stopped.is_set()

    def opens_within(self, timeout_s: float) -> bool:
        """Wait until it has opened or failed to; a failure after that is told as any other."""
        if self.started.wait(timeout_s):
            return True
        with self._opening:
            self._is_awaited = False
            return self.started.is_set()

    def actor_started(self, address: str) -> None:  # noqa: ARG002 - it is ours
        """Take the word of the actor that it has opened."""
        self.started.set()

    def actor_failed(
        self,
        address: str,  # noqa: ARG002 - it is ours
        error: BaseException,
        message: object | None,
    ) -> None:
        """Take the failure of the actor."""
        with self._opening:
            if self._is_awaited and not self.started.is_set():
                self.error = error
                self.started.set()
                return
        if not self._is_let_go:
            self._failed(self, error, message)

    def actor_fault(self, address: str, detail: str) -> None:
        """Take a fault that the actor survived."""
        if not self._is_let_go:
            self._fault(address, detail)


class Child:
    """One address under supervision."""

    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        self.instance: Instance | None = None
        self.restarts = 0
        self.status = ActorStatus.FAILED
        self.is_down = True
        """Whether no instance takes messages."""
        self.error_name = ""
        """The class of the error it failed of last."""
        self.is_renewed = False
        """Whether the next instance begins with a state of its own."""
        self._handled_before = 0
        self._swallowed_before = 0
        self._left: list[Instance] = []
        """Those that were let go, and may wake yet."""

    @property
    def actor(self) -> Actor | None:
        """The instance that is there, or was there last."""
        return None if self.instance is None else self.instance.actor

    def take(self, instance: Instance) -> None:
        """Take a new instance in place of the one before."""
        if self.instance is not None:
            self._handled_before += self.instance.actor.handled if self.instance.actor else 0
            self._left.append(self.instance)
        ended = [each for each in self._left if not each.is_left_behind]
        self._swallowed_before += sum(each.gate.swallowed for each in ended)
        self._left = [each for each in self._left if each not in ended]
        self.instance = instance

    def let_go(self, answered: int | None = None) -> bool:
        """Let the instance go, with the state that it may still write to.

        Args:
            answered: as for `Instance.let_go`.
        """
        if self.instance is not None and not self.instance.let_go(answered):
            return False
        self.is_down = True
        self.spec.renew()
        self.is_renewed = True
        return True

    @property
    def left_behind(self) -> int:
        """How many instances were let go whose threads still run."""
        here = [] if self.instance is None else [self.instance]
        return sum(each.is_left_behind for each in [*self._left, *here])

    @property
    def handled(self) -> int:
        """Messages handled by all instances."""
        return self._handled_before + (self.actor.handled if self.actor else 0)

    def stats(self, signs: Signs) -> MailboxStats:
        """Return what its mailbox has seen."""
        mailbox, actor = self.spec.mailbox, self.actor
        here = [] if self.instance is None else [self.instance]
        swallowed = sum(each.gate.swallowed for each in [*self._left, *here])
        member = actor.member if actor else None
        return MailboxStats(
            address=self.spec.address,
            kind=self.spec.kind,
            depth=mailbox.depth,
            high_water=mailbox.high_water,
            conflated=mailbox.conflated,
            handled=self.handled,
            last_message=actor.last_message if actor else None,
            restarts=self.restarts,
            status=self.status.value,
            swallowed=self._swallowed_before + swallowed,
            left_behind=self.left_behind,
            silent_s=signs.silent_ns / NS_PER_S,
            lag_s=signs.lag_ns / NS_PER_S,
            longest_turn_s=member.longest_turn_s if member else 0.0,
            longest_wait_s=member.longest_wait_s if member else 0.0,
            times_aside=member.times_aside if member else 0,
            is_aside=member is not None and member.aside is not None,
            relieved=member.crew.relieved if member else 0,
        )
