"""A store that real runs left: the actor system guarding some days on a virtual clock.

The trader is seeded; the rule is in shadow or not as its settings say. Nothing here writes a row.
"""

from pathlib import Path
from random import Random

from recorded_world import RecordedWorld

from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.last_run import LastRun
from risk_actors.core.rules import RuleSettings

TUESDAY_NS = 1_772_553_600 * NS_PER_S
"""2026-03-03 16:00 UTC, 10:00 in Chicago: the market is open, and again 24 hours later."""
DAY_NS = 24 * 3600 * NS_PER_S
WATCHED_S = 40.0


def shadow_days(directory: Path, days: int, *rules: RuleSettings, seed: int = 3) -> RecordedWorld:
    """Guard so many days, one run each, from Tuesday on."""
    world = RecordedWorld(directory, seed, *rules, start_ns=TUESDAY_NS)
    trader = Random(f"trader {seed}")
    for number in range(days):
        if number:
            next_ns = TUESDAY_NS + number * DAY_NS
            alive_ns = world.clock.now_ns()
            world.clock.advance(next_ns - alive_ns)
            world.start(LastRun(alive_ns=alive_ns), world.clock)
        world.run(WATCHED_S, trader=trader)
        world.scheduler.stop()
    return world
