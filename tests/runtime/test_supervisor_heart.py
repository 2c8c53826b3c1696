"""Actors that are stuck, those that go down with another, and those that fail closed."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from risk_actors.messages import ActorStatus
from risk_actors.runtime.clock import SystemClock, VirtualClock
from risk_actors.runtime.heartbeat import HeartTerms
from risk_actors.runtime.restarts import RestartPolicy, WhenGivenUp, WhenStuck
from risk_actors.runtime.supervisor import Supervisor
from risk_actors.runtime.tape import MADE, REPLACED, Tape
from tests.conftest import S, eventually
from tests.runtime.probe import Say
from tests.runtime.test_supervisor import Team, running

REPLACE = RestartPolicy(stuck=WhenStuck.REPLACE)
REPORT = RestartPolicy(stuck=WhenStuck.REPORT)


class Ward(Team):
    """A team whose heartbeat is beaten by the test, a second apart on a clock of its own."""

    def __init__(self, clock: VirtualClock, **options: object) -> None:
        self.dumps: list[tuple[str, str]] = []
        super().__init__(
            clock,
            **{"heart": None, "on_stuck": lambda a, dump: self.dumps.append((a, dump))} | options,
        )

    def look_after(self, address: str, policy: RestartPolicy) -> None:
        """Look after one of them by a policy."""
        self.specs = [
            spec._replace(policy=policy) if spec.address == address else spec for spec in self.specs
        ]

    def beat(self, seconds: int, *, hung: str = "") -> None:
        """Let seconds pass; all but those that hang answer each beat."""
        for _ in range(seconds):
            for spec in self.specs:
                if spec.address not in hung:
                    eventually(lambda m=spec.mailbox: not m.beat_waits)
            self.clock.advance(1 * S)
            self.supervisor.look()

    def hang(self, address: str, text: str = "held") -> threading.Event:
        """Have an actor stuck in a handler; return what lets it go."""
        diary, entered = self.diaries[address], threading.Event()
        release = threading.Event()

        def hold(said: str) -> None:
            if said == text and not release.is_set():
                entered.set()
                release.wait(10)

        diary.on_handle = hold
        self.say(address, text)
        assert entered.wait(5)
        return release

    def statuses(self, address: str) -> list[ActorStatus]:
        """Return what was reported of an actor."""
        return [r.status for r in self.outbox.sent if r.address == address]


@pytest.fixture
def ward(clock: VirtualClock) -> Ward:
    return Ward(clock)


@contextmanager
def released(event: threading.Event) -> Iterator[None]:
    try:
        yield
    finally:
        event.set()


def test_one_that_does_not_come_back_is_reported_with_what_every_thread_does(ward: Ward) -> None:
    with running(ward):
        release = ward.hang("b")
        with released(release):
            ward.beat(9, hung="b")
            (report,) = eventually(lambda: ward.reports(ActorStatus.STUCK))
            silent_s = ward.stats("b").silent_s
            release.set()
            eventually(lambda: not ward.specs[1].mailbox.beat_waits)
            ward.beat(1)
            (back,) = eventually(lambda: ward.reports(ActorStatus.STARTED))

    assert (report.address, report.detail) == ("b", "has not taken a message for 5 s")
    ((address, dump),) = ward.dumps
    assert address == "b"
    assert "hold" in dump
    assert "ProbeActor-" in dump
    assert silent_s >= 8
    assert (back.address, back.detail) == ("b", "answers again, after 9 s")
    assert ward.diaries["b"].made == 1


def test_one_that_may_be_replaced_is_and_its_mailbox_goes_on(ward: Ward) -> None:
    ward.look_after("b", REPLACE)
    with running(ward):
        release = ward.hang("b", "send")
        with released(release):
            ward.say("b", "one", "two")
            ward.beat(11, hung="b")
            eventually(lambda: ward.diaries["b"].count("two"))
            eventually(lambda: ActorStatus.RESTARTED in ward.statuses("b"))
            lines = list(ward.diaries["b"].lines)

    assert ward.diaries["b"].made == 2
    assert ward.statuses("b") == [ActorStatus.STUCK, ActorStatus.RESTARTED]
    assert lines == ["opened", "opened", "one", "two"]


def test_what_an_abandoned_one_says_when_it_wakes_is_swallowed_and_counted(ward: Ward) -> None:
    """It takes nothing more from the mailbox either, whatever waits there."""
    ward.look_after("b", REPLACE)
    with running(ward):
        release = ward.hang("b", "send")
        with released(release):
            ward.beat(11, hung="b")
            eventually(lambda: ward.diaries["b"].made == 2)
            eventually(lambda: ActorStatus.RESTARTED in ward.statuses("b"))
            stuck = [t for t in threading.enumerate() if t.name.startswith("ProbeActor-")]
            release.set()
            eventually(lambda: sum(t.is_alive() for t in stuck) == 3)
            ward.say("b", "send")
            eventually(lambda: ward.specs[1].outbox.sent)
            swallowed = ward.stats("b").swallowed

    assert ward.specs[1].outbox.sent == [Say(text="from 2")]
    assert swallowed == 1


def test_one_that_is_left_behind_counts_until_its_thread_ends(ward: Ward) -> None:
    """It closes what it had opened, though nobody stops it."""
    ward.look_after("b", REPLACE)
    with running(ward):
        release = ward.hang("b", "send")
        with released(release):
            ward.beat(11, hung="b")
            eventually(lambda: ActorStatus.RESTARTED in ward.statuses("b"))
            behind = ward.stats("b").left_behind
            release.set()
            eventually(lambda: ward.diaries["b"].count("closed") == 1)
            eventually(lambda: ward.stats("b").left_behind == 0)

    assert behind == 1


def test_one_that_answers_before_it_is_replaced_is_not(ward: Ward) -> None:
    """Supervision is held up by another actor's restart when it is found to be hopeless."""
    ward.look_after("b", REPLACE)
    ward.diaries["c"].hang_opening = {2}
    with running(ward):
        release = ward.hang("b")
        with released(release):
            ward.beat(9, hung="b")
            ward.say("c", "boom")
            eventually(lambda: ward.diaries["c"].made == 2)
            ward.beat(2, hung="bc")
            release.set()
            eventually(lambda: "held" in ward.diaries["b"].lines)
            ward.diaries["c"].may_open.set()
            eventually(lambda: ActorStatus.RESTARTED in ward.statuses("c"))
            ward.say("b", "next", "last")
            eventually(lambda: "last" in ward.diaries["b"].lines)
            ward.beat(1)
            eventually(lambda: ward.statuses("b")[-1] is ActorStatus.STARTED)

    assert ward.diaries["b"].made == 1
    assert ward.diaries["b"].lines == ["opened", "held", "next", "last", "closed"]
    assert ward.statuses("b") == [ActorStatus.STUCK, ActorStatus.STARTED]


def test_a_replaced_one_that_fails_when_it_wakes_concerns_nobody(ward: Ward) -> None:
    ward.look_after("b", REPLACE)
    with running(ward):
        release = ward.hang("b", "boom")
        with released(release):
            ward.beat(11, hung="b")
            eventually(lambda: ActorStatus.RESTARTED in ward.statuses("b"))
            release.set()
            eventually(lambda: ward.diaries["b"].count("closed") == 1)
            ward.say("b", "after")
            eventually(lambda: ward.diaries["b"].count("after"))

    assert ActorStatus.FAILED not in ward.statuses("b")
    assert ward.diaries["b"].made == 2


def test_its_state_is_put_aside_before_another_begins(ward: Ward) -> None:
    made_at: list[int] = []
    ward.look_after("b", REPLACE)
    ward.specs[1] = ward.specs[1]._replace(renew=lambda: made_at.append(ward.diaries["b"].made))
    with running(ward):
        release = ward.hang("b")
        with released(release):
            ward.beat(11, hung="b")
            eventually(lambda: ward.diaries["b"].made == 2)

    assert made_at == [1]


def test_one_that_must_not_be_replaced_is_not_and_the_process_is_not_healthy(ward: Ward) -> None:
    ward.look_after("b", REPORT)
    with running(ward):
        release = ward.hang("b")
        with released(release):
            ward.beat(12, hung="b")
            early = ward.supervisor.health()
            ward.beat(5, hung="b")
            eventually(lambda: len(ward.reports(ActorStatus.STUCK)) == 2)
            late = ward.supervisor.health()

    assert early.is_healthy
    assert late.problems == ("b has not answered for 16 s",)
    assert "cannot be replaced in this process" in ward.reports(ActorStatus.STUCK)[1].detail
    assert ward.diaries["b"].made == 1


def test_one_that_is_stuck_again_and_again_is_given_up(ward: Ward) -> None:
    ward.look_after("b", REPLACE._replace(max_replacements=1))
    releases = []
    with running(ward):
        for made in (2, 2):
            releases.append(ward.hang("b"))
            ward.beat(11, hung="b")
            eventually(lambda n=made: ward.diaries["b"].made == n)
            eventually(lambda: ward.statuses("b")[-1] is not ActorStatus.STUCK)
        health = ward.supervisor.health()
        for release in releases:
            release.set()

    assert ward.statuses("b")[-1] is ActorStatus.GIVEN_UP
    assert health.problems == ("b was given up",)


def test_stopping_does_not_wait_for_one_that_is_known_to_be_stuck(ward: Ward) -> None:
    """The time it takes is bounded by those that may still end."""
    ward.look_after("b", REPORT._replace(stop_timeout_s=60.0))
    ward.start()
    release = ward.hang("b")
    with released(release):
        ward.beat(6, hung="b")
        eventually(lambda: ward.reports(ActorStatus.STUCK))

        left = ward.supervisor.stop()

    assert left == ["b"]
    assert ward.diaries["a"].lines == ward.diaries["c"].lines == ["opened", "closed"]


def test_the_look_goes_on_where_what_it_tells_fails(clock: VirtualClock) -> None:
    def fail(_address: str, _dump: str) -> None:
        raise OSError("disk full")

    ward = Ward(clock, on_stuck=fail)
    with running(ward):
        release = ward.hang("b")
        with released(release):
            ward.beat(7, hung="b")
            eventually(lambda: ward.reports(ActorStatus.STUCK))
            (fault,) = eventually(lambda: ward.reports(ActorStatus.FAULT))

    assert "disk full" in fault.detail


def test_looks_do_not_pile_up_while_a_restart_takes_its_time(ward: Ward) -> None:
    ward.diaries["c"].hang_opening = {2}
    with running(ward):
        ward.say("c", "boom")
        eventually(lambda: ward.diaries["c"].made == 2)
        ward.beat(4, hung="c")
        waiting = ward.supervisor._reports.qsize()
        ward.diaries["c"].may_open.set()
        eventually(ward.supervisor._reports.empty)
        ward.beat(1)
        eventually(ward.supervisor._reports.empty)

    assert waiting == 1


def test_a_queue_that_is_not_worked_off_is_reported(ward: Ward) -> None:
    """One message a second is handled, and beats are answered in between."""
    through = threading.Semaphore(0)
    ward.diaries["b"].on_handle = lambda _text: through.acquire(timeout=10) and None
    mailbox = ward.specs[1].mailbox
    with running(ward):
        ward.say("b", *[str(number) for number in range(20)])
        for number in range(12):
            eventually(lambda n=number: mailbox.taken == n + 1)
            ward.clock.advance(1 * S)
            ward.supervisor.look()
            through.release()
        (late,) = eventually(lambda: ward.reports(ActorStatus.FAULT))
        through.release(20)
        eventually(lambda: "19" in ward.diaries["b"].lines)
        ward.beat(1)
        (caught_up,) = eventually(lambda: ward.reports(ActorStatus.STARTED))

    assert late.address == "b"
    assert late.detail.startswith("does not keep up: 5 s behind, ")
    assert caught_up.detail.startswith("has caught up")


def test_the_one_that_has_to_handle_something_and_does_not_is_not_healthy(ward: Ward) -> None:
    """A timer whose pulses stopped answers every beat and tells no time."""
    ward.look_after("c", RestartPolicy(handles_every_ns=10 * S))
    with running(ward):
        ward.beat(8)
        ward.say("c", "tick")
        eventually(lambda: "tick" in ward.diaries["c"].lines)
        ward.beat(10)
        well = ward.supervisor.health()
        ward.beat(1)
        ill = ward.supervisor.health()

    assert well.is_healthy
    assert ill.problems == ("c has handled nothing for 10 s",)


def test_the_heart_beats_by_itself_on_real_time() -> None:
    terms = HeartTerms(
        every_s=0.01,
        stuck_after_ns=100_000_000,
        replace_after_ns=300_000_000,
        late_after_ns=10 * S,
        unhealthy_after_ns=20 * S,
    )
    team = Ward(SystemClock(), heart=terms)  # type: ignore[arg-type]
    team.look_after("b", REPLACE)
    with running(team):
        release = team.hang("b")
        with released(release):
            team.say("b", "after")
            eventually(lambda: "after" in team.diaries["b"].lines)
            healthy = team.supervisor.is_healthy

    assert healthy
    assert ActorStatus.STUCK in team.statuses("b")
    assert team.diaries["b"].made == 2


# --- together ---------------------------------------------------------------------------------


def test_those_it_brings_end_before_it_begins_and_begin_after_it(ward: Ward) -> None:
    """Started in the order a, b, c: c ends first, then b; then a begins, then b, then c."""
    order: list[str] = []
    ward.look_after("a", RestartPolicy(brings=("b", "c")))
    ward.specs = [spec._replace(make=noting(order, spec.address, spec.make)) for spec in ward.specs]
    with running(ward):
        ward.diaries["c"].may_handle.clear()
        ward.say("c", "one", "two")
        ward.diaries["c"].may_handle.set()
        eventually(lambda: "two" in ward.diaries["c"].lines)
        order.clear()
        ward.say("a", "boom", "after")
        eventually(lambda: len(ward.reports(ActorStatus.RESTARTED)) == 3)
        eventually(lambda: "after" in ward.diaries["a"].lines)

    assert order == ["c closed", "b closed", "a made", "b made", "c made", *END]
    assert [r.address for r in ward.reports(ActorStatus.RESTARTED)] == ["a", "b", "c"]
    assert [r.address for r in ward.reports(ActorStatus.FAILED)] == ["a"]


END = ["c closed", "b closed", "a closed"]


def noting(order: list[str], name: str, make: Callable[..., object]) -> Callable[..., object]:
    """Return a factory whose actors note when they were made and when they ended in order."""

    def made(context: object) -> object:
        actor = make(context)
        order.append(f"{name} made")
        closed, on_failure = actor.closed, actor.on_failure  # type: ignore[attr-defined]
        failed = []

        def note() -> None:
            closed()
            if not failed:
                order.append(f"{name} closed")

        def fail(*error: object) -> None:
            failed.append(error)
            on_failure(*error)

        actor.closed, actor.on_failure = note, fail  # type: ignore[attr-defined]
        return actor

    return made


def test_what_waits_for_one_that_is_brought_down_is_handled_by_the_next(ward: Ward) -> None:
    """It ends between two messages: what it has in hand is done, the rest waits."""
    ward.look_after("a", RestartPolicy(brings=("b",)))
    with running(ward):
        release = ward.hang("b", "in hand")
        with released(release):
            ward.say("b", "next", "last")
            ward.say("a", "boom")
            eventually(lambda: ActorStatus.FAILED in ward.statuses("a"))
            release.set()
            eventually(lambda: "last" in ward.diaries["b"].lines)

    assert ward.diaries["b"].lines == [
        *("opened", "in hand", "closed"),
        *("opened", "next", "last", "closed"),
    ]


def test_one_that_cannot_be_brought_down_is_muted_and_shares_nothing_with_the_next(
    ward: Ward,
) -> None:
    """The thread that is left may write on, and must not write to what the next one reads."""
    renewed_at: list[int] = []
    ward.look_after("a", RestartPolicy(brings=("b",)))
    ward.look_after("b", REPLACE._replace(stop_timeout_s=0.05))
    tape = Tape("b")
    ward.specs[1] = ward.specs[1]._replace(
        renew=lambda: renewed_at.append(ward.diaries["b"].made), tape=tape
    )
    with running(ward):
        release = ward.hang("b", "send")
        with released(release):
            ward.say("b", "next")
            ward.say("a", "boom")
            eventually(lambda: "next" in ward.diaries["b"].lines)
            eventually(lambda: ActorStatus.RESTARTED in ward.statuses("b"))
            left_behind = ward.stats("b").left_behind
            release.set()
            eventually(lambda: ward.stats("b").swallowed == 1)
            ward.say("b", "last")
            eventually(lambda: "last" in ward.diaries["b"].lines)

    assert renewed_at == [1]
    assert [note.sender for note in tape.drain() if note.sender] == [MADE, REPLACED]
    assert left_behind == 1
    assert ward.diaries["b"].made == 2
    assert ward.specs[1].outbox.sent == []


def test_those_it_brings_come_back_even_when_it_is_given_up(ward: Ward) -> None:
    ward.look_after("a", RestartPolicy(brings=("b",), max_restarts=1))
    with running(ward):
        ward.say("a", "boom", "boom")
        eventually(lambda: ward.reports(ActorStatus.GIVEN_UP))
        ward.say("b", "still there")
        eventually(lambda: "still there" in ward.diaries["b"].lines)

    assert [r.address for r in ward.reports(ActorStatus.GIVEN_UP)] == ["a"]


# --- given up ---------------------------------------------------------------------------------


CLOSED = RestartPolicy(
    max_restarts=0, given_up=WhenGivenUp.FAIL_CLOSED, tried_again_after_ns=(30 * S, 60 * S)
)


def test_one_that_fails_closed_stays_at_its_address_and_is_told_so(clock: VirtualClock) -> None:
    given_up: list[str] = []
    ward = Ward(clock, on_given_up=given_up.append, resync=("a",))
    ward.look_after("b", CLOSED)
    with running(ward):
        ward.say("b", "boom", "after")
        eventually(lambda: "after" in ward.diaries["b"].lines)
        (report,) = eventually(lambda: ward.reports(ActorStatus.GIVEN_UP))
        eventually(lambda: "Resync" in ward.diaries["a"].lines)
        health, stats = ward.supervisor.health(), ward.stats("b")

    assert ward.diaries["b"].lines == [
        "opened",
        "closed",
        "opened",
        "FailClosed",
        "after",
        "closed",
    ]
    assert report.detail == "failed 1 times within 30 s; tried again in 30 s"
    assert given_up == ["b"]
    assert stats.status == "given_up"
    assert health.is_healthy, "what fails closed protects"


def test_it_is_tried_again_and_given_up_for_longer_when_that_fails(ward: Ward) -> None:
    ward.look_after("b", CLOSED)
    with running(ward):
        ward.say("b", "boom")
        eventually(lambda: ward.reports(ActorStatus.GIVEN_UP))
        ward.beat(29)
        before = ward.diaries["b"].count("TryAgain")
        ward.beat(1)
        eventually(lambda: ward.diaries["b"].count("TryAgain") == 1)
        eventually(lambda: ward.stats("b").status == "restarted")
        ward.say("b", "boom")
        eventually(lambda: len(ward.reports(ActorStatus.GIVEN_UP)) == 2)

    assert before == 0
    assert ward.reports(ActorStatus.GIVEN_UP)[1].detail.endswith("tried again in 60 s")


def test_where_even_that_fails_it_is_given_up_for_good(ward: Ward) -> None:
    ward.look_after("b", CLOSED)
    with running(ward):
        ward.say("b", "boom", "boom")
        eventually(lambda: len(ward.reports(ActorStatus.GIVEN_UP)) == 2)
        health = ward.supervisor.health()

    assert ward.specs[1].mailbox.is_closed
    assert health.problems == ("b was given up",)


@pytest.mark.parametrize("is_needed", [True, False])
def test_only_what_protection_needs_makes_the_process_unhealthy(
    ward: Ward, *, is_needed: bool
) -> None:
    policy = RestartPolicy(max_restarts=0, given_up=WhenGivenUp.DO_WITHOUT, is_needed=is_needed)
    ward.look_after("b", policy)
    with running(ward):
        ward.say("b", "boom")
        eventually(lambda: ward.reports(ActorStatus.GIVEN_UP))
        health = ward.supervisor.health()
        ward.say("a", "fine")
        eventually(lambda: "fine" in ward.diaries["a"].lines)

    assert health.is_healthy is not is_needed
    assert isinstance(ward.supervisor, Supervisor)
    assert ward.supervisor.when_given_up("b") is WhenGivenUp.DO_WITHOUT
