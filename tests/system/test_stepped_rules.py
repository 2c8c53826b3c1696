"""Every rule in the whole actor system, with a trader at random and a broker that fails.

A failing seed is run again by its name, for example:
    pytest tests/system/test_stepped_rules.py -k "habits-4"
"""

from random import Random
from typing import Any

import msgspec
import pytest
from memory_broker import Faults
from world import World

from risk_actors.core.rules import Rule, catalogue
from risk_actors.core.verdict import Existing

pytestmark = pytest.mark.no_cover  # its days take four times as long while coverage looks on

SEEDS = range(6)

RULES: dict[str, tuple[dict[str, Any], ...]] = {
    "keeping": (
        {"type": "max_contracts", "limit": 4},
        {"type": "max_trades", "per_day": 4},
        {"type": "trade_cooldown", "seconds": 20},
        {"type": "stop_required", "grace_s": 5},
    ),
    "habits": (
        {"type": "daily_loss_limit", "limit_usd": 400.0, "on_unknown": "lock"},
        {"type": "max_consecutive_losses", "limit": 2, "lock_s": 30},
        {"type": "rapid_fire", "max_entries": 3, "window_s": 10, "lock_s": 15},
        {
            "type": "revenge_trading",
            "loss_usd": 10.0,
            "window_s": 30,
            "size_factor": 1.0,
            "lock_s": 20,
        },
    ),
    "money": (
        {
            "type": "trailing_drawdown",
            "amount_usd": 600.0,
            "trail": "intraday",
            "start_balance_usd": 50_000.0,
        },
        {"type": "profit_giveback", "arm_at_usd": 50.0, "giveback_pct": 50.0},
        {"type": "daily_profit_target", "target_usd": 300.0, "lock": {"for_s": 20}},
        {"type": "weekly_loss_limit", "limit_usd": 500.0},
    ),
    "positions": (
        {"type": "max_unrealized_loss", "limit_usd": 30.0},
        {"type": "max_unrealized_profit", "target_usd": 30.0},
        {"type": "position_hold_time", "max_s": 8},
        {"type": "max_order_size", "limit": 1},
        {"type": "max_contracts_per_instrument", "default": 2},
    ),
    "orders": (
        {
            "type": "trade_management",
            "breakeven_after_ticks": 4,
            "trail_after_ticks": 8,
            "trail_ticks": 6,
        },
        {"type": "scaling_plan", "steps": [{"max_contracts": 2}]},
        {"type": "symbol_block", "blocked": ["ES"]},
        {"type": "account_guard"},
        {"type": "max_trades", "id": "a minute", "per_minute": 3, "count": "entries"},
    ),
    "hours": (
        {
            "type": "trading_hours",
            "windows": [{"days": ["TUE"], "start": "09:00", "end": "10:01"}],
            "flatten_before_close_s": 20,
        },
        {"type": "news_blackout", "before_s": 60, "after_s": 60},
    ),
}
"""Between them every rule of the catalogue, as the settings would set it."""

FAULTS = {
    "events": Faults(lose_event=0.05, repeat_event=0.1, late_event=0.1),
    "answers": Faults(lose_answer=0.2, not_done=0.1, refuse=0.1, fail_snapshot=0.2),
}


def made(table: dict[str, Any]) -> Rule[Any, Any]:
    kind = catalogue()[table["type"]]
    return kind(msgspec.convert({"id": table["type"], **table}, kind.Settings))


def test_every_rule_is_among_them() -> None:
    assert {table["type"] for tables in RULES.values() for table in tables} == set(catalogue())


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", RULES)
def test_invariants_hold_whatever_rules_are_set(name: str, seed: int) -> None:
    faults = FAULTS["events" if seed % 2 else "answers"]
    world = World(seed, *map(made, RULES[name]), faults=faults)

    world.run(60, trader=Random(f"trader {seed}"))
    world.assert_safe()
    world.broker.faults = Faults()
    world.run(25)
    world.reconcile()
    world.run(5)

    world.assert_safe()
    world.assert_agrees_with_broker()
    for account_id in world.locked_accounts():
        locks = world.frame.known.locks[account_id] if world.frame.known else ()
        if any(lock.existing is Existing.FLATTEN and lock.contract_id is None for lock in locks):
            assert not world.broker.open_sizes(account_id)
    world.scheduler.stop()
