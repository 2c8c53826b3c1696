"""Several actors on one thread: who comes first, and what one that hangs does to the others."""

import threading
from collections.abc import Iterator

import pytest

from risk_actors.messages import ActorStatus
from risk_actors.runtime.actor import Place
from risk_actors.runtime.child import ChildSpec
from risk_actors.runtime.clock import VirtualClock
from risk_actors.runtime.control import Pulse
from risk_actors.runtime.crew import Crew, Member
from risk_actors.runtime.restarts import RestartPolicy, WhenStuck
from risk_actors.runtime.supervisor import Supervisor
from tests.conftest import RecordingOutbox, eventually
from tests.runtime.probe import Diary, Say, spec_of


class Worker:
    """Does what is put in, one at a turn, and sends on to another."""

    def __init__(self, name: str, done: list[str], send_to: "Worker | None" = None) -> None:
        self.name, self.done, self.send_to = name, done, send_to
        self.todo: list[str] = []
        self.member: Member | None = None
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.is_done = False
        self.at_once = 0
        self.most_at_once = 0
        self._is_awake = False
        self._lock = threading.Lock()

    def put(self, text: str) -> None:
        with self._lock:
            self.todo.append(text)
            is_first, self._is_awake = not self._is_awake, True
        if is_first and self.member is not None:
            self.member.wake()

    def turn(self, member: Member) -> bool:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        if self.todo:
            text = self.todo.pop(0)
            self.may_go_on.wait(10)
            self.done.append(f"{self.name} {text}")
            if text == "odd":
                self.at_once -= 1
                self.is_done = True
                raise SystemExit(3)
            if self.send_to is not None:
                self.send_to.put(text)
        self.at_once -= 1
        with self._lock:
            self._is_awake = bool(self.todo)
            return self._is_awake

    def end(self) -> None:
        self.is_done = True
        self.put("end")


@pytest.fixture
def done() -> list[str]:
    return []


@pytest.fixture
def crew() -> Crew:
    return Crew("crew", 3, patience_s=0.02)


def join(crew: Crew, worker: Worker, rank: int) -> None:
    worker.member = crew.join(worker, rank)


def running() -> list[str]:
    return [t.name for t in threading.enumerate() if t.name.startswith("crew-")]


def test_what_was_sent_downstream_goes_before_what_waits_upstream(
    crew: Crew, done: list[str]
) -> None:
    out = Worker("out", done)
    middle = Worker("middle", done, out)
    source = Worker("source", done, middle)
    source.may_go_on.clear()
    for rank, worker in enumerate((out, middle, source)):
        join(crew, worker, rank)
    source.put("1")
    source.put("2")

    source.may_go_on.set()

    eventually(lambda: len(done) == 6)
    assert done == ["source 1", "middle 1", "out 1", "source 2", "middle 2", "out 2"]
    for worker in (out, middle, source):
        worker.end()
    eventually(lambda: not running())


def test_one_that_hangs_holds_up_nobody_for_long_and_goes_on_when_it_comes_back(
    crew: Crew, done: list[str]
) -> None:
    stuck, other = Worker("stuck", done), Worker("other", done)
    stuck.may_go_on.clear()
    join(crew, stuck, 0)
    join(crew, other, 1)

    stuck.put("1")
    stuck.put("2")
    other.put("a")

    eventually(lambda: done == ["other a"])
    other.put("b")
    eventually(lambda: done == ["other a", "other b"])
    assert crew.relieved == 1
    stuck.may_go_on.set()
    eventually(lambda: done[2:] == ["stuck 1", "stuck 2"])
    assert stuck.most_at_once == 1
    for worker in (stuck, other):
        worker.end()
    eventually(lambda: not running())


def test_many_who_wake_and_sleep_are_all_served_each_alone_and_in_order(
    crew: Crew, done: list[str]
) -> None:
    workers = [Worker(f"{number}", done) for number in range(6)]
    for number, worker in enumerate(workers):
        join(crew, worker, number % 3)
    each, pause = 400, threading.Event()

    def send(worker: Worker) -> None:
        for number in range(each):
            worker.put(f"{number}")
            if number % 40 == 0:
                pause.wait(0.001)

    senders = [threading.Thread(target=send, args=(worker,)) for worker in workers]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(20)

    eventually(lambda: len(done) == each * len(workers))
    for worker in workers:
        own = [int(line.split()[1]) for line in done if line.startswith(f"{worker.name} ")]
        assert own == list(range(each))
        assert worker.most_at_once == 1
        worker.end()
    eventually(lambda: not running())


def test_one_that_ends_oddly_takes_nobody_with_it(crew: Crew, done: list[str]) -> None:
    odd, other = Worker("odd", done), Worker("other", done)
    join(crew, odd, 0)
    join(crew, other, 1)

    odd.put("odd")
    eventually(lambda: done == ["odd odd"])
    other.put("a")

    eventually(lambda: done == ["odd odd", "other a"])
    other.end()
    eventually(lambda: not running())


def test_the_thread_ends_with_the_last_and_begins_again_with_the_next(
    crew: Crew, done: list[str]
) -> None:
    for name in ("first", "second"):
        worker = Worker(name, done)
        join(crew, worker, 0)
        worker.put("a")
        eventually(lambda name=name: f"{name} a" in done)  # type: ignore[misc]
        worker.end()
        eventually(lambda: not running())


# --- actors in a crew, with their supervisor ------------------------------------------------


class Team:
    """A supervisor over three actors that share a thread."""

    def __init__(self, crew: Crew) -> None:
        self.outbox = RecordingOutbox()
        self.diaries = {name: Diary() for name in "abc"}
        policy = RestartPolicy(stuck=WhenStuck.REPLACE)
        self.specs: list[ChildSpec] = [
            spec_of(name, diary)._replace(place=Place(crew, rank), policy=policy)
            for rank, (name, diary) in enumerate(self.diaries.items())
        ]
        self.clock = VirtualClock(1_800_000_000_000_000_000)
        self.supervisor = Supervisor(self.clock, outbox=self.outbox, heart=None)

    def say(self, name: str, text: str) -> None:
        next(spec for spec in self.specs if spec.address == name).mailbox.deliver(Say(text=text))

    def look(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.advance(1_000_000_000)
            self.supervisor.look()

    def statuses(self, name: str) -> list[ActorStatus]:
        return [each.status for each in self.outbox.sent if each.address == name]


@pytest.fixture
def team(crew: Crew) -> Iterator[Team]:
    team = Team(crew)
    team.supervisor.start(team.specs)
    yield team
    for diary in team.diaries.values():
        diary.may_handle.set()
    team.supervisor.stop()


def test_actors_of_a_crew_share_a_thread_and_handle_what_comes_and_control_first(
    team: Team,
) -> None:
    team.say("a", "one")
    eventually(lambda: "one" in team.diaries["a"].lines)
    assert {diary.threads[0] for diary in team.diaries.values()} == {team.diaries["a"].threads[0]}
    team.diaries["b"].may_handle.clear()
    team.say("b", "first")
    for spec in team.specs[1:2]:
        eventually(lambda spec=spec: spec.mailbox.taken == 1)  # type: ignore[misc]
        spec.mailbox.deliver(Say(text="second"))
        spec.mailbox.deliver(Pulse())
    team.diaries["b"].may_handle.set()

    eventually(lambda: team.diaries["b"].lines == ["opened", "first", "Pulse", "second"])


def test_one_that_fails_is_made_again_in_the_crew_while_the_others_go_on(team: Team) -> None:
    team.say("b", "boom")
    team.say("b", "after")
    team.say("c", "beside")

    eventually(lambda: "after" in team.diaries["b"].lines)
    eventually(lambda: "beside" in team.diaries["c"].lines)
    assert team.diaries["b"].made == 2
    assert team.diaries["c"].made == 1


def test_one_that_is_stuck_is_found_alone_and_replaced_and_takes_nothing_when_it_wakes(
    team: Team,
) -> None:
    diary = team.diaries["b"]
    diary.may_handle.clear()
    team.say("b", "hang")
    eventually(lambda: team.specs[1].mailbox.taken == 1)
    team.say("a", "goes on")
    eventually(lambda: "goes on" in team.diaries["a"].lines)

    for _ in range(12):
        team.look(1)
        eventually(
            lambda: not any(spec.mailbox.beat_waits for spec in (team.specs[0], team.specs[2]))
        )
    eventually(lambda: diary.made == 2)
    team.say("b", "for the successor")
    diary.may_handle.set()

    eventually(lambda: "for the successor" in diary.lines)
    eventually(lambda: diary.count("closed") == 1)
    assert diary.count("for the successor") == 1
    assert ActorStatus.STUCK in team.statuses("b")
    assert not team.statuses("a")
    assert not team.statuses("c")


def test_all_end_in_order_and_leave_no_thread(crew: Crew) -> None:
    team = Team(crew)
    team.supervisor.start(team.specs)
    team.say("c", "waits")

    assert team.supervisor.stop() == []
    assert team.diaries["c"].lines == ["opened", "waits", "closed"]
    eventually(lambda: not running())
