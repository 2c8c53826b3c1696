"""Who is next: by rank, as long as nobody waits too long for it."""

import random
from itertools import pairwise

import pytest

from risk_actors.runtime.turns import AT_ONCE, LATE_S, Taker, Turns

TURN_S = 0.0001


class Named(Taker):
    """One with a name, and with as many things to do as it is given."""

    __slots__ = ("is_calm", "name")

    def __init__(self, name: str, rank: int) -> None:
        super().__init__(rank)
        self.name = name
        self.is_calm = False

    @property
    def is_patient(self) -> bool:
        return self.is_calm


class Play:
    """Takers that have what they have left to do, each turn as long as it is told."""

    def __init__(self, turns: Turns[Named], *takers: Named) -> None:
        self.turns = turns
        self.now_s = 1000.0
        self.left = dict.fromkeys(takers, 0)
        for taker in takers:
            turns.add_new(taker, self.now_s)
        for _ in takers:
            turns.take(self.now_s)

    def give(self, taker: Named, count: int = 1) -> None:
        """Give somebody something to do."""
        self.left[taker] += count
        if not taker.is_waiting:
            self.turns.add(taker, self.now_s)

    def turn(self, takes_s: float = TURN_S) -> str:
        """Return who had the next turn; empty when nobody had."""
        taker = self.turns.take(self.now_s)
        self.now_s += takes_s
        if taker is None:
            return ""
        self.left[taker] -= 1
        if self.left[taker]:
            self.turns.add(taker, self.now_s)
        return taker.name

    def run(self, count: int, takes_s: float = TURN_S) -> list[str]:
        """Return who had the next turns."""
        return [self.turn(takes_s) for _ in range(count)]


def test_by_rank_and_within_a_rank_by_turns() -> None:
    low, high, other = Named("low", 2), Named("high", 0), Named("other", 2)
    play = Play(Turns(3), low, high, other)
    play.give(low, 2)
    play.give(other, 2)
    play.give(high, 2)

    assert play.run(7) == ["high", "high", "low", "other", "low", "other", ""]


def test_the_first_turn_of_all_comes_first() -> None:
    turns: Turns[Named] = Turns(2)
    play = Play(turns, busy := Named("busy", 0))
    play.give(busy, 100)
    new = Named("new", 1)
    play.left[new] = 1
    turns.add_new(new, play.now_s)

    assert play.run(2) == ["new", "busy"]


def test_one_that_always_has_more_leaves_every_second_turn_to_those_who_wait() -> None:
    busy, slow = Named("busy", 0), Named("slow", 2)
    play = Play(Turns(3), busy, slow)
    play.give(busy, 10_000)
    play.give(slow, 3)

    run = play.run(500)

    at = [number for number, name in enumerate(run) if name == "slow"]
    # Each time it has waited for no longer than somebody is late, and a turn or two.
    assert len(at) == 3
    assert at[0] * TURN_S <= LATE_S + 3 * TURN_S
    assert all((b - a) * TURN_S <= LATE_S + 3 * TURN_S for a, b in pairwise(at))


def test_the_answer_to_an_event_waits_for_one_late_turn_at_most() -> None:
    out, waiting = Named("out", 0), [Named(f"w{n}", 2) for n in range(20)]
    play = Play(Turns(3), out, *waiting)
    for each in waiting:
        play.give(each, 1000)
    play.run(300, takes_s=LATE_S)

    for _ in range(20):
        play.give(out)
        assert "out" in play.run(2, takes_s=LATE_S)
        play.run(3, takes_s=LATE_S)


@pytest.mark.parametrize("seed", range(20))
def test_nobody_waits_longer_than_two_rounds_of_all_others(seed: int) -> None:
    """Whatever others do: sources, prices and all ranks always have something to do."""
    rng = random.Random(seed)
    turns: Turns[Named] = Turns(5, sources={1}, prices_every_s=0.001)
    takers = [Named(f"t{n}", rng.randrange(5)) for n in range(rng.randrange(2, 12))]
    play = Play(turns, *takers)
    longest_s = 0.03
    for each in takers:
        play.give(each, 1_000_000)
    worst: dict[str, float] = {}
    for _ in range(6_000):
        waited = {each: play.now_s - each.since_s for each in takers}
        name = play.turn(rng.choice((TURN_S, 0.002, longest_s)))
        took = next(each for each in takers if each.name == name)
        worst[name] = max(worst.get(name, 0.0), waited[took])

    assert set(worst) == {each.name for each in takers}
    bound_s = 2 * LATE_S + 2 * len(takers) * (longest_s + LATE_S)
    assert max(worst.values()) <= bound_s


# --- sources -------------------------------------------------------------------------------


def test_a_flood_is_kept_with_its_source_and_hurts_no_other_source() -> None:
    """What a source sends makes one thing to do for each of five rules."""
    flooded, other = Named("flooded", 0), Named("other", 0)
    rules = [Named(f"rule{n}", 1) for n in range(5)]
    play = Play(Turns(2, sources={0}), flooded, other, *rules)
    most_waiting, waited = 0, []
    for step in range(20_000):
        play.give(flooded)
        if step % 500 == 0:
            play.give(other)
            began = step
        name = play.turn()
        if name == "other":
            waited.append(step - began)
        if name in ("flooded", "other"):
            for rule in rules:
                play.give(rule)
        most_waiting = max(most_waiting, *(play.left[rule] for rule in rules))

    assert most_waiting <= 2 * AT_ONCE + 2
    assert play.left[flooded] > 10_000
    assert len(waited) == 40
    assert max(waited) <= 2


def test_a_source_may_go_on_when_nobody_else_has_anything_to_do() -> None:
    source = Named("source", 0)
    play = Play(Turns(2, sources={0}), source)
    play.give(source, 5 * AT_ONCE)

    assert play.run(5 * AT_ONCE) == ["source"] * 5 * AT_ONCE


def test_a_source_that_is_held_back_does_not_stand_still() -> None:
    source, busy = Named("source", 0), Named("busy", 1)
    play = Play(Turns(2, sources={0}), source, busy)
    play.give(source, 1000)
    play.give(busy, 100_000)

    run = play.run(10_000)

    conceded = run[AT_ONCE + 1 :].count("source")
    assert conceded == pytest.approx(10_000 * TURN_S / LATE_S, rel=0.1)


# --- prices --------------------------------------------------------------------------------


def test_prices_come_at_their_pace_also_when_they_are_late() -> None:
    prices, busy = Named("prices", 1), Named("busy", 0)
    prices.is_calm = True
    play = Play(Turns(2, prices_every_s=1.0), prices, busy)
    play.give(prices, 1000)
    play.give(busy, 100_000)

    run = play.run(50_000)

    assert run.count("prices") == pytest.approx(50_000 * TURN_S, abs=2)


def test_prices_alone_rest_and_what_else_comes_with_them_does_not_wait() -> None:
    prices = Named("prices", 1)
    prices.is_calm = True
    turns: Turns[Named] = Turns(2, prices_every_s=1.0)
    play = Play(turns, prices)
    play.give(prices, 3)

    assert play.run(2) == ["prices", ""]
    assert turns.rest_s(play.now_s) == pytest.approx(1.0 - 2 * TURN_S)
    assert not turns.is_ready
    prices.is_calm = False
    assert play.run(2) == ["prices", "prices"]
    assert turns.rest_s(play.now_s) == -1
