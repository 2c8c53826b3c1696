"""Kill -9 at random instants of a busy day changes nothing that counts (I5).

How many kills, and with which seed, the environment says: `make crash KILLS=300 SEED=7`.
"""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from crash_day import a_day, rules_text
from crash_run import Day, kills_of_a_day
from crash_sight import COMMANDS

pytestmark = [pytest.mark.system, pytest.mark.slow]

KILLS = int(os.environ.get("CRASH_KILLS", "60"))
SEED = int(os.environ.get("CRASH_SEED", "1"))
KILLS_A_DAY = 60
S_PER_KILL, S_PER_DAY = 15, 240
"""What a slow machine may take."""

LOCKING_RULES = {"daily-loss", "losing-streak", "no-gold", "guard", "rapid-fire", "trade-count"}


def _days() -> list[tuple[int, int]]:
    """Return seed and number of kills of each day."""
    whole, rest = divmod(KILLS, KILLS_A_DAY)
    counts = [KILLS_A_DAY] * whole + ([rest] if rest else [])
    return [(SEED + n, count) for n, count in enumerate(counts)]


@pytest.mark.timeout(S_PER_DAY + S_PER_KILL * KILLS_A_DAY)
@pytest.mark.parametrize(("seed", "kills"), _days())
def test_i5_a_day_with_kills_ends_like_a_day_without(seed: int, kills: int, tmp_path: Path) -> None:
    steps, rules = a_day(seed), rules_text(datetime.now(UTC))
    again = f"make crash KILLS={kills} SEED={seed}"

    with Day(tmp_path / "whole", rules, seed) as whole:
        whole.play(steps)
        assert whole.violations() == []
        # A day on which nothing happens would prove nothing.
        assert whole.locking_rules() == LOCKING_RULES
        assert whole.kinds_sent() == set(COMMANDS)
    with Day(tmp_path / "killed", rules, seed) as killed:
        try:
            killed.play_with_kills(steps, kills_of_a_day(seed, kills, len(steps)), whole)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{killed.faults}\nRun it again: {again}") from error

        assert killed.faults == [], again
        assert killed.violations() == [], again
        assert killed.daemon.terminate(within_s=30.0) == 0
        for words in (("replay",), ("audit", "--verify")):
            done = killed.daemon.client(*words)
            assert done.returncode == 0, f"{words}: {done.stdout}{done.stderr}\n{again}"
    figures = sorted(killed.starts_s)
    print(  # noqa: T201 - the figure is what the run is asked for
        f"{killed.kills_done} kills over {len(steps)} steps; from start to guarding: median "
        f"{figures[len(figures) // 2]:.2f} s, worst {figures[-1]:.2f} s"
    )
