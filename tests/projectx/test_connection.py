"""What is said of the ways to the broker, and how often."""

import pytest

from risk_actors.messages import ConnectionChanged, Message
from risk_actors.projectx.connection import ConnectionBoard
from risk_actors.projectx.correlation import CorrelationIds
from risk_actors.runtime.clock import VirtualClock

S = 1_000_000_000


class Bench:
    def __init__(self) -> None:
        self.clock = VirtualClock(1_800_000_000 * S)
        self.said: list[ConnectionChanged] = []
        self.board = ConnectionBoard(self.clock, CorrelationIds(1), self._take)

    def _take(self, message: Message) -> None:
        assert isinstance(message, ConnectionChanged)
        self.said.append(message)

    def up(self) -> ConnectionBoard:
        self.board.set_user_hub(up=True, detail=None)
        self.board.set_market_hub(up=True, detail=None)
        self.said.clear()
        return self.board


def test_before_both_hubs_were_up_it_is_starting() -> None:
    bench = Bench()
    bench.board.announce("starting")
    bench.board.set_user_hub(up=True, detail=None)
    assert [m.detail for m in bench.said] == ["starting", "starting"]
    bench.board.set_market_hub(up=True, detail=None)
    bench.board.set_market_hub(up=False, detail="cut")
    bench.board.set_market_hub(up=True, detail=None)
    assert [m.detail for m in bench.said[-2:]] == ["market hub: cut", None]


def test_the_fallback_says_what_stands_in() -> None:
    cases = [
        ((True, True, True, False, None), None),
        ((False, True, True, False, None), "polling"),
        ((True, True, True, False, "deaf"), "polling"),
        ((True, False, True, True, None), "bars"),
        ((False, False, True, True, None), "polling, bars"),
        ((False, False, False, True, "deaf"), None),  # nothing can stand in for REST
    ]
    for (user, market, rest, bars, doubt), fallback in cases:
        bench = Bench()
        board = bench.up()
        board.set_bars(bars)
        board.set_user_doubt(doubt)
        board.set_user_hub(up=user, detail="x")
        board.set_market_hub(up=market, detail="x")
        board.set_rest(up=rest, detail="x")
        board.announce()
        assert bench.said[-1].fallback == fallback


def test_what_lasts_is_said_once_and_again_every_minute() -> None:
    bench = Bench()
    board = bench.up()
    for _ in range(130):
        board.set_user_hub(up=False, detail="HTTP 503")
        bench.clock.advance(S)
    assert len(bench.said) == 3
    board.set_user_hub(up=False, detail="no connection within 3 s")
    assert len(bench.said) == 4  # another reason is news
    board.set_user_hub(up=True, detail=None)
    board.set_user_hub(up=False, detail="HTTP 503")
    assert len(bench.said) == 6  # and so is the next time


@pytest.mark.parametrize("up", [True, False])
def test_a_state_that_did_not_change_is_not_said(up: bool) -> None:
    bench = Bench()
    board = bench.up()
    board.set_rest(up=up, detail="x" if not up else None)
    said = len(bench.said)
    for _ in range(3):
        board.set_rest(up=up, detail="x")
        board.set_bars(in_use=False)
        board.set_user_doubt(None)
    assert len(bench.said) == said
    assert said == (0 if up else 1)
