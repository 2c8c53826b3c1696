"""When changed settings hold in full: on another trading day, or in the first minutes of all."""

import msgspec
import pytest
from core.builders import NOON, H, S, at

from risk_actors.app.rule_context import trading_calendar
from risk_actors.app.settings import SessionSettings, Settings
from risk_actors.app.settings_due import FIRST_MINUTES, StoredSettings, settings_due
from risk_actors.app.settings_json import encode_settings
from risk_actors.app.settings_merge import Merged
from risk_actors.core.rules.daily_loss_limit import DailyLossLimitSettings
from risk_actors.core.unlock_policy import UnlockPolicy

DAY = 24 * H
MINUTE = 60 * S
LONG_AGO = NOON - 100 * DAY
SESSION = SessionSettings()


def limit(limit_usd: float, session: SessionSettings = SESSION) -> Settings:
    rule = DailyLossLimitSettings(id="loss", limit_usd=limit_usd)
    return Settings(session=session, rules=(rule,))


TIGHT, LOOSE = limit(500), limit(800)


def stored(settings: Settings, since_ns: int) -> StoredSettings:
    """Return what a run wrote down at an instant."""
    day = trading_calendar(settings).day(since_ns)
    return StoredSettings(
        day_start_ns=day.start_ns, in_force=encode_settings(settings), at_ns=since_ns
    )


def due(
    before: StoredSettings | None,
    wanted: Settings,
    now_ns: int,
    first_ns: int = LONG_AGO,
    *,
    was_locked: bool = False,
) -> Merged:
    return settings_due(before, wanted, now_ns, first_ns, was_locked=was_locked)


def holds_in_full(since_ns: int, now_ns: int, first_ns: int = LONG_AGO) -> bool:
    """Tell whether a looser limit is in force; when not, it is pending."""
    merged = due(stored(TIGHT, since_ns), LOOSE, now_ns, first_ns)
    if merged.pending:
        assert (merged.settings, merged.applied) == (TIGHT, ())
        return False
    assert merged.settings == LOOSE
    assert [change.sentence() for change in merged.applied] == ["loss: limit_usd 500 -> 800"]
    return True


@pytest.mark.parametrize(
    ("since_ns", "now_ns", "in_full"),
    [
        (at(2026, 11, 17, 9), at(2026, 11, 17, 9), False),
        (at(2026, 11, 16, 17), at(2026, 11, 17, 16, 59), False),
        (at(2026, 11, 17, 16, 59), at(2026, 11, 17, 17) - 1, False),
        (at(2026, 11, 17, 16, 59), at(2026, 11, 17, 17), True),
        (at(2026, 11, 17, 17), at(2026, 11, 17, 23), False),
        (at(2026, 11, 17, 9), at(2026, 11, 30, 9), True),
        # The reset comes every day, so Friday's evening begins another one, and so do the others.
        (at(2026, 11, 20, 15), at(2026, 11, 20, 16), False),
        (at(2026, 11, 20, 15), at(2026, 11, 20, 18), True),
        (at(2026, 11, 20, 18), at(2026, 11, 21, 16), False),
        (at(2026, 11, 21, 12), at(2026, 11, 22, 17), True),
        # Days of 23 and of 25 hours.
        (at(2026, 3, 7, 17), at(2026, 3, 8, 16, 59), False),
        (at(2026, 3, 7, 17), at(2026, 3, 8, 17), True),
        (at(2026, 3, 7, 17), at(2026, 3, 7, 17) + 23 * H, True),
        (at(2026, 10, 31, 17), at(2026, 10, 31, 17) + 24 * H, False),
        (at(2026, 10, 31, 17), at(2026, 10, 31, 17) + 25 * H, True),
        # A clock that was set back.
        (at(2026, 11, 17, 9), at(2026, 11, 17, 8), False),
        (at(2026, 11, 17, 9), at(2026, 11, 16, 9), False),
        (at(2026, 11, 17, 9), at(2025, 1, 1), False),
    ],
)
def test_a_looser_limit_waits_for_another_day(since_ns: int, now_ns: int, *, in_full: bool) -> None:
    assert holds_in_full(since_ns, now_ns) is in_full


@pytest.mark.parametrize(
    ("now_ns", "in_full"),
    [
        (NOON, True),
        (NOON + FIRST_MINUTES * MINUTE - 1, True),
        (NOON + FIRST_MINUTES * MINUTE, False),
        (NOON - 1, False),
        (NOON - DAY, False),
    ],
)
def test_in_the_first_minutes_of_a_new_data_directory_everything_holds(
    now_ns: int, *, in_full: bool
) -> None:
    assert holds_in_full(NOON, now_ns, first_ns=NOON) is in_full


def test_a_clock_set_back_to_the_first_minutes_of_all_loosens_nothing() -> None:
    assert not holds_in_full(NOON + 3 * DAY, NOON + MINUTE, first_ns=NOON)


def test_after_a_lock_the_first_minutes_are_good_for_rules_alone() -> None:
    """A mistyped limit can be put right; the unlock policy cannot, for the lock is in force."""
    session = msgspec.structs.replace(SESSION, unlock=UnlockPolicy.DELAYED)
    wanted = limit(800, session)

    def at(now_ns: int, *, was_locked: bool) -> Merged:
        return due(stored(TIGHT, NOON), wanted, now_ns, NOON, was_locked=was_locked)

    assert at(NOON + MINUTE, was_locked=False).settings == wanted
    locked = at(NOON + MINUTE, was_locked=True)
    assert locked.settings == limit(800)
    assert [change.sentence() for change in locked.applied] == ["loss: limit_usd 500 -> 800"]
    assert [change.key for change in locked.pending] == ["unlock"]
    assert at(NOON + 11 * MINUTE, was_locked=True).settings == TIGHT
    assert at(NOON + DAY, was_locked=True).settings == wanted


def test_a_clock_set_back_within_the_first_minutes_of_the_day_loosens_nothing() -> None:
    assert not holds_in_full(NOON + H, NOON + MINUTE, NOON)


def test_first_minutes_go_on_over_a_reset() -> None:
    first_ns = at(2026, 11, 17, 16, 55)

    assert holds_in_full(at(2026, 11, 17, 17, 1), at(2026, 11, 17, 17, 2), first_ns)


def test_without_anything_stored_the_files_hold() -> None:
    assert due(None, LOOSE, NOON) == (LOOSE, (), ())


def test_a_tighter_limit_holds_at_once_and_is_told() -> None:
    merged = due(stored(LOOSE, NOON), TIGHT, NOON)

    assert merged.settings == TIGHT
    assert [change.sentence() for change in merged.applied] == ["loss: limit_usd 800 -> 500"]


def test_what_waits_says_until_when() -> None:
    merged = due(stored(TIGHT, NOON), LOOSE, NOON)

    assert [change.sentence() for change in merged.pending] == [
        "Waits until Tue 17:00 CST: loss limit_usd 500 -> 800"
    ]


def test_what_waits_says_the_same_reset_when_the_clock_was_set_back() -> None:
    merged = due(stored(TIGHT, NOON), LOOSE, NOON - 9 * DAY)

    assert "Tue 17:00" in merged.pending[0].sentence()


@pytest.mark.parametrize("change", [{"daily_reset": "0 * * * *"}, {"timezone": "Asia/Tokyo"}])
def test_the_day_is_that_of_the_calendar_in_force(change: dict[str, str]) -> None:
    sooner = msgspec.structs.replace(SESSION, **change)
    now_ns = at(2026, 11, 17, 16, 30)
    wanted = limit(800, sooner)
    assert trading_calendar(wanted).day(now_ns).start_ns > stored(TIGHT, NOON).day_start_ns

    merged = due(stored(TIGHT, NOON), wanted, now_ns)

    assert merged.settings == TIGHT
    assert len(merged.pending) == 2


def test_day_after_day_of_edits_never_gets_round_the_limit_before_a_reset() -> None:
    in_force, now_ns = stored(TIGHT, NOON), NOON
    for wanted in (LOOSE, Settings(session=SESSION, rules=()), limit(300), LOOSE, TIGHT):
        now_ns += MINUTE
        merged = due(in_force, wanted, now_ns)
        in_force = stored(merged.settings, now_ns)
    assert merged.settings == limit(300)

    assert due(in_force, LOOSE, at(2026, 11, 17, 17)).settings == LOOSE


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(msgspec.MsgspecError):
        due(StoredSettings(day_start_ns=0, in_force="{}", at_ns=0), LOOSE, NOON)
