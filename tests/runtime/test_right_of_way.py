"""Who decides goes first; whoever gives way does not do so for ever."""

import asyncio
import selectors
import socket
import threading

import pytest

from risk_actors.projectx.loop_thread import LoopThread
from risk_actors.runtime.crew import Crew
from risk_actors.runtime.crew_member import Member
from risk_actors.runtime.right_of_way import (
    HEAD_START_S,
    OWED_AT_MOST_S,
    SHARE,
    THE_WAY,
    WAIT_AT_MOST_S,
    CourteousSelector,
    Courtesy,
    HurriedSelector,
    RightOfWay,
)
from tests.conftest import eventually

LONG_S = 10.0


def waiting_thread(way: RightOfWay, at_most_s: float = LONG_S) -> threading.Thread:
    thread = threading.Thread(target=way.wait, args=(at_most_s,), daemon=True)
    thread.start()
    return thread


def test_nobody_waits_for_somebody_who_is_not_busy() -> None:
    way = RightOfWay()
    way.claim()

    way.wait(LONG_S)

    assert not way.is_taken


def test_whoever_waits_goes_on_when_the_last_one_in_a_hurry_is_done() -> None:
    way = RightOfWay()
    first, second = way.claim(), way.claim()
    first.is_busy = second.is_busy = True
    thread = waiting_thread(way)

    first.end()
    assert way.is_taken
    assert thread.is_alive()
    second.end()

    thread.join(LONG_S / 2)
    assert not thread.is_alive()


def test_a_claim_that_is_dropped_holds_nobody_up() -> None:
    way = RightOfWay()
    claim = way.claim()
    claim.is_busy = True
    thread = waiting_thread(way)

    way.drop(claim)

    thread.join(LONG_S / 2)
    assert not thread.is_alive()
    claim.is_busy = True
    assert not way.is_taken


def test_whoever_has_waited_long_enough_goes_on_and_is_not_rung_any_more() -> None:
    way = RightOfWay()
    claim = way.claim()
    claim.is_busy = True

    way.wait(0.001)
    claim.end()

    assert not way.is_taken


class TimedWay(RightOfWay):
    """Its time passes by waiting, and by hand; somebody is always in a hurry."""

    def __init__(self) -> None:
        super().__init__()
        self.claim().is_busy = True
        self.now_s = 100.0
        self.waited_s = 0.0

    def wait(self, at_most_s: float) -> None:
        """Wait for all of it."""
        self.now_s += at_most_s
        self.waited_s += at_most_s


@pytest.mark.parametrize("work_s", [0.000_01, 0.000_3, 0.002, 0.1])
def test_under_a_hurry_without_end_whoever_gives_way_keeps_its_share_of_the_time(
    work_s: float,
) -> None:
    way = TimedWay()
    give_way, began_s = Courtesy(way, lambda: way.now_s), way.now_s

    for _ in range(5_000):
        give_way()
        way.now_s += work_s

    assert 0 < way.waited_s <= SHARE * (way.now_s - began_s) + OWED_AT_MOST_S


def test_one_is_never_kept_for_longer_than_the_bound_at_a_time() -> None:
    way = TimedWay()
    give_way = Courtesy(way, lambda: way.now_s)

    give_way()

    assert way.waited_s == WAIT_AT_MOST_S


class Held:
    """A worker whose turn lasts until it is let go; after it, it is done."""

    def __init__(self) -> None:
        self.may_end = threading.Event()
        self.is_done = False
        self.is_patient = False

    def turn(self, _member: Member) -> bool:
        """Wait to be let go."""
        self.may_end.wait(LONG_S)
        self.is_done = True
        return False


def test_a_crew_has_the_right_of_way_while_somebody_has_a_turn() -> None:
    held = Held()
    crew = Crew("crew", 1, patience_s=LONG_S)

    crew.join(held, 0)
    eventually(lambda: THE_WAY.is_taken)
    held.may_end.set()

    eventually(lambda: not THE_WAY.is_taken)


def test_a_loop_in_a_hurry_has_the_right_of_way_while_it_works() -> None:
    way = RightOfWay()
    thread = LoopThread("hurried", lambda: HurriedSelector(way))
    seen: list[bool] = []
    thread.start()

    thread.call(lambda: seen.append(way.is_taken))

    eventually(lambda: seen == [True] and not way.is_taken)
    thread.stop(LONG_S)
    assert not way.is_taken


def test_a_courteous_loop_does_its_work_also_under_a_hurry_without_end() -> None:
    way = RightOfWay()
    way.claim().is_busy = True
    thread = LoopThread("courteous", lambda: CourteousSelector(way))
    thread.start()

    async def work() -> int:
        for _ in range(50):
            await asyncio.sleep(0)
        return 7

    assert thread.run(work(), LONG_S) == 7
    thread.stop(LONG_S)


def test_a_courteous_loop_comes_at_once_when_it_is_asked() -> None:
    way = TimedWay()
    selector = CourteousSelector(way)

    selector.ask()
    selector.select(0)
    assert way.waited_s == 0

    selector.select(0)
    assert way.waited_s == WAIT_AT_MOST_S
    selector.close()


def test_a_courteous_loop_lets_another_read_first_what_both_read() -> None:
    way, slept = RightOfWay(), []
    selector = CourteousSelector(way, slept.append)
    one, other = socket.socketpair()
    selector.register(one, selectors.EVENT_READ)
    other.send(b"!")

    selector.select(0)
    assert not slept

    way.is_read_first = True
    selector.select(0)
    assert slept == [HEAD_START_S]

    one.recv(1)
    selector.select(0)
    assert slept == [HEAD_START_S]
    selector.close()
    one.close()
    other.close()
