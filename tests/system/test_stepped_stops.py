"""Stops are moved in the whole system, with faults, and never toward more risk (I1).

A failing seed is run again by its test id, for example:
    pytest "tests/system/test_stepped_stops.py::test_stops_trail_under_faults[7]"
"""

import itertools
from collections.abc import Iterator
from decimal import Decimal
from random import Random

import pytest
from memory_broker import Broker, Faults
from world import World, rule

from risk_actors.core import stop_moves
from risk_actors.core.commands import MoveStop
from risk_actors.core.rules import trade_management
from risk_actors.core.rules.trade_management import TradeManagement
from risk_actors.simulator.checker import reduce_only
from risk_actors.simulator.records import OrderChanged

pytestmark = pytest.mark.no_cover  # its days take four times as long while coverage looks on

SEEDS = range(6)
FAULTS = Faults(
    lose_event=0.05,
    repeat_event=0.1,
    late_event=0.1,
    lose_answer=0.1,
    not_done=0.1,
    refuse=0.1,
    fail_snapshot=0.1,
)


def world_of(seed: int, faults: Faults | None = None) -> World:
    return World(
        seed,
        rule(
            "trade_management",
            breakeven_after_ticks=3,
            offset_ticks=1,
            trail_after_ticks=4,
            trail_ticks=3,
        ),
        rule("stop_required", grace_s=10.0),
        rule("position_hold_time", max_s=60.0),
        rule("max_order_size", limit=3),
        faults=faults,
    )


def moves(broker: Broker) -> list[MoveStop]:
    return [command for _, command in broker.commands if isinstance(command, MoveStop)]


def moved(broker: Broker) -> list[OrderChanged]:
    """Return what the broker did because of us to orders that still worked."""
    return [
        entry
        for entry in broker.journal
        if isinstance(entry, OrderChanged)
        and entry.by == "client"
        and entry.before is not None
        and entry.before.stop_price != entry.order.stop_price
    ]


def run(world: World, seed: int) -> None:
    world.run(120, trader=Random(f"trader {seed}"))
    world.assert_safe()
    world.broker.faults = Faults()
    world.run(100)
    world.assert_safe()
    world.assert_agrees_with_broker()
    world.scheduler.stop()


def test_stops_trail_with_a_broker_at_its_best() -> None:
    sent = carried_out = 0
    for seed in SEEDS:
        world = world_of(seed)
        run(world, seed)
        sent += len(moves(world.broker))
        carried_out += len(moved(world.broker))

    assert carried_out > len(SEEDS)
    assert carried_out >= sent * 0.8


@pytest.mark.parametrize("seed", SEEDS)
def test_stops_trail_under_faults(seed: int) -> None:
    world = world_of(seed, FAULTS)

    run(world, seed)

    # I6: what is sent stays bounded whatever the prices do: each stop once a second at most.
    by_order: dict[int, list[int]] = {}
    for at_ns, command in world.broker.commands:
        if isinstance(command, MoveStop):
            by_order.setdefault(command.order_id, []).append(at_ns)
    gaps = [b - a for times in by_order.values() for a, b in itertools.pairwise(times)]
    assert all(gap >= stop_moves.MOVE_AT_MOST_EVERY_NS for gap in gaps)


def wild_prices(
    rule: TradeManagement, entry: Decimal, mark: Decimal, sign: int, tick: Decimal
) -> Iterator[Decimal]:
    """A broken rule: it wants the stop anywhere between two ticks and far away from the price."""
    del rule, entry
    yield mark - sign * tick * Random(f"{mark}").randint(2, 40)


def test_i1_whatever_a_rule_wants_no_stop_is_loosened(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan decides by the account as it knows it, not by the rule's word."""
    monkeypatch.setattr(TradeManagement, "_prices", wild_prices)
    monkeypatch.setattr(trade_management, "is_nearer", lambda *_: True)
    for seed in SEEDS:
        run(world_of(seed), seed)


def test_the_check_catches_a_plan_that_loosens_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TradeManagement, "_prices", wild_prices)
    monkeypatch.setattr(trade_management, "is_nearer", lambda *_: True)
    monkeypatch.setattr(stop_moves, "lowers_risk", lambda *_: True)

    reasons: set[str] = set()
    for seed in SEEDS:
        world = world_of(seed)
        world.run(60, trader=Random(f"trader {seed}"))
        world.scheduler.stop()
        reasons |= {violation.reason for violation in reduce_only(world.broker.journal, [])}

    assert reasons == {"a stop was moved toward more risk"}
