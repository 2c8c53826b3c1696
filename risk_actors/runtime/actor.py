"""The base of every actor: one mailbox, one handler, declared receives and sends.

Built on `pykka.ThreadingActor`. What pykka leaves to us is here: a mailbox that survives its
actor, failures (also in `on_start`) that reach the supervisor, and counters for the topology.
"""

import threading
from abc import abstractmethod
from contextlib import suppress
from types import TracebackType
from typing import Any, ClassVar, NamedTuple, Protocol

import pykka
from pykka._envelope import Envelope

from risk_actors.messages import Message
from risk_actors.runtime.clock import Clock
from risk_actors.runtime.control import Control, Leave
from risk_actors.runtime.crew import Crew
from risk_actors.runtime.crew_member import Member
from risk_actors.runtime.mailbox import Mailbox
from risk_actors.runtime.outbox import Outbox
from risk_actors.runtime.right_of_way import Courtesy
from risk_actors.runtime.tape import MADE, InstantClock, Tape

OURS = (Message, Control)
"""What handlers are given; a tuple, for to ask for a union makes it anew each time."""


class ActorExitError(Exception):
    """A handler asked the interpreter to end; only the actor does, as of any other failure."""


class Overseer(Protocol):
    """Whom an actor tells about its life: failures go up (the supervision plane)."""

    def actor_started(self, address: str) -> None:
        """Say that `on_start` is done."""

    def actor_failed(self, address: str, error: BaseException, message: object | None) -> None:
        """Say that the actor died of an error while handling a message (None: at its start)."""

    def actor_fault(self, address: str, detail: str) -> None:
        """Say that something went wrong that the actor survives."""


class Place(NamedTuple):
    """Where an actor runs, when it has no thread of its own."""

    crew: Crew
    rank: int
    """0 is furthest downstream."""


class ActorContext(NamedTuple):
    """What every actor is given."""

    address: str
    mailbox: Mailbox
    outbox: Outbox
    clock: Clock
    overseer: Overseer
    tape: Tape | None = None
    """Where what it handles is noted; an actor with a tape sees one instant per message."""
    made_as: str = MADE
    """What is noted there of its beginning."""
    place: Place | None = None
    """None for a thread of its own."""


class Actor(pykka.ThreadingActor):
    """Owns one mailbox and one piece of core state; feeds messages to it, sends what comes out."""

    use_daemon_thread = True
    """A stuck handler must not keep the process from ending; the supervisor stops us in order."""

    kind: ClassVar[str]
    one_per: ClassVar[str] = "process"
    receives: ClassVar[frozenset[type]]
    sends: ClassVar[frozenset[type]]

    def __init__(self, context: ActorContext) -> None:
        super().__init__()
        self.address = context.address
        self.outbox = context.outbox
        self.tape = context.tape
        self.clock: Clock = context.clock
        if self.tape is not None:
            self.clock = self._instants = InstantClock(context.clock)
            self.tape.note(context.made_as, self.clock.now_ns(), None)
        self.overseer = context.overseer
        # The mailbox belongs to the address, so a seat there replaces the one pykka made for us.
        self._mailbox, self._seat = context.mailbox, context.mailbox.seat()
        self.actor_inbox = self._actor_ref.actor_inbox = self._seat
        self.handled = 0
        self.last_message: str | None = None
        self.stopped = threading.Event()
        self._current: object | None = None
        self._place = context.place
        self.member: Member | None = None
        """Its place in the crew, once it has one."""
        self._has_begun = False

    # --- for subclasses -------------------------------------------------------------------

    @abstractmethod
    def handle(self, message: Any) -> None:
        """Take one message."""

    def handle_control(self, message: Control) -> None:
        """Take one message of the supervision plane; most actors have no use for any."""

    def opened(self) -> None:
        """Acquire what must be acquired in the actor's own thread."""

    def closed(self) -> None:
        """Release it; called after a stop and after a failure alike."""

    @property
    def told_by(self) -> str:
        """Who sent the message that is being handled; empty where that is not known."""
        return self._mailbox.taken_from

    def fault(self, detail: str) -> None:
        """Report something that went wrong and that this actor survives."""
        self.overseer.actor_fault(self.address, detail)

    def leave(self, answered: int | None = None) -> bool:
        """Take nothing more from the mailbox, which is for another; close and end.

        The handler it is in, or its opening, goes on to its end first.

        Args:
            answered: how many beats its mailbox had answered when it was found to be silent; when
                there are more by now it stays, and False is returned.
        """
        return self._mailbox.vacate(self._seat, answered)

    # --- pykka's hooks --------------------------------------------------------------------

    def on_start(self) -> None:
        """Open, and say so; pykka would not tell anybody about a failure here."""
        try:
            self.opened()
        except BaseException as error:
            with suppress(Exception):  # it may be half open; the first error is the one to tell
                self.closed()
            self.stopped.set()
            self.overseer.actor_failed(self.address, error, None)
            raise
        self.overseer.actor_started(self.address)

    # --- its thread, or its turns in a crew -------------------------------------------------

    def _start_actor_loop(self) -> None:
        if self._place is None:
            super()._start_actor_loop()
        else:
            self.member = self._place.crew.join(self, self._place.rank)

    def _actor_loop_running(self) -> None:
        give_way = Courtesy() if self._mailbox.is_lazy else _go_on
        while not self.actor_stopped.is_set():
            envelope = self._seat.await_next()
            give_way()
            self._take_in(envelope)

    @property
    def is_done(self) -> bool:
        """Whether it has ended."""
        return self.actor_stopped.is_set()

    @property
    def waits_for_its_turn(self) -> bool:
        """Whether it would take what waits for it, and others of its crew are served first."""
        return self.member is not None and self.member.is_waiting

    @property
    def is_patient(self) -> bool:
        """Whether what waits for it may wait a moment longer."""
        return self._seat.holds_prices_only

    def turn(self, member: Member) -> bool:
        """Open, or handle one message that waits; return whether to come again at once."""
        if not self._has_begun:
            self._has_begun = True
            try:
                self._actor_loop_setup()
            except BaseException:
                self.actor_stopped.set()
                raise
        else:
            envelope = self._mailbox.take(self._seat)
            if envelope is not None:
                self._take_in(envelope)
        if self.actor_stopped.is_set():
            return False
        return not self._mailbox.rest(self._seat, member.wake)

    def _take_in(self, envelope: Envelope[Any]) -> None:
        """Do with one envelope what pykka's loop does; ours come straight to their handler."""
        message = envelope.message
        if envelope.reply_to is not None or not isinstance(message, OURS):
            self._answer(envelope)
            return
        try:
            self.on_receive(message)
        except Exception as error:  # noqa: BLE001 - whatever it was, the actor has failed
            self._fail(error)

    def _answer(self, envelope: Envelope[Any]) -> None:
        """Handle what comes by pykka's own ways: a stop, or a question that is answered."""
        try:
            response = self._handle_receive(envelope.message)
        except Exception as error:  # noqa: BLE001 - whoever asked gets it, else the actor failed
            if envelope.reply_to is None:
                self._fail(error)
            else:
                envelope.reply_to.set_exception()
            return
        if envelope.reply_to is not None:
            envelope.reply_to.set(response)

    def _fail(self, error: Exception) -> None:
        """End of an error, as pykka's loop does."""
        self._handle_failure(type(error), error, error.__traceback__)
        try:
            self.on_failure(type(error), error, error.__traceback__)
        except Exception as second:  # noqa: BLE001 - its closing failed too
            self._handle_failure(type(second), second, second.__traceback__)

    def on_receive(self, message: Any) -> None:
        """Dispatch one message."""
        if type(message) is Leave:
            self._stop()
            return
        self._current = message
        try:
            if isinstance(message, Message):
                if self.tape is not None:
                    self.tape.note(self._mailbox.taken_from, self._instants.take(message), message)
                self.handle(message)
            else:
                self._dispatch_control(message)
        except Exception:
            raise
        except BaseException as error:
            # pykka would end this actor without telling anybody, and try to end all others.
            raise ActorExitError(f"{type(error).__name__}: {error}") from error
        self.handled += 1
        self.last_message = type(message).__name__
        self._current = None

    def _dispatch_control(self, message: Any) -> None:
        if not isinstance(message, Control):
            raise TypeError(f"{self.address} got {type(message).__name__}, which is no message")
        if self.tape is not None:
            self.tape.note(self._mailbox.taken_from, self._instants.take(message), message)
        self.handle_control(message)

    def on_stop(self) -> None:
        """Release what `opened` acquired."""
        try:
            self.closed()
        finally:
            self.stopped.set()

    def on_failure(
        self,
        exception_type: type[BaseException] | None,  # noqa: ARG002 - pykka's signature
        exception_value: BaseException | None,
        traceback: TracebackType | None,  # noqa: ARG002 - pykka's signature
    ) -> None:
        """Release, and tell the supervisor."""
        try:
            self.closed()
        finally:
            self.stopped.set()
            error = exception_value or RuntimeError("unknown failure")
            self.overseer.actor_failed(self.address, error, self._current)

    def _actor_loop_teardown(self) -> None:
        """Leave the mailbox as it is: the next actor at this address goes on with it."""

    def step(self) -> bool:
        """Handle one waiting message without a thread; return False when none waits."""
        envelope = self._mailbox.get_nowait()
        if envelope is None:
            return False
        self.on_receive(envelope.message)
        return True


def _go_on() -> None:
    """Wait for nobody."""
