"""The guard killed again and again at a random message, on the virtual clock, with its real store.

A failing seed is run again by its test id, for example:
    pytest "tests/system/test_stepped_crash.py::test_i5_nothing_is_forgotten_under_faults[7]"
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from core.tape import Tape, at_s
from crash_world import MortalWorld
from memory_broker import Faults, S
from world import CHICAGO_DAYS, START_NS

from risk_actors.app.replay import replay
from risk_actors.store.schema import DATABASE_FILE

pytestmark = pytest.mark.no_cover  # its days take four times as long while coverage looks on

SEEDS = range(5)
LIVES = 20
DAY_END_NS = CHICAGO_DAYS.day(START_NS).end_ns
WEEK_END_NS = CHICAGO_DAYS.week(START_NS).end_ns
"""How often the guard is killed in one run."""

RULES = """
[[rules]]
id = "contracts"
type = "max_contracts"
limit = 5

[[rules]]
id = "day-loss"
type = "daily_loss_limit"
limit_usd = 600.0

[[rules]]
id = "streak"
type = "max_consecutive_losses"
limit = 2
lock_s = 20.0

[[rules]]
id = "trades"
type = "max_trades"
per_hour = 60

[[rules]]
id = "giveback"
type = "profit_giveback"
arm_at_usd = 5.0
giveback_usd = 500.0

[[rules]]
id = "drawdown"
type = "trailing_drawdown"
amount_usd = 2000.0
start_balance_usd = 50000.0
trail = "intraday"
"""

HABITS = """
[[rules]]
id = "order"
type = "max_order_size"
limit = 3

[[rules]]
id = "no-es"
type = "symbol_block"
blocked = ["ES"]
accounts = ["B-*"]

[[rules]]
id = "cooldown"
type = "trade_cooldown"
seconds = 8.0
after = "loss"

[[rules]]
id = "minute"
type = "max_trades"
per_minute = 6
count = "entries"

[[rules]]
id = "burst"
type = "rapid_fire"
max_entries = 3
window_s = 4.0
lock_s = 10.0

[[rules]]
id = "revenge"
type = "revenge_trading"
loss_usd = 20.0
window_s = 30.0
size_factor = 1.5
lock_s = 12.0

[[rules]]
id = "hold"
type = "position_hold_time"
max_s = 15.0

[[rules]]
id = "stop"
type = "stop_required"
grace_s = 5.0
accounts = ["A-*"]

[[rules]]
id = "break-even"
type = "trade_management"
breakeven_after_ticks = 8
offset_ticks = 1

[[rules]]
id = "week"
type = "weekly_loss_limit"
limit_usd = 1500.0

[[rules]]
id = "target"
type = "daily_profit_target"
target_usd = 900.0
basis = "realized"
"""

BAD_DAY = Faults(
    lose_event=0.05,
    repeat_event=0.1,
    late_event=0.1,
    lose_answer=0.1,
    not_done=0.1,
    refuse=0.1,
    fail_snapshot=0.1,
)


@pytest.fixture
def worlds() -> Iterator[list[MortalWorld]]:
    """Those that a test appends are ended with it."""
    made: list[MortalWorld] = []
    yield made
    for world in made:
        world.end()


def live_and_die(world: MortalWorld, trader: Random) -> None:
    """Trade; be killed at some message; be down for a while; start again."""
    rng = world.rng
    for _ in range(LIVES):
        world.kill_at(rng.randint(0, rng.choice((40, 400, 2_000))))
        while world.run(1, trader=trader):
            pass
        world.restart_after(rng.choice((0.05, 0.5, 2.0, 2.0, 25.0)), trader=trader)
        world.assert_safe()


def come_to_rest(world: MortalWorld) -> None:
    world.broker.faults = Faults()
    world.run(60)
    world.assert_safe()
    world.assert_agrees_with_broker()
    world.assert_locked_is_flat()
    world.assert_explained()
    world.assert_remembered()


@pytest.mark.parametrize("seed", SEEDS)
def test_i5_nothing_is_forgotten_with_a_broker_at_its_best(
    seed: int, tmp_path: Path, worlds: list[MortalWorld]
) -> None:
    world = MortalWorld(tmp_path, seed, RULES)
    worlds.append(world)

    live_and_die(world, Random(f"trader {seed}"))

    assert world.kills == LIVES
    come_to_rest(world)


@pytest.mark.parametrize("rules", [RULES, HABITS], ids=["limits", "habits"])
@pytest.mark.parametrize("seed", SEEDS)
def test_i5_nothing_is_forgotten_under_faults(
    seed: int, rules: str, tmp_path: Path, worlds: list[MortalWorld]
) -> None:
    world = MortalWorld(tmp_path, seed, rules, faults=replace(BAD_DAY))
    worlds.append(world)

    live_and_die(world, Random(f"trader {seed}"))

    assert world.kills == LIVES
    come_to_rest(world)
    world.end()
    replayed = replay(world.data_dir / DATABASE_FILE)
    assert replayed.agrees
    assert len(replayed.runs) >= LIVES


@pytest.mark.parametrize(
    ("reset_ns", "names"),
    [(DAY_END_NS, ["daily_reset"]), (WEEK_END_NS, ["daily_reset", "weekly_reset"])],
    ids=["day", "week"],
)
@pytest.mark.parametrize("seed", SEEDS)
def test_i5_a_day_or_week_that_ends_between_kills_ends_once(
    seed: int, reset_ns: int, names: list[str], tmp_path: Path, worlds: list[MortalWorld]
) -> None:
    """The trader trades across the reset, and so often is the guard killed around it."""
    world = MortalWorld(tmp_path, seed, RULES, start_ns=reset_ns - 20 * S)
    worlds.append(world)
    world.run(1)

    live_and_die(world, Random(f"trader {seed}"))

    assert world.clock.now_ns() > reset_ns
    come_to_rest(world)
    assert world.resets_told() == [(name, reset_ns) for name in names]


def test_i5_an_entry_on_its_way_when_a_lock_began_counts_the_same_after_a_restart() -> None:
    tape = Tape().locked(100, 200).fill(99.99, 1, seen_s=100.01)

    assert tape.account().entries == tape.restarted(at_s(300), remembers=True).entries
