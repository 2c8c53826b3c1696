"""The base of every actor, on real threads."""

from typing import Any

import pytest

from risk_actors.runtime.actor import ActorContext, ActorExitError
from risk_actors.runtime.clock import VirtualClock
from risk_actors.runtime.control import Pulse
from risk_actors.runtime.mailbox import Mailbox
from tests.conftest import RecordingOutbox, RecordingOverseer, eventually
from tests.runtime.probe import Diary, ProbeActor, Say


class Stage:
    """One address and the actors that are started at it."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.diary = Diary()
        self.mailbox = Mailbox("probe")
        self.outbox = RecordingOutbox(ProbeActor)
        self.overseer = RecordingOverseer()

    def actor(self) -> ProbeActor:
        context = ActorContext("probe", self.mailbox, self.outbox, self.clock, self.overseer)
        return ProbeActor(context, self.diary)

    def started(self) -> ProbeActor:
        actor = self.actor()
        actor._start_actor_loop()
        return actor

    def say(self, *texts: str) -> None:
        for text in texts:
            self.mailbox.deliver(Say(text=text))


@pytest.fixture
def stage(clock: VirtualClock) -> Stage:
    return Stage(clock)


def test_an_actor_opens_handles_and_closes_in_its_own_thread(stage: Stage) -> None:
    actor = stage.started()
    stage.say("a", "b")
    actor.stop()

    assert actor.stopped.wait(5)
    assert stage.diary.lines == ["opened", "a", "b", "closed"]
    assert stage.diary.threads[0].startswith("ProbeActor-")
    assert stage.overseer.started == ["probe"]
    assert stage.overseer.failed == []
    assert (actor.handled, actor.last_message) == (2, "Say")


def test_a_failure_to_open_is_reported_and_what_was_half_opened_is_closed(stage: Stage) -> None:
    stage.diary.fail_opening = {1}

    actor = stage.started()

    assert actor.stopped.wait(5)
    ((address, error, message),) = eventually(lambda: stage.overseer.failed)
    assert (address, str(error), message) == ("probe", "cannot open", None)
    assert stage.overseer.started == []
    assert stage.diary.lines == ["opened", "closed"]


def test_a_failure_in_a_handler_is_reported_with_the_message(stage: Stage) -> None:
    actor = stage.started()
    stage.say("a", "boom", "b")

    ((address, error, message),) = eventually(lambda: stage.overseer.failed)
    assert (address, str(error), message) == ("probe", "went off", Say(text="boom"))
    assert actor.stopped.is_set()
    assert stage.diary.lines == ["opened", "a", "closed"]
    assert actor.handled == 1


def test_the_mailbox_survives_its_actor_and_the_next_one_goes_on_with_it(stage: Stage) -> None:
    stage.say("a", "boom", "b", "c")
    stage.started()
    eventually(lambda: stage.overseer.failed)

    second = stage.started()
    stage.say("d")
    second.stop()

    assert second.stopped.wait(5)
    assert stage.diary.lines == ["opened", "a", "closed", "opened", "b", "c", "d", "closed"]


@pytest.mark.parametrize("text", ["exit", "odd"])
def test_a_handler_that_asks_the_interpreter_to_end_fails_like_any_other(
    stage: Stage, text: str
) -> None:
    """Trap 14: pykka would stop this actor without a word, and every registered one."""
    bystander = Stage(stage.clock)
    other = bystander.started()
    stage.started()

    stage.say(text)

    ((_, error, message),) = eventually(lambda: stage.overseer.failed)
    assert isinstance(error, ActorExitError)
    assert message == Say(text=text)
    assert stage.diary.lines == ["opened", "closed"]
    bystander.say("still here")
    other.stop()
    assert other.stopped.wait(5)
    assert "still here" in bystander.diary.lines


def test_a_failure_while_closing_does_not_hide_the_first_failure(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_to_close(self: ProbeActor) -> None:
        raise OSError("disk is gone")

    monkeypatch.setattr(ProbeActor, "closed", fail_to_close)
    actor = stage.started()

    stage.say("boom")

    ((_, error, _),) = eventually(lambda: stage.overseer.failed)
    assert str(error) == "went off"
    assert actor.stopped.is_set()


def test_what_is_no_message_is_a_failure_that_names_it(stage: Stage) -> None:
    stage.started()

    stage.mailbox.deliver("hello")

    ((_, error, message),) = eventually(lambda: stage.overseer.failed)
    assert isinstance(error, TypeError)
    assert "probe got str" in str(error)
    assert message == "hello"


def test_an_actor_stops_after_what_waits_and_before_what_comes_later(stage: Stage) -> None:
    stage.diary.may_handle.clear()
    actor = stage.started()
    stage.say("a", "b")

    actor.stop()
    stage.say("c")
    stage.diary.may_handle.set()

    assert actor.stopped.wait(5)
    assert stage.diary.lines == ["opened", "a", "b", "closed"]
    assert stage.mailbox.depth == 1


def test_control_reaches_its_own_handler_and_overtakes(stage: Stage) -> None:
    stage.say("a")
    stage.mailbox.deliver(Pulse())

    actor = stage.started()
    actor.stop()

    assert actor.stopped.wait(5)
    assert stage.diary.lines == ["opened", "Pulse", "a", "closed"]


def test_a_fault_is_told_and_survived(stage: Stage) -> None:
    actor = stage.actor()

    actor.fault("no disk space")

    assert stage.overseer.faults == ["no disk space"]
    assert stage.overseer.failed == []


def test_a_step_handles_one_message_without_a_thread(stage: Stage) -> None:
    actor = stage.actor()
    stage.say("a", "b")

    steps: list[Any] = [actor.step(), actor.step(), actor.step()]

    assert steps == [True, True, False]
    assert stage.diary.lines == ["a", "b"]
