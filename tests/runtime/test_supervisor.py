"""Starting in order, restarting, giving up and stopping, on real threads."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from risk_actors.messages import ActorChanged, ActorStatus
from risk_actors.runtime import supervisor as under_test
from risk_actors.runtime.clock import VirtualClock
from risk_actors.runtime.outbox import DeadLetters, to_mailbox
from risk_actors.runtime.restarts import MAX_RESTARTS, RESTART_WINDOW_NS, RestartPolicy, WhenStuck
from risk_actors.runtime.supervisor import StartFailedError, Supervisor
from risk_actors.runtime.topology import MailboxStats
from tests.conftest import RecordingOutbox, S, eventually
from tests.runtime.probe import Diary, Say, spec_of


class Team:
    """Some probes under one supervisor."""

    def __init__(self, clock: VirtualClock, **options: object) -> None:
        self.clock = clock
        self.outbox = RecordingOutbox()
        self.supervisor = Supervisor(clock, outbox=self.outbox, **options)  # type: ignore[arg-type]
        self.diaries = {name: Diary() for name in "abc"}
        self.specs = [spec_of(name, diary, kind=name) for name, diary in self.diaries.items()]

    def use(self, **terms: object) -> None:
        """Look after all of them by another policy."""
        policy = RestartPolicy(**terms)  # type: ignore[arg-type]
        self.specs = [spec._replace(policy=policy) for spec in self.specs]

    def start(self) -> None:
        self.supervisor.start(self.specs)

    def say(self, to: str, *texts: str) -> None:
        for spec in self.specs:
            if spec.address == to:
                for text in texts:
                    spec.mailbox.deliver(Say(text=text))

    def stats(self, address: str) -> MailboxStats:
        return next(stats for stats in self.supervisor.stats() if stats.address == address)

    def reports(self, status: ActorStatus) -> list[ActorChanged]:
        return [report for report in self.outbox.of(ActorChanged) if report.status is status]


@contextmanager
def running(team: Team) -> Iterator[Team]:
    team.start()
    try:
        yield team
    finally:
        team.supervisor.stop()


@pytest.fixture
def team(clock: VirtualClock) -> Team:
    return Team(clock)


def test_actors_start_one_after_another_each_when_the_one_before_has_opened(team: Team) -> None:
    order: list[str] = []
    team.diaries["a"].hang_opening = {1}
    starter = threading.Thread(target=lambda: (team.start(), order.append("all")))

    starter.start()
    eventually(lambda: team.diaries["a"].made == 1)
    made_meanwhile = team.diaries["b"].made
    team.diaries["a"].may_open.set()
    starter.join(5)

    assert made_meanwhile == 0
    assert order == ["all"]
    assert [diary.lines for diary in team.diaries.values()] == [["opened"]] * 3
    team.supervisor.stop()


def test_a_start_that_fails_stops_what_was_started_and_says_who_and_why(team: Team) -> None:
    team.diaries["b"].fail_opening = {1}

    with pytest.raises(StartFailedError, match="b did not start: cannot open"):
        team.start()

    assert team.diaries["a"].lines == ["opened", "closed"]
    assert team.diaries["c"].made == 0
    assert team.specs[0].mailbox.is_closed


def test_an_actor_that_cannot_even_be_made_is_a_failed_start(team: Team) -> None:
    def refuse(_context: object) -> None:
        raise KeyError("no such setting")

    team.specs[2] = team.specs[2]._replace(make=refuse)  # type: ignore[arg-type]

    with pytest.raises(StartFailedError, match="c did not start"):
        team.start()

    assert team.diaries["a"].lines == team.diaries["b"].lines == ["opened", "closed"]


def test_an_actor_that_does_not_open_in_time_is_a_failed_start(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(under_test, "START_TIMEOUT_S", 0.05)
    team.use(stop_timeout_s=0.05)
    team.diaries["a"].hang_opening = {1}

    with pytest.raises(StartFailedError, match="a did not open within"):
        team.start()

    team.diaries["a"].may_open.set()
    eventually(lambda: "closed" in team.diaries["a"].lines)


def test_a_failed_actor_is_replaced_and_only_the_failing_message_is_lost(team: Team) -> None:
    with running(team):
        team.diaries["b"].may_handle.clear()
        team.say("b", "one", "boom", "two", "three")
        team.diaries["b"].may_handle.set()
        eventually(lambda: "three" in team.diaries["b"].lines)

        eventually(lambda: team.reports(ActorStatus.RESTARTED))
        stats = team.stats("b")

    assert team.diaries["b"].lines == [
        *("opened", "one", "closed"),
        *("opened", "two", "three", "closed"),
    ]
    assert [(r.address, r.status) for r in team.outbox.of(ActorChanged)] == [
        ("b", ActorStatus.FAILED),
        ("b", ActorStatus.RESTARTED),
    ]
    assert team.reports(ActorStatus.FAILED)[0].detail == ("ValueError: went off while handling Say")
    assert (stats.restarts, stats.handled, stats.status) == (1, 3, "restarted")
    assert team.diaries["a"].made == team.diaries["c"].made == 1


def test_messages_that_fail_in_a_row_give_one_new_actor_each_and_never_two_at_once(
    team: Team,
) -> None:
    """A new actor may fail on what waits before its start was even noticed."""
    alive: list[int] = []
    most: list[int] = []

    def count(_text: str) -> None:
        alive.append(1)
        most.append(len(alive))
        alive.pop()

    team.diaries["b"].on_handle = count
    with running(team):
        team.diaries["b"].may_handle.clear()
        team.say("b", "boom", "boom", "boom", "boom", "after")
        team.diaries["b"].may_handle.set()
        eventually(lambda: "after" in team.diaries["b"].lines)
        eventually(lambda: len(team.reports(ActorStatus.FAILED)) == 4)
        eventually(lambda: len(team.reports(ActorStatus.RESTARTED)) == 4)
        living = [t.name for t in threading.enumerate() if t.name.startswith("ProbeActor-")]

    assert team.diaries["b"].made == 5
    assert len(living) == 3
    assert max(most) == 1


def test_an_actor_that_fails_too_often_is_given_up_closed_and_reported(clock: VirtualClock) -> None:
    given_up: list[str] = []
    team = Team(clock, on_given_up=given_up.append)
    letters = DeadLetters()
    with running(team):
        team.say("b", *["boom"] * (MAX_RESTARTS + 1), "never handled")
        eventually(lambda: given_up)

        to_mailbox(team.specs[1].mailbox, letters)(Say(text="too late"))
        (report,) = team.reports(ActorStatus.GIVEN_UP)
        stats = team.stats("b")
        team.say("a", "fine")
        eventually(lambda: "fine" in team.diaries["a"].lines)

    assert given_up == ["b"]
    assert report.address == "b"
    assert "failed 6 times within 30 s" in report.detail
    assert (stats.status, stats.restarts, stats.depth) == ("given_up", MAX_RESTARTS, 1)
    assert letters.by_receiver() == {"b Say": 1}
    assert "never handled" not in team.diaries["b"].lines


def test_failures_far_apart_do_not_add_up(team: Team) -> None:
    with running(team):
        for number in range(MAX_RESTARTS + 3):
            team.say("b", "boom", f"after {number}")
            eventually(lambda text=f"after {number}": text in team.diaries["b"].lines)
            eventually(lambda n=number: len(team.reports(ActorStatus.RESTARTED)) == n + 1)
            team.clock.advance(RESTART_WINDOW_NS)
            team.clock.advance(1)

    assert team.reports(ActorStatus.GIVEN_UP) == []


def test_an_actor_that_cannot_open_again_is_tried_again_and_then_given_up(team: Team) -> None:
    team.diaries["b"].fail_opening = set(range(2, 100))
    with running(team):
        team.say("b", "boom")
        eventually(lambda: team.reports(ActorStatus.GIVEN_UP))

    assert team.diaries["b"].made == 1 + MAX_RESTARTS
    assert team.diaries["b"].count("closed") == team.diaries["b"].count("opened")


def test_an_actor_that_opens_again_at_the_second_try_goes_on(team: Team) -> None:
    team.diaries["b"].fail_opening = {2}
    with running(team):
        team.say("b", "boom", "after")
        eventually(lambda: "after" in team.diaries["b"].lines)

    assert team.diaries["b"].made == 3
    assert [r.status for r in team.outbox.of(ActorChanged)] == [
        ActorStatus.FAILED,
        ActorStatus.FAILED,
        ActorStatus.RESTARTED,
    ]


def test_an_actor_that_opens_after_its_time_does_not_begin_beside_its_replacement(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(under_test, "START_TIMEOUT_S", 0.1)
    team.use(stuck=WhenStuck.REPLACE)
    renewed: list[str] = []
    team.specs[1] = team.specs[1]._replace(renew=lambda: renewed.append("b"))
    diary = team.diaries["b"]
    diary.hang_opening = {2}
    with running(team):
        team.say("b", "boom")
        eventually(lambda: diary.made == 3)
        eventually(lambda: team.reports(ActorStatus.RESTARTED))

        diary.may_open.set()
        eventually(lambda: diary.count("closed") == 2)
        living = [t.name for t in threading.enumerate() if t.name.startswith("ProbeActor-")]
        team.say("b", "after")
        eventually(lambda: "after" in diary.lines)

    assert len(living) == 3
    assert renewed == ["b"]


@pytest.mark.parametrize("number", [2, 3])
def test_one_that_nobody_may_stand_beside_is_waited_for_while_it_opens(
    clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A second one would open the store, and share the locks, beside one that still does."""
    monkeypatch.setattr(under_test, "START_TIMEOUT_S", 0.1)
    team = Team(clock, heart=None)
    diary = team.diaries["b"]
    diary.hang_opening, diary.fail_opening = {2}, {2} if number == 3 else set()
    with running(team):
        team.say("b", "boom", "after")
        (stuck,) = eventually(lambda: team.reports(ActorStatus.STUCK))
        for _ in range(17):
            team.supervisor.look()
            team.clock.advance(1 * S)
        made, health = diary.made, team.supervisor.health()
        diary.may_open.set()
        eventually(lambda: "after" in diary.lines)
        eventually(lambda: not team.specs[1].mailbox.beat_waits)
        team.supervisor.look()
        eventually(lambda: team.stats("b").status in ("started", "restarted"))

    assert made == 2
    assert "b has not answered for 16 s" in health.problems
    assert stuck.detail.startswith("did not open within 0 s, and cannot be replaced")
    assert diary.made == number
    assert diary.count("closed") == number


def test_nobody_is_started_once_the_end_was_asked_for(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Supervision may be waiting for a restart just then, longer than the end waits for it."""
    monkeypatch.setattr(under_test, "THREAD_TIMEOUT_S", 0.05)
    team.use(stop_timeout_s=0.05)
    team.specs[0] = team.specs[0]._replace(policy=RestartPolicy(brings=("b",), stop_timeout_s=0.05))
    team.diaries["a"].hang_opening = {2}
    team.start()
    team.say("a", "boom")
    eventually(lambda: team.diaries["a"].made == 2)

    left = team.supervisor.stop()
    team.diaries["a"].may_open.set()
    eventually(lambda: team.diaries["a"].count("closed") == 2)
    team.supervisor._watcher.join(5)

    assert left == ["a"]
    assert team.diaries["b"].made == 1


def test_after_a_restart_those_who_can_are_asked_to_say_again_what_is_true(
    clock: VirtualClock,
) -> None:
    team = Team(clock, resync=("a",))
    with running(team):
        team.say("b", "boom")
        eventually(lambda: "Resync" in team.diaries["a"].lines)

    assert "Resync" not in team.diaries["b"].lines
    assert "Resync" not in team.diaries["c"].lines


@pytest.mark.parametrize("text", ["exit", "odd"])
def test_a_handler_that_asks_the_interpreter_to_end_is_restarted_like_any_other(
    team: Team, text: str
) -> None:
    with running(team):
        team.say("b", text, "after")
        eventually(lambda: "after" in team.diaries["b"].lines)
        team.say("a", "fine")
        eventually(lambda: "fine" in team.diaries["a"].lines)

    assert len(team.reports(ActorStatus.FAILED)) == 1


def test_a_fault_is_passed_on(team: Team) -> None:
    with running(team):
        team.supervisor.actor_fault("b", "no disk space")
        (report,) = eventually(lambda: team.reports(ActorStatus.FAULT))

    assert (report.address, report.detail) == ("b", "no disk space")


def test_supervision_outlives_a_callback_that_fails(clock: VirtualClock) -> None:
    def fail(_address: str) -> None:
        raise OSError("cannot tell anybody")

    team = Team(clock, on_given_up=fail)
    with running(team):
        team.say("b", *["boom"] * (MAX_RESTARTS + 1))
        eventually(lambda: team.reports(ActorStatus.FAULT))

        team.say("a", "boom", "after")
        eventually(lambda: "after" in team.diaries["a"].lines)


def test_an_actor_that_is_stopped_handles_what_waits_and_its_mailbox_closes(team: Team) -> None:
    team.start()
    team.diaries["a"].may_handle.clear()
    team.say("a", "one", "two")
    stopping = threading.Thread(target=team.supervisor.stop)

    stopping.start()
    eventually(lambda: "closed" in team.diaries["b"].lines)
    team.diaries["a"].may_handle.set()
    stopping.join(5)

    assert team.diaries["a"].lines == ["opened", "one", "two", "closed"]
    assert all(spec.mailbox.is_closed for spec in team.specs)


def test_the_one_started_last_is_closed_first(team: Team) -> None:
    team.start()
    team.diaries["b"].may_close.clear()
    stopper = threading.Thread(target=team.supervisor.stop)
    stopper.start()
    eventually(lambda: "closed" in team.diaries["c"].lines)

    seen_meanwhile = list(team.diaries["a"].lines)
    team.diaries["b"].may_close.set()
    stopper.join(5)

    assert seen_meanwhile == ["opened"]
    assert team.diaries["a"].lines == ["opened", "closed"]


def test_an_actor_that_does_not_end_is_left_behind_and_named(team: Team) -> None:
    team.use(stop_timeout_s=0.1)
    team.start()
    team.diaries["b"].may_handle.clear()
    team.say("b", "stuck")

    left = team.supervisor.stop()

    assert left == ["b"]
    assert team.diaries["a"].lines == ["opened", "closed"]
    team.diaries["b"].may_handle.set()


def test_stopping_while_an_actor_is_failing_stops_the_others_all_the_same(
    team: Team,
) -> None:
    """It is dead for pykka before it has closed; telling it to stop raises."""
    team.use(stop_timeout_s=0.1)
    team.start()
    team.diaries["c"].may_close.clear()
    team.say("c", "boom")
    eventually(lambda: failed_but_not_closed(team, "c"))

    left = team.supervisor.stop()

    assert left == ["c"]
    assert team.diaries["a"].lines == team.diaries["b"].lines == ["opened", "closed"]
    team.diaries["c"].may_close.set()
    eventually(lambda: "closed" in team.diaries["c"].lines)
    assert team.diaries["c"].made == 1


def failed_but_not_closed(team: Team, address: str) -> bool:
    actor = team.supervisor._children[address].actor
    return actor is not None and actor.actor_stopped.is_set() and not actor.stopped.is_set()


def test_stopping_twice_does_no_harm(team: Team) -> None:
    team.start()

    assert team.supervisor.stop() == []
    assert team.supervisor.stop() == []


def test_the_figures_of_a_mailbox_are_told(team: Team) -> None:
    with running(team):
        team.say("a", "one", "two")
        eventually(lambda: team.stats("a").handled == 2)
        stats = team.stats("a")

    assert (stats.kind, stats.depth, stats.last_message, stats.restarts) == ("a", 0, "Say", 0)
    assert stats.high_water >= 1
    assert stats.status == "started"
