"""Times that nobody watched, with all actors on a virtual clock (I5, I7)."""

from decimal import Decimal

import pytest
from world import World, rule

from risk_actors.actors.picture import RulePicture
from risk_actors.core.last_run import LastRun
from risk_actors.core.rules.trailing_high import Trail
from risk_actors.simulator.records import Quote, Side, Ticket

S = 1_000_000_000
ACCOUNT, OTHER = 101, 102
AMOUNT_USD = 2000


def floor_of(world: World, account_id: int = ACCOUNT) -> RulePicture:
    return next(r for r in world.frame.picture.rules if r.account == account_id)


def world_with_a_position() -> World:
    world = World(
        7,
        rule(
            "trailing_drawdown",
            amount_usd=AMOUNT_USD,
            trail=Trail.INTRADAY,
            start_balance_usd=50_000,
        ),
    )
    world.run(2)
    contract_id = world.broker.contract_ids[0]
    world.broker.exchange.place(
        Ticket(account_id=ACCOUNT, contract_id=contract_id, side=Side.BUY, size=2),
        world.clock.now_ns(),
    )
    world.broker.publish()
    world.run(2)
    assert [held.size for held in world.account(ACCOUNT).positions] == [2]
    return world


def peak_while_down(world: World, points: int) -> Decimal:
    """Kill the actors and let the price stand so many points higher for a while; return it."""
    broker, contract_id = world.broker, world.broker.contract_ids[0]
    world.scheduler.stop()
    broker.emit = lambda _message: None
    last = broker.exchange.quotes[contract_id].last
    high = last + points
    for price in (last, high, high, high, last):
        world.clock.advance(S)
        broker.run_due()
        broker.set_price(contract_id, Quote(price - Decimal("0.25"), price, price))
    return high


def test_i5_a_peak_while_nothing_ran_moves_the_floor_once_it_runs_again() -> None:
    world = world_with_a_position()
    alive_ns, entry = world.clock.now_ns(), world.account(ACCOUNT).positions[0].average_price
    fees = world.account(ACCOUNT).day.fees or 0

    high = peak_while_down(world, 100)
    world.start(LastRun(alive_ns=alive_ns), world.clock)
    world.run(3)

    found = floor_of(world)
    ticks = (float(high) - entry) / 0.25
    assert found.verdict == "ok"
    assert found.limit == pytest.approx(50_000 - fees + 2 * ticks * 0.50 - AMOUNT_USD)
    assert floor_of(world, OTHER).limit == 50_000 - AMOUNT_USD
    world.assert_safe()


def test_i7_while_the_prices_cannot_be_read_the_floor_is_unknown_and_then_known() -> None:
    world = world_with_a_position()
    alive_ns = world.clock.now_ns()
    peak_while_down(world, 100)
    answers = world.broker.request_bars
    world.broker.request_bars = lambda _wanted: None  # type: ignore[method-assign]

    world.start(LastRun(alive_ns=alive_ns), world.clock)
    world.run(10)
    blind = floor_of(world)
    world.broker.request_bars = answers  # type: ignore[method-assign]
    world.run(30)

    assert blind.verdict == "unknown"
    assert 48_000 <= (blind.limit or 0) < 48_050, "the floor by what was seen since"
    assert "the bars of MNQ are being read" in (blind.reason or "")
    assert floor_of(world).verdict == "ok"
    assert (floor_of(world).limit or 0) > 48_050
    world.assert_safe()
