"""Starts actors in order, watches them, starts them anew, and gives up loudly.

Supervision is a plane of its own: failures go up to here, starts and stops go down from here.
An actor that failed is replaced by a new one at the same address, which finds the same mailbox;
the message that killed the old one is not given again. What the old one knew comes back from the
source of truth: whoever can say it again is asked to (`resync`).
"""

import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from pykka import ActorDeadError

from risk_actors.core.evidence import NS_PER_S
from risk_actors.messages import ActorChanged, ActorStatus
from risk_actors.runtime.actor import Actor, ActorContext, Overseer
from risk_actors.runtime.clock import Clock
from risk_actors.runtime.control import Resync
from risk_actors.runtime.mailbox import Mailbox
from risk_actors.runtime.outbox import Outbox
from risk_actors.runtime.tape import Tape
from risk_actors.runtime.topology import MailboxStats

START_TIMEOUT_S = 10.0
"""An actor that has not opened by then has failed to start."""
STOP_TIMEOUT_S = 2.0
"""How long an actor may take to end; after that it is left behind."""
MAX_RESTARTS = 5
"""More failures than this within the window and the actor is given up."""
RESTART_WINDOW_NS = 30 * NS_PER_S

FIRST_PAUSE_S = 0.05
"""Before the second restart within the window; it doubles from there."""
LONGEST_PAUSE_S = 1.0


class StartFailedError(Exception):
    """An actor could not be started, so the system was not."""


class ChildSpec(NamedTuple):
    """How to make one actor; a factory, because a restart needs a new instance."""

    address: str
    kind: str
    make: Callable[[ActorContext], Actor]
    mailbox: Mailbox
    outbox: Outbox
    tape: Tape | None = None

    def context(self, clock: Clock, overseer: Overseer) -> ActorContext:
        """Return what the actor is given."""
        return ActorContext(self.address, self.mailbox, self.outbox, clock, overseer, self.tape)


class _Child:
    def __init__(self, spec: ChildSpec) -> None:
        self.spec = spec
        self.actor: Actor | None = None
        self.started = threading.Event()
        self.error: BaseException | None = None
        self.failed_ns: deque[int] = deque()
        self.restarts = 0
        self.status = ActorStatus.FAILED
        self.handled_before = 0


class _Failed(NamedTuple):
    address: str
    error: BaseException
    message: object | None


class _Fault(NamedTuple):
    address: str
    detail: str


class _End(NamedTuple):
    """Tells the watching thread to end."""


class Supervisor:
    """Owns the actors' lives. Its public methods are called by the main thread only."""

    def __init__(
        self,
        clock: Clock,
        *,
        outbox: Outbox,
        resync: Sequence[str] = (),
        on_given_up: Callable[[str], None] = lambda _address: None,
    ) -> None:
        """Take where to report and the kinds of actors that can say again what is true."""
        self._clock = clock
        self._outbox = outbox
        self._resync = tuple(resync)
        self._on_given_up = on_given_up
        self._children: dict[str, _Child] = {}
        self._reports: queue.SimpleQueue[_Failed | _Fault | _End] = queue.SimpleQueue()
        self._stop_asked = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="supervisor", daemon=True)

    # --- the main thread ------------------------------------------------------------------

    def start(self, specs: Sequence[ChildSpec]) -> None:
        """Start actors one after another, each when the one before it has opened.

        Raises:
            StartFailedError: one of them failed; those already started are stopped again.
        """
        for spec in specs:
            child = self._children[spec.address] = _Child(spec)
            try:
                self._start_child(child)
            except Exception as error:
                self.stop()
                raise StartFailedError(f"{spec.address} did not start: {error}") from error
        self._watcher.start()

    def stop(self) -> list[str]:
        """Stop all actors, the last started first; return those that did not end in time.

        Each handles what waits in its mailbox first.
        """
        self._stop_asked.set()
        if self._watcher.is_alive():
            self._reports.put(_End())
            self._watcher.join(STOP_TIMEOUT_S)
        left = []
        for child in reversed(self._children.values()):
            if child.actor is not None:
                with suppress(ActorDeadError):  # it failed a moment ago and is still closing
                    child.actor.stop()
                if not child.actor.stopped.wait(STOP_TIMEOUT_S):
                    left.append(child.spec.address)
            child.spec.mailbox.close()
        return left

    def stats(self) -> list[MailboxStats]:
        """Return what each mailbox has seen; may be called from any thread."""
        return [self._stats_of(child) for child in list(self._children.values())]

    # --- told by actors, on their threads (Overseer) ----------------------------------------

    def actor_started(self, address: str) -> None:
        """Take the word of an actor that it has opened."""
        self._children[address].started.set()

    def actor_failed(self, address: str, error: BaseException, message: object | None) -> None:
        """Take the failure of an actor."""
        child = self._children[address]
        if child.started.is_set():
            self._reports.put(_Failed(address, error, message))
        else:
            child.error = error
            child.started.set()

    def actor_fault(self, address: str, detail: str) -> None:
        """Take a fault that an actor survived."""
        self._reports.put(_Fault(address, detail))

    # --- the watching thread --------------------------------------------------------------

    def _watch(self) -> None:
        while not isinstance(report := self._reports.get(), _End):
            try:
                self._take(report)
            except Exception as error:  # noqa: BLE001 - without this thread nobody is watched
                self._report(
                    report.address,
                    ActorStatus.FAULT,
                    f"could not be looked after: {type(error).__name__}: {error}",
                )

    def _take(self, report: _Failed | _Fault) -> None:
        match report:
            case _Failed(address, error, message):
                self._on_failed(self._children[address], error, message)
            case _Fault(address, detail):
                self._report(address, ActorStatus.FAULT, detail)

    def _on_failed(self, child: _Child, error: BaseException, message: object | None) -> None:
        if self._stop_asked.is_set():
            return
        doing = f" while handling {type(message).__name__}" if message is not None else ""
        child.status = ActorStatus.FAILED
        self._report(
            child.spec.address, ActorStatus.FAILED, f"{type(error).__name__}: {error}{doing}"
        )
        now_ns = self._clock.monotonic_ns()
        child.failed_ns.append(now_ns)
        while child.failed_ns and now_ns - child.failed_ns[0] > RESTART_WINDOW_NS:
            child.failed_ns.popleft()
        if len(child.failed_ns) > MAX_RESTARTS:
            self._give_up(child)
            return
        self._restart(child)

    def _restart(self, child: _Child) -> None:
        self._pause(child)
        child.restarts += 1
        try:
            self._start_child(child)
        except Exception as error:  # noqa: BLE001 - whatever it was, it is one more failure
            self._reports.put(_Failed(child.spec.address, error, None))
            return
        child.status = ActorStatus.RESTARTED
        self._report(child.spec.address, ActorStatus.RESTARTED, f"restart {child.restarts}")
        restarted = child.spec.address
        for other in self._children.values():
            if other.spec.kind in self._resync:
                other.spec.mailbox.deliver(
                    Resync(address=restarted, reason=f"{restarted} was restarted")
                )

    def _pause(self, child: _Child) -> None:
        """Give whatever made an actor fail again and again a moment to pass."""
        again = len(child.failed_ns) - 1
        if again > 0:
            self._stop_asked.wait(min(FIRST_PAUSE_S * 2 ** (again - 1), LONGEST_PAUSE_S))

    def _give_up(self, child: _Child) -> None:
        child.status = ActorStatus.GIVEN_UP
        child.spec.mailbox.close()
        self._report(
            child.spec.address,
            ActorStatus.GIVEN_UP,
            f"failed {len(child.failed_ns)} times within {RESTART_WINDOW_NS // NS_PER_S} s",
        )
        self._on_given_up(child.spec.address)

    def _start_child(self, child: _Child) -> None:
        if child.actor is not None:
            child.handled_before += child.actor.handled
        child.started.clear()
        child.error = None
        spec = child.spec
        actor = spec.make(spec.context(self._clock, self))
        child.actor = actor
        actor._start_actor_loop()  # noqa: SLF001 - `start` would construct it a second time
        if not child.started.wait(START_TIMEOUT_S):
            actor.abandon()
            raise TimeoutError(f"{spec.address} did not open within {START_TIMEOUT_S:.0f} s")
        if child.error is not None:
            raise child.error
        child.status = ActorStatus.STARTED

    def _report(self, address: str, status: ActorStatus, detail: str) -> None:
        self._outbox.send(
            ActorChanged(
                correlation_id=f"supervisor-{self._clock.now_ns()}",
                at_ns=self._clock.now_ns(),
                address=address,
                status=status,
                detail=detail,
            )
        )

    @staticmethod
    def _stats_of(child: _Child) -> MailboxStats:
        mailbox, actor = child.spec.mailbox, child.actor
        return MailboxStats(
            address=child.spec.address,
            kind=child.spec.kind,
            depth=mailbox.depth,
            high_water=mailbox.high_water,
            conflated=mailbox.conflated,
            handled=child.handled_before + (actor.handled if actor else 0),
            last_message=actor.last_message if actor else None,
            restarts=child.restarts,
            status=child.status.value,
        )
