"""The seeded scheduler that runs actors without threads."""

import pytest

from risk_actors.runtime.clock import VirtualClock
from risk_actors.runtime.stepped import ActorFailedError, SteppedScheduler
from risk_actors.runtime.supervisor import ChildSpec
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
