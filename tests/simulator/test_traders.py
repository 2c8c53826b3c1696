"""The simulated traders, on a clock of their own."""

from datetime import date
from random import Random
from typing import Any

import pytest

from risk_actors.simulator.contracts import front_contract
from risk_actors.simulator.prices import PriceWalk
from risk_actors.simulator.records import Filled
from risk_actors.simulator.settings import Character, TraderSettings
from risk_actors.simulator.trading_desk import SimulatedTrader

GLANCE_NS = 100_000_000
TODAY = date(2026, 11, 21)


class Day:
    """A trader before a screen on which time and prices move by call."""

    def __init__(self, floor: Any, character: Character, seed: int) -> None:
        self.exchange = floor.exchange
        self.contract_ids = {c.symbol: c.contract_id for c in self.exchange.contracts.values()}
        self.now_ns = floor.now_ns
        self.fills: list[Filled] = []
        self.most_open = 0
        self.worst_usd = 0.0
        self._walks = {
            symbol: PriceWalk(front_contract(symbol, TODAY), Random(f"{seed}{symbol}"))
            for symbol in ("MNQ", "NQ")
        }
        self.trader = SimulatedTrader(
            TraderSettings(character=character, start_after_s=0.0),
            self,
            Random(f"{seed} trader"),
        )

    def clock(self) -> int:
        return self.now_ns

    def publish(self) -> None:
        entries = self.exchange.take_journal()
        self.fills += [entry for entry in entries if isinstance(entry, Filled)]

    def run(self, seconds: int, *, flatten: bool = False) -> "Day":
        for glance in range(seconds * 10):
            self.now_ns += GLANCE_NS
            if glance % 2:
                for symbol, walk in self._walks.items():
                    contract_id = self.contract_ids[symbol]
                    self.exchange.on_quote(contract_id, walk.step(), self.now_ns)
            self.trader.act(self.now_ns)
            sizes = [abs(p.signed_size) for p in self.exchange.positions.values()]
            self.most_open = max(self.most_open, sum(sizes))
            lost = float(self.exchange.accounts[101].balance_usd) - 50_000
            self.worst_usd = min(self.worst_usd, lost)
            if flatten:
                for account_id, contract_id in list(self.exchange.positions):
                    self.exchange.close(account_id, contract_id, self.now_ns, source="client")
            self.publish()
        return self


@pytest.mark.parametrize("seed", range(5))
def test_the_tilted_trader_breaks_both_limits_within_a_minute(floor: Any, seed: int) -> None:
    day = Day(floor, "tilted", seed).run(60)
    assert day.most_open > 5
    assert day.worst_usd <= -500


def test_the_calm_trader_trades_little_small_and_with_brackets(floor: Any) -> None:
    day = Day(floor, "calm", 1).run(600)
    entries = [f for f in day.fills if f.size_before == 0]
    assert 1 <= len(entries) < 20
    assert day.most_open == 1
    assert any(order.parent_id for order in floor.exchange.orders.values())


def test_the_overtrading_trader_enters_many_times(floor: Any) -> None:
    day = Day(floor, "overtrading", 1).run(120)
    assert len([f for f in day.fills if f.size_before == 0]) > 15


def test_a_flattened_trader_comes_straight_back(floor: Any) -> None:
    day = Day(floor, "tilted", 2).run(30, flatten=True)
    assert len([f for f in day.fills if f.order.source == "client"]) >= 4
    assert {f.order.source for f in day.fills} == {"trader", "client"}


def test_a_trader_who_may_not_trade_does_nothing(floor: Any) -> None:
    floor.exchange.set_can_trade(101, floor.now_ns, can_trade=False)
    assert Day(floor, "tilted", 3).run(20).fills == []


def test_the_same_seed_gives_the_same_day(make_floor: Any) -> None:
    days = [Day(make_floor(), "tilted", 4).run(30).fills for _ in range(2)]
    assert days[0] == days[1]
