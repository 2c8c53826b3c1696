"""A few hundred simulated days, with whatever goes wrong in them, are clean.

`FUZZ_SEEDS` says how many (`FUZZ_SEEDS=10000 pytest tests/fuzz/test_days.py`); `risk-actors fuzz`
plays more of them, on several processes.
"""

import os

import msgspec
import pytest

from risk_actors.core.rules import catalogue
from risk_actors.fuzz.campaign import play, play_seeds
from risk_actors.fuzz.day import Deed, from_json, to_json
from risk_actors.fuzz.draw import draw_day
from risk_actors.fuzz.kinds import KINDS
from risk_actors.fuzz.play import Player
from risk_actors.fuzz.stage import CLOCK_DOUBT_NS, Stage
from risk_actors.fuzz.tell import told_findings

pytestmark = pytest.mark.no_cover  # its days take four times as long while coverage looks on

SEEDS_OF_CI = 200
SEEDS = int(os.environ.get("FUZZ_SEEDS", SEEDS_OF_CI))
AT_ONCE = 5
"""Days of one test, so that the tests can be shared out among processes."""


@pytest.mark.parametrize("first", range(0, SEEDS, AT_ONCE))
def test_days_are_clean(first: int) -> None:
    failed = [
        "\n".join([f"risk-actors fuzz --seed {result.seed}", *told_findings(result.findings)])
        for result in play_seeds(range(first, min(first + AT_ONCE, SEEDS)))
        if result.findings
    ]

    assert not failed, "\n".join(failed)


def test_a_day_goes_through_a_file_unchanged() -> None:
    for seed in range(50):
        assert from_json(to_json(draw_day(seed))) == draw_day(seed)


def test_the_same_day_is_played_the_same_way_again() -> None:
    days = []
    for _ in range(2):
        player = Player(draw_day(7))
        player.run()
        stage = player.stage
        days.append(
            (
                [entry.text for entry in stage.store.entries],
                stage.broker.commands,
                stage.broker.exchange.trades,
            )
        )

    assert days[0] == days[1]
    assert days[0][1]


def test_days_have_all_that_can_go_wrong_in_them() -> None:
    """A kind of fault, deed or rule that is never drawn is not tested."""
    drawn = [draw_day(seed) for seed in range(400)]

    assert {fault.kind for day in drawn for fault in day.faults} == set(KINDS)
    assert {type(deed) for day in drawn for deed in day.deeds} == set(Deed.__value__.__args__)
    assert {rule["type"] for day in drawn for rule in day.rules} == set(catalogue())


def test_every_drawn_rule_is_one_that_settings_could_have() -> None:
    for seed in range(150):
        Stage(draw_day(seed))


def test_jobs_play_the_same_days() -> None:
    alone = {(result.seed, result.findings) for result in play_seeds(range(2))}

    assert {(r.seed, r.findings) for r in play_seeds(range(2), jobs=2)} == alone


def test_a_day_without_anything_in_it_is_clean() -> None:
    empty = msgspec.structs.replace(draw_day(0), deeds=(), faults=(), rules=(), news=())

    assert play(empty) == ()


@pytest.mark.parametrize(
    ("pc_ahead_s", "behind_ns"),
    [(None, 0), (-40.0, CLOCK_DOUBT_NS), (3.0, CLOCK_DOUBT_NS), (300.0, CLOCK_DOUBT_NS)],
)
def test_only_a_clock_that_had_to_be_put_right_is_behind(
    pc_ahead_s: float | None, behind_ns: int
) -> None:
    """The checks allow for no more than this, and only on such a day."""
    stage = Stage(msgspec.structs.replace(draw_day(0), pc_ahead_s=pc_ahead_s))

    assert stage.clock.now_ns() - stage.guard_clock.now_ns() == behind_ns
