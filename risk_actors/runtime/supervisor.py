"""Starts actors in order, watches them, starts them anew, and gives up loudly.

Supervision is a plane of its own: failures go up to here, starts and stops go down from here.
An actor that failed is replaced by a new one at the same address, which finds the same mailbox;
the message that killed the old one is not given again. What the old one knew comes back from the
source of truth: whoever can say it again is asked to (`resync`).

Two threads: one restarts, the other asks every second for signs of life, so that a restart that
takes its time holds up no look. When to restart, with whom and when to give up is decided in
`restarts`, who is stuck in `heartbeat`.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from pykka import ActorDeadError

from risk_actors.core.evidence import NS_PER_S
from risk_actors.messages import ActorChanged, ActorStatus
from risk_actors.runtime.child import Child, ChildSpec, Instance
from risk_actors.runtime.clock import Clock
from risk_actors.runtime.control import FailClosed, Resync, TryAgain
from risk_actors.runtime.heartbeat import Finding, Heartbeat, HeartTerms, Trouble
from risk_actors.runtime.outbox import Outbox
from risk_actors.runtime.restarts import Decision, GiveUp, Restart, RestartBook, WhenGivenUp
from risk_actors.runtime.tape import BROUGHT, MADE, REPLACED
from risk_actors.runtime.thread_dump import dump_threads
from risk_actors.runtime.topology import MailboxStats

__all__ = ["ChildSpec", "Health", "StartFailedError", "Supervisor", "changed"]

START_TIMEOUT_S = 10.0
"""An actor that has not opened by then has failed to start."""
THREAD_TIMEOUT_S = 2.0
"""How long our own threads may take to end."""
_HEART = HeartTerms()
_IRREPLACEABLE = (
    ", and cannot be replaced in this process: what it holds must not be touched by another. "
    "Restart the program; a watchdog does so by itself."
)


class StartFailedError(Exception):
    """An actor could not be started, so the system was not."""


class Health(NamedTuple):
    """Whether protection works, as far as the actors show."""

    problems: tuple[str, ...] = ()
    """In plain words; empty when all is well."""

    @property
    def is_healthy(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


class _Failed(NamedTuple):
    address: str
    instance: Instance | None
    error: BaseException
    message: object | None


class _Fault(NamedTuple):
    address: str
    detail: str


class _Found(NamedTuple):
    address: str
    instance: Instance | None
    finding: Finding
    answered: int
    """How many beats it had answered when it was looked at."""


class _StillOpensError(Exception):
    """An actor has not opened in time, and no other may begin beside it."""


class _Looked(NamedTuple):
    """The heartbeat has looked: it is time to try again whose time has come."""

    address: str = "supervisor"


class _End(NamedTuple):
    """Tells the watching thread to end."""


class Supervisor:
    """Owns the actors' lives. `start` and `stop` are called by the main thread only."""

    def __init__(
        self,
        clock: Clock,
        *,
        outbox: Outbox,
        resync: Sequence[str] = (),
        on_given_up: Callable[[str], None] = lambda _address: None,
        on_stuck: Callable[[str, str], None] = lambda _address, _dump: None,
        heart: HeartTerms | None = _HEART,
    ) -> None:
        """Take where to report and the kinds of actors that can say again what is true.

        Args:
            clock: the present.
            outbox: where to report.
            resync: the kinds of actors that can say again what is true.
            on_given_up: called with the address of one that failed too often; what that asks for
                is in `when_given_up`.
            on_stuck: called, once per episode, with the address of one that is stuck and with what
                every thread was doing then.
            heart: how signs of life are asked for; None for nobody to ask but `look`.
        """
        self._clock = clock
        self._outbox = outbox
        self._book = RestartBook(resync)
        self._on_given_up = on_given_up
        self._on_stuck = on_stuck
        self._heart_beats = heart is not None
        self._heart = Heartbeat(heart or HeartTerms())
        self._children: dict[str, Child] = {}
        self._reports: queue.SimpleQueue[_Failed | _Fault | _Found | _Looked | _End] = (
            queue.SimpleQueue()
        )
        self._look_waits = False
        """Whether a look is among the reports: while a restart takes its time one will do."""
        self._stop_asked = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._beater = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    # --- the main thread ------------------------------------------------------------------

    def start(self, specs: Sequence[ChildSpec]) -> None:
        """Start actors one after another, each when the one before it has opened.

        Raises:
            StartFailedError: one of them failed; those already started are stopped again.
        """
        for spec in specs:
            child = self._children[spec.address] = Child(spec)
            self._book.add(spec.address, spec.kind, spec.policy)
            try:
                self._start_child(child, MADE)
            except Exception as error:
                self.stop()
                raise StartFailedError(f"{spec.address} did not start: {error}") from error
        self._watcher.start()
        if self._heart_beats:
            self.look()
            self._beater.start()

    def stop(self) -> list[str]:
        """Stop all actors, the last started first; return those that did not end in time.

        Each handles what waits in its mailbox first. One that is known to be stuck is not waited
        for, so that this takes no longer than those that may still end.
        """
        self._stop_asked.set()
        if self._watcher.is_alive():
            self._reports.put(_End())
        for thread in (self._watcher, self._beater):
            if thread.is_alive():
                thread.join(THREAD_TIMEOUT_S)
        left = []
        for child in reversed(self._children.values()):
            actor = child.actor
            if actor is not None:
                with suppress(ActorDeadError):  # it failed a moment ago and is still closing
                    actor.stop()
                is_stuck = child.status is ActorStatus.STUCK
                if not actor.stopped.wait(0 if is_stuck else child.spec.policy.stop_timeout_s):
                    left.append(child.spec.address)
                    if is_stuck and child.instance is not None:
                        child.instance.let_go()
            child.spec.mailbox.close()
        return left

    # --- from any thread --------------------------------------------------------------------

    def stats(self) -> list[MailboxStats]:
        """Return what each mailbox has seen."""
        return [
            child.stats(self._heart.signs(address))
            for address, child in list(self._children.items())
        ]

    def health(self) -> Health:
        """Return whether every actor that protection needs takes its messages, and in time."""
        problems = [
            problem
            for child in list(self._children.values())
            if child.spec.policy.is_needed
            for problem in self._problems_of(child)
        ]
        if self._heart.stands_still(self._clock.monotonic_ns()):
            problems.append("nobody asks the actors for signs of life any more")
        return Health(tuple(problems))

    @property
    def is_healthy(self) -> bool:
        """Whether protection works, as far as the actors show."""
        return self.health().is_healthy

    def when_given_up(self, address: str) -> WhenGivenUp:
        """Return what it asks for when the actor at an address is given up."""
        return self._book.policy(address).given_up

    def actor_fault(self, address: str, detail: str) -> None:
        """Take a fault that an actor survived."""
        self._reports.put(_Fault(address, detail))

    def look(self) -> None:
        """Ask every actor for a sign of life and act on what is found; the heartbeat's work."""
        now_ns = self._clock.monotonic_ns()
        handled = {address: child.handled for address, child in self._children.items()}
        instances = {address: child.instance for address, child in self._children.items()}
        answered = {a: child.spec.mailbox.beats_answered for a, child in self._children.items()}
        for finding in self._heart.look(now_ns, handled):
            address = finding.address
            if finding.trouble is Trouble.STUCK:
                self._dump(address)
            self._reports.put(_Found(address, instances[address], finding, answered[address]))
        if not self._look_waits:
            self._look_waits = True
            self._reports.put(_Looked())

    def _problems_of(self, child: Child) -> list[str]:
        address, policy = child.spec.address, child.spec.policy
        if child.status is ActorStatus.GIVEN_UP and child.is_down:
            return [f"{address} was given up"]
        limit_ns = self._heart.terms.unhealthy_after_ns
        signs, problems = self._heart.signs(address), []
        if signs.silent_ns >= limit_ns:
            problems.append(f"{address} has not answered for {_seconds(signs.silent_ns)}")
        if signs.lag_ns >= limit_ns:
            problems.append(f"{address} is {_seconds(signs.lag_ns)} behind")
        if policy.handles_every_ns is not None and signs.idle_ns >= policy.handles_every_ns:
            problems.append(f"{address} has handled nothing for {_seconds(signs.idle_ns)}")
        return problems

    # --- the heartbeat's thread ---------------------------------------------------------------

    def _beat(self) -> None:
        while not self._stop_asked.wait(self._heart.terms.every_s):
            try:
                self.look()
            except Exception as error:  # noqa: BLE001 - without this thread nobody looks
                self.actor_fault("heartbeat", f"{type(error).__name__}: {error}")

    def _dump(self, address: str) -> None:
        """Hand on what every thread is doing while it still does it."""
        try:
            self._on_stuck(address, dump_threads())
        except Exception as error:  # noqa: BLE001 - the finding itself must be reported
            self.actor_fault(address, f"could not tell what it is stuck in: {error}")

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

    def _take(self, report: _Failed | _Fault | _Found | _Looked) -> None:
        if isinstance(report, _Fault):
            self._report(report.address, ActorStatus.FAULT, report.detail)
            return
        if self._stop_asked.is_set():
            return
        match report:
            case _Failed(address, instance, error, message):
                child = self._children[address]
                if instance is child.instance:
                    self._on_failed(child, error, message)
            case _Found(address, instance, finding, answered):
                child = self._children[address]
                if instance is child.instance and not child.is_down:
                    self._on_found(child, finding, answered)
            case _Looked():
                self._look_waits = False
                for address in self._book.due(self._clock.monotonic_ns()):
                    self._try_again(self._children[address])

    def _on_failed(self, child: Child, error: BaseException, message: object | None) -> None:
        doing = f" while handling {type(message).__name__}" if message is not None else ""
        child.status, child.is_down = ActorStatus.FAILED, True
        child.error_name = type(error).__name__
        self._report(
            child.spec.address, ActorStatus.FAILED, f"{type(error).__name__}: {error}{doing}"
        )
        now_ns = self._clock.monotonic_ns()
        decision = self._book.failed(child.spec.address, now_ns, child.left_behind)
        self._carry_out(child, decision)

    def _on_found(self, child: Child, finding: Finding, answered: int) -> None:
        address, took = child.spec.address, _seconds(finding.for_ns)
        match finding.trouble:
            case Trouble.STUCK:
                child.status = ActorStatus.STUCK
                self._report(address, ActorStatus.STUCK, f"has not taken a message for {took}")
            case Trouble.HOPELESS:
                self._replace(child, answered)
            case Trouble.ANSWERS:
                is_closed = self._book.is_closed(address)
                child.status = ActorStatus.GIVEN_UP if is_closed else ActorStatus.STARTED
                self._report(address, child.status, f"answers again, after {took}")
            case Trouble.LATE:
                depth = child.spec.mailbox.depth
                self._report(
                    address, ActorStatus.FAULT, f"does not keep up: {took} behind, {depth} wait"
                )
            case Trouble.CAUGHT_UP:
                self._report(address, ActorStatus.STARTED, f"has caught up, after {took}")

    def _replace(self, child: Child, answered: int) -> None:
        """Put another in place of one that is stuck, where that is safe.

        Not of one that came back before this was come to: the next look says that it answers.
        """
        address = child.spec.address
        if not self._book.may_be_replaced(address):
            if child.spec.mailbox.beats_answered == answered:
                self._report(address, ActorStatus.STUCK, f"is stuck{_IRREPLACEABLE}")
            return
        if not child.let_go(answered):
            return
        child.error_name = "it got stuck"
        now_ns = self._clock.monotonic_ns()
        self._carry_out(child, self._book.stuck(address, now_ns, child.left_behind))

    def _try_again(self, child: Child) -> None:
        if child.is_down:
            return
        child.status = ActorStatus.RESTARTED
        child.spec.mailbox.deliver(TryAgain())
        self._report(child.spec.address, ActorStatus.RESTARTED, "is tried again")

    def _carry_out(self, child: Child, decision: Decision) -> None:
        match decision:
            case Restart():
                self._restart(child, decision)
            case GiveUp():
                self._give_up(child, decision)

    def _restart(self, child: Child, restart: Restart) -> None:
        brought = [self._children[address] for address in restart.brings]
        for each in reversed(brought):
            self._bring_down(each)
        # Give whatever made it fail again and again a moment to pass.
        self._stop_asked.wait(restart.pause_ns / NS_PER_S)
        if not self._is_up_again(child, MADE):
            return
        for each in brought:
            self._is_up_again(each, BROUGHT)
        self._resync(child.spec.address)

    def _is_up_again(self, child: Child, made_as: str) -> bool:
        """Make an actor anew; when that fails, it is one more failure."""
        if not child.is_down or child.status is ActorStatus.GIVEN_UP:
            return True
        if self._stop_asked.is_set():
            return False
        child.restarts += 1
        try:
            made_as = self._start_child(child, made_as)
        except _StillOpensError as error:
            child.status, child.is_down = ActorStatus.STUCK, False
            self._report(child.spec.address, ActorStatus.STUCK, f"{error}{_IRREPLACEABLE}")
            return True
        except Exception as error:  # noqa: BLE001 - whatever it was, it is one more failure
            self._reports.put(_Failed(child.spec.address, child.instance, error, None))
            return False
        child.status = ActorStatus.RESTARTED
        why = {BROUGHT: ", with another that failed", REPLACED: ", in place of one that was stuck"}
        self._report(
            child.spec.address,
            ActorStatus.RESTARTED,
            f"restart {child.restarts}{why.get(made_as, '')}",
        )
        return True

    def _bring_down(self, child: Child) -> None:
        """End an actor between two messages; what waits is left to the next one."""
        if child.is_down or child.actor is None or child.instance is None:
            return
        child.is_down = True
        child.actor.leave()
        if not child.actor.stopped.wait(child.spec.policy.stop_timeout_s):
            child.let_go()

    def _resync(self, restarted: str) -> None:
        """Have those who can say again what is true."""
        for address in self._book.to_resync():
            self._children[address].spec.mailbox.deliver(
                Resync(address=restarted, reason=f"{restarted} was restarted")
            )

    def _give_up(self, child: Child, given_up: GiveUp) -> None:
        address = child.spec.address
        if given_up.how is WhenGivenUp.FAIL_CLOSED:
            child.spec.mailbox.deliver(FailClosed(reason=child.error_name))
            try:
                self._start_child(child, MADE)
            except Exception as error:  # noqa: BLE001 - then it cannot even say that it failed
                self._reports.put(_Failed(address, child.instance, error, None))
            else:
                self._resync(address)
        else:
            child.spec.mailbox.close()
            self._heart.forget(address)
        child.status = ActorStatus.GIVEN_UP
        for each in self._book.brings(address):
            self._is_up_again(self._children[each], BROUGHT)
        self._report(address, ActorStatus.GIVEN_UP, given_up.detail)
        self._on_given_up(address)

    def _start_child(self, child: Child, made_as: str) -> str:
        """Make an actor and wait until it has opened; return what is noted of its beginning."""
        spec = child.spec
        made_as, child.is_renewed = REPLACED if child.is_renewed else made_as, False
        instance = Instance(spec, self._on_instance_failed, self.actor_fault)
        child.take(instance)
        context = spec.context(self._clock, instance, made_as)._replace(outbox=instance.gate)
        instance.actor = actor = spec.make(context)
        self._heart.watch(spec.address, spec.mailbox, lambda: actor.waits_for_its_turn)
        actor._start_actor_loop()  # noqa: SLF001 - `start` would construct it a second time
        if self._stop_asked.is_set():
            # Whoever stops all actors may have come by before there was this one.
            with suppress(ActorDeadError):
                actor.stop()
        if not instance.opens_within(START_TIMEOUT_S):
            late = f"did not open within {START_TIMEOUT_S:.0f} s"
            if child.restarts and not self._book.may_be_replaced(spec.address):
                raise _StillOpensError(late)
            child.let_go()
            raise TimeoutError(f"{spec.address} {late}")
        if instance.error is not None:
            raise instance.error
        child.status, child.is_down = ActorStatus.STARTED, False
        return made_as

    def _on_instance_failed(
        self, instance: Instance, error: BaseException, message: object | None
    ) -> None:
        self._reports.put(_Failed(instance.address, instance, error, message))

    def _report(self, address: str, status: ActorStatus, detail: str) -> None:
        self._outbox.send(changed(self._clock, address, status, detail))


def changed(clock: Clock, address: str, status: ActorStatus, detail: str) -> ActorChanged:
    """Return the report on what became of an actor."""
    now_ns = clock.now_ns()
    return ActorChanged(
        correlation_id=f"supervisor-{now_ns}",
        at_ns=now_ns,
        address=address,
        status=status,
        detail=detail,
    )


def _seconds(span_ns: int) -> str:
    return f"{span_ns / NS_PER_S:.0f} s"
