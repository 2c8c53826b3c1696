"""The seeded scheduler that runs actors without threads."""

from itertools import pairwise

import pytest

from risk_actors.messages import ActorChanged
from risk_actors.runtime.actor import Place
from risk_actors.runtime.child import ChildSpec
from risk_actors.runtime.clock import VirtualClock
from risk_actors.runtime.crew import Crew
from risk_actors.runtime.restarts import RestartPolicy, WhenGivenUp
from risk_actors.runtime.stepped import ActorFailedError, Restarts, SteppedScheduler
from tests.conftest import MS, NOON_NS, RecordingOutbox, S
from tests.runtime.probe import Diary, Say, spec_of


def trace(clock: VirtualClock, seed: int) -> list[str]:
    """Return who handled what, in order, in a run with this seed."""
    order: list[str] = []
    specs = []
    for name in "abcd":
        diary = Diary(on_handle=lambda text, name=name: order.append(f"{name}{text}"))
        spec = spec_of(name, diary)
        specs.append(spec)
        for number in range(8):
            spec.mailbox.deliver(Say(text=str(number)))
    scheduler = SteppedScheduler(clock, seed)
    scheduler.start(specs)
    assert scheduler.run_until_idle() == 32
    scheduler.stop()
    return order


def started(clock: VirtualClock, *specs: ChildSpec) -> SteppedScheduler:
    scheduler = SteppedScheduler(clock, seed=1)
    scheduler.start(specs)
    return scheduler


def test_equal_seeds_give_equal_traces(clock: VirtualClock) -> None:
    assert trace(clock, 7) == trace(clock, 7)


def test_seeds_give_different_traces_and_keep_the_order_of_each_mailbox(
    clock: VirtualClock,
) -> None:
    traces = [trace(clock, seed) for seed in range(5)]

    assert len({tuple(steps) for steps in traces}) == 5
    for steps in traces:
        for name in "abcd":
            assert [step for step in steps if step[0] == name] == [f"{name}{n}" for n in range(8)]


def test_a_failing_actor_ends_the_run_with_its_address(clock: VirtualClock) -> None:
    spec = spec_of("rule:daily-loss", Diary())
    spec.mailbox.deliver(Say(text="boom"))
    scheduler = started(clock, spec)

    with pytest.raises(ActorFailedError, match=r"rule:daily-loss: ValueError\('went off'\)"):
        scheduler.run_until_idle()


def test_actors_that_keep_each_other_busy_end_the_run(clock: VirtualClock) -> None:
    ping = spec_of("ping", Diary())
    pong_diary = Diary(on_handle=lambda text: ping.mailbox.deliver(Say(text=text)) and None)
    pong = spec_of("pong", pong_diary)
    ping_diary = Diary(on_handle=lambda text: pong.mailbox.deliver(Say(text=text)) and None)
    ping = spec_of("ping", ping_diary)
    ping.mailbox.deliver(Say(text="ball"))
    scheduler = started(clock, ping, pong)

    with pytest.raises(RuntimeError, match="not idle after 100 messages"):
        scheduler.run_until_idle(max_steps=100)


def test_opening_and_closing_happen_in_order(clock: VirtualClock) -> None:
    diary = Diary()
    scheduler = started(clock, spec_of("a", diary))

    scheduler.stop()

    assert diary.lines == ["opened", "closed"]


def test_faults_are_kept_with_the_address(clock: VirtualClock) -> None:
    scheduler = SteppedScheduler(clock, seed=1)

    scheduler.actor_fault("journal", "no disk space")

    assert scheduler.faults == ["journal: no disk space"]


# --- restarts ---------------------------------------------------------------------------------


class Ward:
    """Probes a, b and c on a scheduler that restarts them as the supervisor does."""

    def __init__(self, clock: VirtualClock, **policies: RestartPolicy) -> None:
        self.clock = clock
        self.diaries = {name: Diary() for name in "abc"}
        self.specs = {
            name: spec_of(name, diary, kind=name)._replace(
                policy=policies.get(name, RestartPolicy())
            )
            for name, diary in self.diaries.items()
        }
        self.outbox = RecordingOutbox()
        self.lost: list[str] = []
        self.restarts = Restarts(outbox=self.outbox, resync=("c",), on_given_up=self.lost.append)
        self.scheduler = SteppedScheduler(clock, 1, self.restarts)
        self.scheduler.start(tuple(self.specs.values()))

    def say(self, to: str, *texts: str) -> None:
        for text in texts:
            self.specs[to].mailbox.deliver(Say(text=text))
        self.scheduler.run_until_idle()

    def wait(self, ms: int) -> None:
        self.clock.advance(ms * MS)
        self.scheduler.run_until_idle()

    def told(self) -> list[tuple[str, str]]:
        return [(each.address, each.status.value) for each in self.outbox.of(ActorChanged)]


def test_a_failed_actor_is_made_anew_and_only_the_failing_message_is_lost(
    clock: VirtualClock,
) -> None:
    ward = Ward(clock)

    ward.say("a", "one", "boom", "two")

    assert ward.diaries["a"].lines == ["opened", "one", "closed", "opened", "two"]
    assert ward.told() == [("a", "failed"), ("a", "restarted")]
    assert ward.diaries["c"].count("Resync") == 1
    assert ward.restarts.restarted == ["a"]


def test_a_pause_passes_on_the_schedulers_clock_and_what_waits_stays(clock: VirtualClock) -> None:
    ward = Ward(clock)
    ward.say("a", "boom", "boom", "after")
    at_once = list(ward.diaries["a"].lines)
    ward.wait(49)
    too_early = ward.diaries["a"].made

    ward.wait(1)

    assert at_once == ["opened", "closed", "opened", "closed"]
    assert too_early == 2
    assert ward.diaries["a"].lines[4:] == ["opened", "after"]


def test_those_it_brings_are_closed_and_made_with_it(clock: VirtualClock) -> None:
    ward = Ward(clock, a=RestartPolicy(brings=("b",)))

    ward.say("a", "boom")
    ward.say("b", "after")

    assert ward.diaries["b"].lines == ["opened", "closed", "opened", "after"]
    assert ward.told() == [("a", "failed"), ("a", "restarted"), ("b", "restarted")]


def test_one_that_cannot_open_again_is_tried_until_it_is_given_up(clock: VirtualClock) -> None:
    ward = Ward(clock, a=RestartPolicy(max_restarts=3))
    ward.diaries["a"].fail_opening = set(range(2, 100))
    ward.say("a", "boom")
    for _ in range(10):
        ward.wait(1000)

    assert ward.lost == ward.restarts.given_up == ["a"]
    assert ward.diaries["a"].made == 4
    assert ward.specs["a"].mailbox.is_closed
    ward.scheduler.stop()


def test_one_that_fails_closed_is_told_and_tried_again(clock: VirtualClock) -> None:
    policy = RestartPolicy(
        max_restarts=0, given_up=WhenGivenUp.FAIL_CLOSED, tried_again_after_ns=(30 * S,)
    )
    ward = Ward(clock, a=policy)
    ward.say("a", "boom", "after")
    ward.wait(29_999)
    before = ward.diaries["a"].count("TryAgain")

    ward.wait(1)

    assert ward.diaries["a"].lines[2:] == ["opened", "FailClosed", "after", "TryAgain"]
    assert before == 0
    assert ward.lost == ["a"]


def test_an_actor_can_be_made_to_fail(clock: VirtualClock) -> None:
    ward = Ward(clock)
    ward.scheduler.fail("a")

    ward.say("a", "one", "two")

    assert ward.diaries["a"].lines == ["opened", "closed", "opened", "two"]
    (failed, _) = ward.outbox.of(ActorChanged)
    assert failed.detail == "InjectedFailureError: made to fail while handling Say"


def test_equal_seeds_give_equal_runs_with_failures_too() -> None:
    def run() -> list[tuple[str, str]]:
        ward = Ward(VirtualClock(NOON_NS))
        for round_ in range(4):
            ward.scheduler.fail("abc"[round_ % 3])
            for name in "abc":
                ward.specs[name].mailbox.deliver(Say(text=str(round_)))
            ward.wait(30)
        return ward.told()

    assert run() == run()


def ranked_trace(clock: VirtualClock, seed: int) -> list[str]:
    """Return who handled what where three share a crew and one has a thread of its own."""
    order: list[str] = []
    crew, specs = Crew("crew", 3), []
    for rank, name in enumerate(("out", "middle", "source", "lone")):
        diary = Diary(on_handle=lambda text, name=name: order.append(f"{name} {text}"))
        place = Place(crew, rank) if rank < 3 else None
        specs.append(spec_of(name, diary)._replace(place=place))
        for number in range(6):
            specs[-1].mailbox.deliver(Say(text=str(number)))
    scheduler = SteppedScheduler(clock, seed, is_ranked=True)
    scheduler.start(specs)
    assert scheduler.run_until_idle() == 24
    scheduler.stop()
    return order


def test_a_ranked_run_serves_as_a_crew_would_and_others_in_between(clock: VirtualClock) -> None:
    traces = [ranked_trace(clock, seed) for seed in range(30)]

    assert traces[0] == ranked_trace(clock, 0)
    assert len({tuple(steps) for steps in traces}) > 20
    for steps in traces:
        ranked = [step.split()[0] for step in steps if not step.startswith("lone")]
        # Furthest downstream first, but for those who are late: never two of them in a row.
        assert ranked[0] == "out"
        out_of_turn = [
            name != "out" and "out" in ranked[place + 1 :] for place, name in enumerate(ranked)
        ]
        assert not any(a and b for a, b in pairwise(out_of_turn))
    assert any(steps != sorted(steps) for steps in traces)


def test_a_ranked_run_goes_on_with_one_that_failed_when_it_is_there_again(
    clock: VirtualClock,
) -> None:
    crew, outbox = Crew("crew", 2), RecordingOutbox()
    diaries = [Diary(), Diary()]
    specs = [
        spec_of(name, diary)._replace(place=Place(crew, rank))
        for rank, (name, diary) in enumerate(zip("ab", diaries, strict=True))
    ]
    scheduler = SteppedScheduler(clock, 5, Restarts(outbox=outbox), is_ranked=True)
    scheduler.start(specs)
    for spec in specs:
        for text in ("1", "boom", "2"):
            spec.mailbox.deliver(Say(text=text))

    scheduler.run_until_idle()
    clock.advance(60 * S)
    scheduler.run_until_idle()

    for diary in diaries:
        assert [line for line in diary.lines if line in "12"] == ["1", "2"]
