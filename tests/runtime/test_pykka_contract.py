"""What we rely on inside pykka. A release that changes it must fail here, not in a trader's hands.

Each test says what to do when it fails: look at `risk_actors/runtime/actor.py` and `mailbox.py`.
"""

import inspect
import threading
from typing import Any

import pykka
from pykka._actor import Actor as PykkaActor
from pykka._envelope import Envelope
from pykka._ref import ActorRef

from tests.conftest import eventually

ADVICE = "pykka changed an internal that runtime/actor.py overrides or calls: "


class PlainActor(pykka.ThreadingActor):
    use_daemon_thread = True

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[Any] = []
        self.torn_down = threading.Event()

    def on_receive(self, message: Any) -> None:
        self.seen.append(message)

    def _actor_loop_teardown(self) -> None:
        self.torn_down.set()


def test_the_methods_we_override_or_call_are_there() -> None:
    names: tuple[str, ...] = ("_create_actor_inbox", "_create_future", "_start_actor_loop")
    names += ("_actor_loop_setup", "_actor_loop_running", "_actor_loop_teardown")
    names += ("_handle_receive", "_handle_failure", "_stop")
    for name in (*names, "on_start", "on_stop", "on_failure", "on_receive", "stop"):
        assert callable(getattr(pykka.ThreadingActor, name, None)), ADVICE + name
    failure = inspect.signature(PykkaActor.on_failure)
    assert len(failure.parameters) == 4, ADVICE + "on_failure's arguments"


def test_an_actor_that_is_constructed_is_neither_started_nor_registered() -> None:
    actor = PlainActor()

    assert isinstance(actor._actor_ref, ActorRef), ADVICE + "_actor_ref"
    assert hasattr(actor._actor_ref, "actor_inbox"), ADVICE + "ActorRef.actor_inbox"
    assert actor._actor_ref.actor_inbox is actor.actor_inbox, ADVICE + "ActorRef.actor_inbox"
    assert not pykka.ActorRegistry.get_all(), ADVICE + "construction registers the actor"


def test_an_envelope_carries_the_message() -> None:
    envelope = Envelope("hello")

    assert envelope.message == "hello", ADVICE + "Envelope.message"
    assert envelope.reply_to is None, ADVICE + "Envelope.reply_to"


def test_the_loop_reads_the_inbox_it_finds_on_the_actor_and_ends_with_our_teardown() -> None:
    class Inbox:
        """Only what pykka says that it needs: put, get, empty."""

        def __init__(self) -> None:
            self.envelopes: list[Envelope[Any]] = []
            self.arrived = threading.Semaphore(0)

        def put(self, envelope: Envelope[Any], /) -> None:
            self.envelopes.append(envelope)
            self.arrived.release()

        def get(self) -> Envelope[Any]:
            self.arrived.acquire()
            return self.envelopes.pop(0)

        def empty(self) -> bool:
            return not self.envelopes

    actor, inbox = PlainActor(), Inbox()
    actor.actor_inbox = inbox
    actor._actor_ref.actor_inbox = inbox

    actor._start_actor_loop()
    inbox.put(Envelope("hello"))
    actor.stop()

    assert actor.torn_down.wait(5), ADVICE + "_actor_loop_teardown is not called at the end"
    assert actor.seen == ["hello"], ADVICE + "the loop does not read actor.actor_inbox"


def test_telling_a_stopped_actor_raises_actor_dead_error() -> None:
    actor = PlainActor()
    actor._start_actor_loop()
    actor.stop()
    eventually(actor.torn_down.is_set)

    try:
        actor.stop()
    except pykka.ActorDeadError:
        return
    raise AssertionError(ADVICE + "Supervisor.stop counts on ActorDeadError")


def test_our_base_gives_pykka_our_mailbox_and_keeps_it_out_of_the_registry() -> None:
    from risk_actors.runtime.actor import Actor  # noqa: PLC0415 - what is looked at here

    overridden = {
        "_start_actor_loop",
        "_actor_loop_running",
        "_actor_loop_teardown",
        "on_start",
        "on_stop",
        "on_failure",
        "on_receive",
    }
    for name in overridden:
        assert name in vars(Actor)
        assert hasattr(pykka.ThreadingActor, name), ADVICE + name
