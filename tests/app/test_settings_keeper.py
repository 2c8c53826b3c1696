"""Which settings are in force, from edit to edit and from day to day."""

from pathlib import Path

import msgspec
import pytest

from risk_actors.app.settings import Settings, TradingMode
from risk_actors.app.settings_due import StoredSettings
from risk_actors.app.settings_keeper import MENDED, SettingsKeeper
from risk_actors.app.settings_load import load_settings
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.unlock_policy import UnlockPolicy
from risk_actors.runtime.clock import VirtualClock
from risk_actors.store.settings_backup import KeptSettings

NOON_NS = 1_795_284_000 * NS_PER_S
"""Saturday 2026-11-21 18:00 UTC, noon in Chicago."""
HOUR_NS = 3600 * NS_PER_S
LONG_AGO_NS = NOON_NS - 1000 * HOUR_NS


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(NOON_NS)


def settings(tmp_path: Path, limit_usd: float) -> Settings:
    text = f'[[rules]]\nid = "loss"\ntype = "daily_loss_limit"\nlimit_usd = {limit_usd}\n'
    (tmp_path / "risk.toml").write_text(text, encoding="utf-8")
    return load_settings(tmp_path)


def limit_usd(keeper: SettingsKeeper) -> float:
    return float(keeper.in_force.settings.rules[0].limit_usd)  # type: ignore[attr-defined]


@pytest.fixture
def keeper(tmp_path: Path, clock: VirtualClock) -> SettingsKeeper:
    return SettingsKeeper(settings(tmp_path, 500), None, LONG_AGO_NS, clock)


def test_a_new_data_directory_takes_what_the_files_say(keeper: SettingsKeeper) -> None:
    assert limit_usd(keeper) == 500
    assert keeper.in_force.pending == ()


def test_a_tighter_limit_is_in_force_at_once(tmp_path: Path, keeper: SettingsKeeper) -> None:
    assert keeper.offer(settings(tmp_path, 300))

    assert limit_usd(keeper) == 300
    assert keeper.in_force.pending == ()
    assert len(keeper.in_force.applied) == 1


def test_a_looser_limit_waits_for_the_reset_and_then_holds(
    tmp_path: Path, keeper: SettingsKeeper, clock: VirtualClock
) -> None:
    assert keeper.offer(settings(tmp_path, 800))
    assert limit_usd(keeper) == 500
    assert len(keeper.in_force.pending) == 1

    clock.advance(5 * HOUR_NS - 1)
    assert not keeper.look()
    assert limit_usd(keeper) == 500

    clock.advance(1)
    assert keeper.look()
    assert limit_usd(keeper) == 800
    assert keeper.in_force.pending == ()
    assert not keeper.look()


def test_a_change_that_is_taken_back_no_longer_waits(
    tmp_path: Path, keeper: SettingsKeeper
) -> None:
    keeper.offer(settings(tmp_path, 800))

    assert keeper.offer(settings(tmp_path, 500))
    assert keeper.in_force.pending == ()


def test_what_was_tightened_cannot_be_loosened_back_on_the_same_day(
    tmp_path: Path, keeper: SettingsKeeper
) -> None:
    keeper.offer(settings(tmp_path, 300))
    keeper.offer(settings(tmp_path, 500))

    assert limit_usd(keeper) == 300
    assert len(keeper.in_force.pending) == 1


def test_the_same_files_again_are_no_news(tmp_path: Path, keeper: SettingsKeeper) -> None:
    assert not keeper.offer(settings(tmp_path, 500))
    assert not keeper.look()


def test_a_day_without_a_change_moves_on_as_well(
    tmp_path: Path, keeper: SettingsKeeper, clock: VirtualClock
) -> None:
    """Else the next start would take today for the day on which everything may be changed."""
    day_ns = keeper.in_force.day_start_ns

    clock.advance(6 * HOUR_NS)

    assert keeper.look()
    assert keeper.in_force.day_start_ns > day_ns


@pytest.mark.parametrize(("later_h", "expected"), [(1, 500), (5, 800)])
def test_a_restart_compares_with_what_was_in_force(
    tmp_path: Path, clock: VirtualClock, later_h: int, expected: float
) -> None:
    first = SettingsKeeper(settings(tmp_path, 500), None, LONG_AGO_NS, clock).in_force
    clock.advance(later_h * HOUR_NS)

    again = SettingsKeeper(
        settings(tmp_path, 800),
        StoredSettings(day_start_ns=first.day_start_ns, in_force=first.text, at_ns=NOON_NS),
        LONG_AGO_NS,
        clock,
    )

    assert limit_usd(again) == expected
    assert len(again.in_force.pending) == (expected == 500)


def test_files_that_cannot_be_read_are_told_once_until_they_can(
    tmp_path: Path, keeper: SettingsKeeper
) -> None:
    assert keeper.refuse("a fault")
    assert not keeper.refuse("a fault")
    assert keeper.in_force.fault == "a fault"
    assert limit_usd(keeper) == 500

    assert keeper.offer(settings(tmp_path, 500))
    assert keeper.in_force.fault == ""
    assert keeper.in_force.applied == (MENDED,)


def test_a_new_day_mends_no_files(keeper: SettingsKeeper, clock: VirtualClock) -> None:
    keeper.refuse("a fault")

    clock.advance(6 * HOUR_NS)

    assert keeper.look()
    assert keeper.in_force.fault == "a fault"


def test_a_lock_leaves_the_first_minutes_to_rules_alone(
    tmp_path: Path, clock: VirtualClock
) -> None:
    keeper = SettingsKeeper(settings(tmp_path, 500), None, None, clock)
    clock.advance(60 * NS_PER_S)
    keeper.offer(settings(tmp_path, 600))
    assert limit_usd(keeper) == 600

    assert keeper.see_lock()
    assert not keeper.see_lock()
    wanted = settings(tmp_path, 800)
    session = msgspec.structs.replace(wanted.session, unlock=UnlockPolicy.ADMIN)
    keeper.offer(msgspec.structs.replace(wanted, session=session))

    assert limit_usd(keeper) == 800
    assert keeper.in_force.settings.session.unlock is UnlockPolicy.NEVER
    assert len(keeper.in_force.pending) == 1
    assert keeper.to_keep(keeper.in_force).was_locked


def test_a_clock_set_back_into_the_first_minutes_loosens_nothing(
    tmp_path: Path, clock: VirtualClock
) -> None:
    keeper = SettingsKeeper(settings(tmp_path, 500), None, None, clock)
    clock.advance(HOUR_NS)
    keeper.look()

    clock.step(60 * NS_PER_S - HOUR_NS)
    keeper.offer(settings(tmp_path, 800))

    assert limit_usd(keeper) == 500


def test_what_is_kept_says_all_that_a_start_must_know(
    keeper: SettingsKeeper, clock: VirtualClock
) -> None:
    keeper.arm(armed=False)
    clock.advance(5)

    assert keeper.to_keep(keeper.in_force) == KeptSettings(
        at_ns=NOON_NS + 5,
        day_start_ns=keeper.in_force.day_start_ns,
        in_force=keeper.in_force.text,
        armed_by_command=False,
        first_started_ns=LONG_AGO_NS,
        was_locked=False,
    )


def test_a_command_to_disarm_outlives_edits_and_days(
    tmp_path: Path, keeper: SettingsKeeper, clock: VirtualClock
) -> None:
    assert keeper.in_force.is_armed(TradingMode.PAPER)
    assert keeper.arm(armed=False)
    assert not keeper.arm(armed=False)

    keeper.offer(settings(tmp_path, 300))
    clock.advance(24 * HOUR_NS)
    keeper.look()

    assert not keeper.in_force.is_armed(TradingMode.PAPER)
    assert keeper.arm(armed=True)
    assert keeper.in_force.is_armed(TradingMode.LIVE)
