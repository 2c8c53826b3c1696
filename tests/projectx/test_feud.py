"""A broker that allows one line only: it is noticed, and nothing else is taken for it."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

import pytest
from virtual_loop import VirtualLoop, run_virtually

from risk_actors.projectx.feud import FIRST_REST_S, Feud
from risk_actors.projectx.lines import Line
from risk_actors.projectx.lines_gate import LineGate
from risk_actors.projectx.lines_watch import LinesWatch, Reactions
from risk_actors.projectx.session import _Pace

A, B = Line.A, Line.B


def feud_of(events: Sequence[tuple[float, str, Line]]) -> list[float]:
    """Return the rests that follow from what happens to the lines."""
    feud = Feud()
    feud.opened(A, 0.0)
    feud.opened(B, 0.2)
    rests = [getattr(feud, what)(line, at_s) for at_s, what, line in events]
    return [each for each in rests if each is not None]


def each_ends_the_other(times: int, every_s: float) -> list[tuple[float, str, Line]]:
    events: list[tuple[float, str, Line]] = [(50.0, "lost", A)]
    at_s, line = 50.0, A
    for _ in range(times):
        at_s += every_s
        # Which of the two is noticed first is chance.
        pair = [(at_s, "lost", line.other), (at_s + 0.02, "opened", line)]
        events += pair if line is A else [(at_s - 0.02, "opened", line), (at_s, "lost", line.other)]
        line = line.other
    return events


@pytest.mark.parametrize("every_s", [0.4, 0.85, 5.0, 60.0])
def test_lines_that_end_each_other_are_noticed_the_third_time(every_s: float) -> None:
    assert feud_of(each_ends_the_other(2, every_s)) == []
    assert feud_of(each_ends_the_other(3, every_s)) == [FIRST_REST_S]
    assert feud_of(each_ends_the_other(6, every_s)) == [FIRST_REST_S, 2 * FIRST_REST_S]


def test_nothing_else_is_taken_for_it() -> None:
    both = [
        (t + each, what, line)
        for t in range(50, 100, 2)
        for each, what, line in (
            (0.0, "lost", A),
            (0.05, "lost", B),
            (0.3, "opened", B),
            (0.9, "opened", A),
        )
    ]
    assert feud_of(both) == []
    one = [
        (t + each, what, A)
        for t in range(50, 100, 2)
        for each, what in ((0, "lost"), (1, "opened"))
    ]
    assert feud_of(one) == []
    assert feud_of(each_ends_the_other(6, 200.0)) == []


class Gate:
    """Says which lines fail to tell."""

    def __init__(self) -> None:
        self.deaf: dict[Line, int] = {}

    def missed(self) -> dict[Line, int]:
        return self.deaf

    def set_line(self, line: Line, *, up: bool) -> None:
        """Nobody wants to know."""


class Watch:
    """The watch over both lines, and what follows from it, on virtual time."""

    def __init__(self) -> None:
        self.loop = VirtualLoop()
        self.gate = Gate()
        self.kicked_s: list[float] = []
        self.rests: list[float] = []
        self.hurries = 0
        reactions = Reactions(
            hub=lambda *_: None,
            say=lambda _: None,
            read=lambda _: None,
            kick=dict.fromkeys(Line, lambda _: self.kicked_s.append(self.loop.time())),
            hurry=self._hurry,
            rest=lambda seconds, _: self.rests.append(seconds),
        )
        self.watch = LinesWatch(cast("LineGate", self.gate), self.loop, reactions)

    def _hurry(self) -> None:
        self.hurries += 1

    def run(self, scenario: Any) -> None:
        async def main() -> None:
            serving = asyncio.create_task(self.watch.serve())
            for line in Line:
                self.watch.set_line(line, True, None)
            await scenario()
            serving.cancel()

        run_virtually(self.loop, main())


def test_a_second_deaf_spell_long_after_the_first_is_cured_at_once() -> None:
    bench = Watch()
    waits_s: list[float] = []

    async def scenario() -> None:
        for _ in range(5):
            bench.gate.deaf = {B: 3}
            began_s = bench.loop.time()
            kicks = len(bench.kicked_s)
            while len(bench.kicked_s) == kicks:  # noqa: ASYNC110 -- a kick tells nobody
                await asyncio.sleep(0.1)
            waits_s.append(bench.loop.time() - began_s)
            bench.gate.deaf = {}
            await asyncio.sleep(3600)

    bench.run(scenario)
    assert max(waits_s) <= 1.0


def test_the_second_line_rests_where_only_one_is_allowed_and_is_not_hurried() -> None:
    bench = Watch()

    async def scenario() -> None:
        watch = bench.watch
        up = A
        watch.set_line(B, False, "lost")
        while not bench.rests:
            await asyncio.sleep(1)
            watch.set_line(up, False, "lost")
            watch.set_line(up.other, True, None)
            up = up.other
        watch.set_line(B, False, "rests")
        watch.set_line(A, True, None)
        hurries = bench.hurries
        watch.set_line(A, False, "lost")
        assert bench.hurries == hurries
        await asyncio.sleep(20)  # line A does not come back
        assert bench.rests == [FIRST_REST_S, 0.0]

    bench.run(scenario)


def test_logins_for_tokens_that_do_not_last_come_at_a_pace() -> None:
    pace, now_s, logins = _Pace(), 0.0, list[float]()
    while now_s < 60:
        now_s += pace.next_pause_s(now_s)
        logins.append(now_s)
        now_s += 0.5
    assert logins[0] == 0.0
    assert len(logins) <= 5
    assert pace.next_pause_s(now_s + 600) == 0.0
