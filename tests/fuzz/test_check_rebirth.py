"""I5 at the end of a day: a restart may change nothing, and time only what it would have anyway."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from risk_actors.actors.picture import AccountPicture, LockPicture, Picture, RulePicture
from risk_actors.fuzz.broker import S
from risk_actors.fuzz.campaign import play
from risk_actors.fuzz.check_rebirth import changed
from risk_actors.fuzz.day import AccountPlan, Day, Deed, Enter, Exit
from risk_actors.fuzz.play import HEAL_FOR_NS
from risk_actors.fuzz.stage import Stage

ACCOUNT = 101
LOCK = LockPicture(
    id=1, rule="hours", scope="account", since="2026-11-17T22:00Z", until=None, reason="so it is"
)

# --- by pictures ----------------------------------------------------------------------------


def shows(count: int, *locks: LockPicture, losses: int = 0) -> Picture:
    """Return what is shown where two rules count, of one account under locks."""
    return Picture(
        version="f",
        mode="live",
        armed=True,
        phase="armed",
        accounts=(AccountPicture(id=ACCOUNT, name="PA-101", locks=locks),),
        rules=(rule("trades", count), rule("losses", losses)),
    )


def rule(rule_id: str, count: int) -> RulePicture:
    return RulePicture(
        id=rule_id,
        type="max_trades",
        mode="enforce",
        account=ACCOUNT,
        verdict="ok",
        value=float(count),
        limit=2.0,
        reason=None,
        unit="entries",
        distance=2.0 - count,
        used=count / 2,
        contract=None,
    )


def names(before: Picture, after: Picture, unbroken: Picture) -> list[str]:
    """Return what is found of a restart: the names of what changed."""
    found = changed(before, after, lambda: unbroken)
    assert all(invariant == "I5" for invariant, _ in found)
    return [what.split(" was ")[0] for _, what in found]


def test_what_a_restart_alone_has_changed_is_found() -> None:
    assert names(shows(1), shows(0), shows(1)) == ["rule trades of 101"]
    assert names(shows(0, LOCK), shows(0), shows(0, LOCK)) == ["locks of 101"]
    assert names(shows(0), shows(0, LOCK), shows(0)) == ["locks of 101"]


def test_what_time_has_changed_too_is_not() -> None:
    assert names(shows(1), shows(0), shows(0)) == []
    assert names(shows(0, LOCK), shows(0), shows(0)) == []


def test_that_time_changed_one_thing_explains_no_other() -> None:
    assert names(shows(1, losses=1), shows(0), shows(0, losses=1)) == ["rule losses of 101"]
    assert names(shows(1, LOCK), shows(0), shows(0)) == []
    assert names(shows(1, LOCK), shows(0), shows(1)) == ["rule trades of 101"]


def test_a_change_that_is_not_the_one_of_time_is_found() -> None:
    assert names(shows(2), shows(0), shows(1)) == ["rule trades of 101"]


def test_no_day_is_played_again_where_nothing_differs() -> None:
    def unbroken() -> Picture:
        raise AssertionError("not asked")

    assert changed(shows(1, LOCK), shows(1, LOCK), unbroken) == []


# --- by days --------------------------------------------------------------------------------

LENGTH_S = 3_600.0
READ_S = LENGTH_S + HEAL_FOR_NS / S + 3
"""What is shown before the restart is noted a tick later."""
COUNTED = {"type": "max_trades", "count": "entries", "per_minute": 3, "per_hour": 2}
REVENGE = {"type": "revenge_trading", "loss_usd": 5, "window_s": 600, "max_entries": 1}


def day(settings: dict[str, Any], *deeds: Deed) -> Day:
    """Return an hour of one account under one rule."""
    return Day(
        seed=5_004_502,
        start_ns=1_794_956_280 * S,
        length_s=LENGTH_S,
        symbols=("ZN",),
        accounts=(AccountPlan(id=ACCOUNT, name="PA-101", balance_usd=50_000.0),),
        rules=({"id": "rule", **settings},),
        deeds=deeds,
    )


def entry_whose_hour_is_over(at_s: float) -> Day:
    return day(COUNTED, Enter(at_s=at_s - 3_600, account=ACCOUNT, symbol="ZN", size=1))


def entry_after_a_loss_that_is_over(at_s: float) -> Day:
    lost_s = at_s - 600
    return day(
        REVENGE,
        Enter(at_s=lost_s - 0.3, account=ACCOUNT, symbol="ZN", size=1),
        Exit(at_s=lost_s, account=ACCOUNT, symbol="ZN"),
        Enter(at_s=lost_s + 2, account=ACCOUNT, symbol="ZN", size=1),
    )


@pytest.mark.parametrize("after_s", [-2.7, -0.1, 0.0, 0.05, 1.5, 4.9, 5.0, 5.1, 5.2, 10.0])
@pytest.mark.parametrize("make", [entry_whose_hour_is_over, entry_after_a_loss_that_is_over])
def test_a_count_may_end_between_the_two_readings(
    make: Callable[[float], Day], after_s: float
) -> None:
    """The ends that the seeds 5003732 and 5004502 showed, and those around the restart."""
    assert play(make(READ_S + after_s)) == ()


@pytest.mark.parametrize("pc_ahead_s", [-40.0, -0.3, 0.4, 3.0])
@pytest.mark.parametrize("after_s", [-0.5, -0.1, 0.3, 4.5, 4.9, 5.3])
def test_it_may_end_on_a_clock_that_was_wrong(pc_ahead_s: float, after_s: float) -> None:
    ends = entry_whose_hour_is_over(READ_S + after_s)

    assert play(msgspec.structs.replace(ends, pc_ahead_s=pc_ahead_s)) == ()


@pytest.mark.parametrize(
    ("after_s", "forgotten"),
    [(60.0, ["day of 101", "rule rule of 101"]), (2.0, ["day of 101"])],
)
def test_what_is_forgotten_while_a_count_ends_is_found(
    after_s: float, forgotten: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    start = Stage.start

    def start_without_the_fills(stage: Stage) -> None:
        if stage.deaths_ns:
            stage.broker.exchange.trades.clear()
        start(stage)

    monkeypatch.setattr(Stage, "start", start_without_the_fills)
    found = play(entry_whose_hour_is_over(READ_S + after_s))

    assert {each.invariant for each in found} == {"I5"}
    shown = [each.what.split(" was ")[0] for each in found]
    assert [name for name in shown if name.startswith(("day", "rule"))] == forgotten
