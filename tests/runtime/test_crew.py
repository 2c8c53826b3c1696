"""Several actors on one thread: who comes first, and what one that hangs does to the others."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from risk_actors.messages import ActorStatus
from risk_actors.runtime.actor import Place
from risk_actors.runtime.child import ChildSpec
from risk_actors.runtime.clock import VirtualClock
from risk_actors.runtime.control import Pulse
from risk_actors.runtime.crew import Crew
from risk_actors.runtime.crew_member import Member
from risk_actors.runtime.restarts import RestartPolicy, WhenStuck
from risk_actors.runtime.supervisor import Supervisor
from tests.conftest import RecordingOutbox, eventually
from tests.runtime.crew_rig import Worker, join, running
from tests.runtime.probe import Diary, Say, spec_of


@pytest.fixture
def done() -> list[str]:
    return []


@pytest.fixture
def crew() -> Crew:
    return Crew("crew", 3, patience_s=0.02)


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


def test_one_that_ends_oddly_takes_nobody_with_it_and_it_is_said(
    crew: Crew, done: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    odd, other = Worker("odd", done), Worker("other", done)
    join(crew, odd, 0)
    join(crew, other, 1)

    odd.put("odd")
    eventually(lambda: done == ["odd odd"])
    other.put("a")

    eventually(lambda: done == ["odd odd", "other a"])
    assert [r.getMessage() for r in caplog.records] == [
        "The crew goes on after a turn that failed: SystemExit: 3"
    ]
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


@contextmanager
def guarded(crew: Crew) -> Iterator[Team]:
    team = Team(crew)
    team.supervisor.start(team.specs)
    yield team
    for diary in team.diaries.values():
        diary.may_handle.set()
    team.supervisor.stop()


@pytest.fixture
def team(crew: Crew) -> Iterator[Team]:
    with guarded(crew) as team:
        yield team


@pytest.fixture
def patient_team() -> Iterator[Team]:
    """One whose crew relieves nobody."""
    with guarded(Crew("crew", 3, patience_s=3600.0)) as team:
        yield team


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


def test_prices_come_at_their_pace_and_whatever_is_urgent_does_not_wait_for_it(
    done: list[str],
) -> None:
    crew = Crew("crew", 2, prices_every_s=3600)
    urgent, prices = Worker("urgent", done), Worker("prices", done)
    prices.is_patient = True
    join(crew, urgent, 0)
    join(crew, prices, 1)
    # The first turn, which comes with joining, may take one; the next begins the pace.
    for text in "123":
        prices.put(text)
    urgent.put("a")
    eventually(lambda: "urgent a" in done)

    assert "prices 3" not in done

    prices.is_patient = False
    urgent.put("b")
    eventually(lambda: "prices 3" in done)
    assert done.index("urgent b") < done.index("prices 3")
    for worker in (urgent, prices):
        worker.end()
    eventually(lambda: not running())


# --- too much to do -------------------------------------------------------------------------


class Busy:
    """Always has more to do, and takes its time for it."""

    def __init__(self, takes_s: float) -> None:
        self.takes_s = takes_s
        self.turns = 0
        self.threads: set[str] = set()
        self.is_done = False
        self.is_patient = False
        self._pause = threading.Event()

    def turn(self, _member: Member) -> bool:
        self.turns += 1
        self.threads.add(threading.current_thread().name)
        if self.takes_s:
            self._pause.wait(self.takes_s)
        return not self.is_done


def test_those_downstream_who_always_have_more_starve_nobody(crew: Crew) -> None:
    busy, last = [Busy(0), Busy(0)], Busy(0)
    for each in busy:
        crew.join(each, 0)
    crew.join(last, 2)

    eventually(lambda: last.turns > 20)

    for each in (*busy, last):
        each.is_done = True
    eventually(lambda: not running())


def test_one_that_is_slow_again_and_again_goes_aside_and_comes_back_when_it_is_quick(
    crew: Crew, done: list[str]
) -> None:
    slow, other = Busy(0.015), Worker("other", done)
    place = crew.join(slow, 0)
    join(crew, other, 1)

    eventually(lambda: place.aside is not None)
    turns = slow.turns
    for number in range(20):
        other.put(f"{number}")
        eventually(lambda n=number: f"other {n}" in done)  # type: ignore[misc]
    assert other.member is not None
    assert other.member.aside is None
    eventually(lambda: slow.turns > turns + 3)
    assert place.longest_turn_s >= 0.015
    assert crew.relieved == 0
    slow.takes_s = 0

    eventually(lambda: place.aside is None, 10)
    assert place.times_aside == 1
    aside = slow.threads - {name for name in running() if name != "crew-watch"}
    assert len(slow.threads) == 2, aside
    slow.is_done = True
    other.end()
    eventually(lambda: not running())


def test_one_that_is_slow_and_rests_aside_comes_back_by_itself_and_misses_nothing(
    crew: Crew, done: list[str]
) -> None:
    worker = Worker("worker", done)
    join(crew, worker, 0)
    member = worker.member
    assert member is not None
    with crew._lock:
        member.charge(0.3, time.monotonic())
        crew._send_aside(member)
    for number in range(400):
        worker.put(f"{number}")
        if number % 10 == 0:
            threading.Event().wait(0.005)

    eventually(lambda: len(done) == 400)
    eventually(lambda: member.aside is None)
    worker.put("in the crew")
    eventually(lambda: "worker in the crew" in done)
    assert [int(line.split()[1]) for line in done[:400]] == list(range(400))
    assert worker.most_at_once == 1
    worker.end()
    eventually(lambda: not running())


def test_an_error_that_escapes_a_turn_leaves_nobody_without_a_waker(crew: Crew) -> None:
    class Escapes(Busy):
        def turn(self, member: Member) -> bool:
            super().turn(member)
            if self.turns == 2:
                raise MemoryError
            return self.turns < 4 and not self.is_done

    hand = Escapes(0)
    place = crew.join(hand, 0)

    eventually(lambda: hand.turns == 4)

    hand.is_done = True
    place.wake()
    eventually(lambda: not running())


class NoThreads:
    """A machine that starts no thread for a while."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.is_on = False
        self.refused = 0
        start = threading.Thread.start

        def refuse(thread: Any) -> None:
            if self.is_on and thread.name.startswith("crew"):
                self.refused += 1
                raise RuntimeError("can't start new thread")
            start(thread)

        monkeypatch.setattr(threading.Thread, "start", refuse)


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> NoThreads:
    return NoThreads(monkeypatch)


def test_when_nobody_can_relieve_a_thread_it_goes_on_and_is_relieved_when_somebody_can(
    crew: Crew, done: list[str], no_threads: NoThreads
) -> None:
    stuck, other = Worker("stuck", done), Worker("other", done)
    join(crew, stuck, 0)
    join(crew, other, 1)
    no_threads.is_on = True
    for _ in range(2):
        stuck.may_go_on.clear()
        stuck.put("1")
        eventually(lambda: no_threads.refused >= 3)
        assert crew.relieved == 0
        no_threads.refused = 0
        stuck.may_go_on.set()
        other.put("a")
        eventually(lambda: done[-1:] == ["other a"])
    stuck.may_go_on.clear()
    stuck.put("2")
    eventually(lambda: no_threads.refused)

    no_threads.is_on = False

    eventually(lambda: crew.relieved == 1)
    other.put("b")
    eventually(lambda: done[-1:] == ["other b"])
    stuck.may_go_on.set()
    for worker in (stuck, other):
        worker.end()
    eventually(lambda: not running())


def test_one_that_joins_when_no_thread_can_be_started_is_told_and_the_next_may(
    crew: Crew, done: list[str], no_threads: NoThreads
) -> None:
    no_threads.is_on = True
    with pytest.raises(RuntimeError, match="can't start"):
        crew.join(Busy(0), 0)
    no_threads.is_on = False
    worker = Worker("worker", done)
    join(crew, worker, 0)
    worker.put("a")

    eventually(lambda: done == ["worker a"])
    worker.end()
    eventually(lambda: not running())


def test_one_that_opens_while_others_are_busy_has_its_first_turn_before_them(crew: Crew) -> None:
    busy, new = [Busy(0.004) for _ in range(4)], Busy(0)
    for each in busy:
        crew.join(each, 0)
    eventually(lambda: all(each.turns > 2 for each in busy))

    new.is_done = True
    before = sum(each.turns for each in busy)
    crew.join(new, 2)
    eventually(lambda: new.turns)

    assert sum(each.turns for each in busy) - before <= 10
    for each in busy:
        each.is_done = True
    eventually(lambda: not running())


def test_one_that_only_waits_for_its_turn_is_neither_stuck_nor_replaced_and_late_is_told(
    patient_team: Team,
) -> None:
    """With a supervisor that thinks a minute has passed while others had their turns."""
    team = patient_team
    diary = team.diaries["a"]
    diary.may_handle.clear()
    team.say("a", "holds all up")
    eventually(lambda: team.specs[0].mailbox.taken == 1)
    team.say("c", "waits")

    team.look(30)
    diary.may_handle.set()

    eventually(lambda: "waits" in team.diaries["c"].lines)
    eventually(lambda: ActorStatus.STUCK in team.statuses("a"))
    assert ActorStatus.STUCK not in team.statuses("c")
    assert team.diaries["c"].made == 1
    eventually(lambda: any("does not keep up" in each.detail for each in team.outbox.sent))
