"""Which settings hold at a start and from day to day."""

from datetime import datetime
from typing import NamedTuple

import msgspec

from risk_actors.app.rule_context import trading_calendar
from risk_actors.app.settings import Settings
from risk_actors.app.settings_compare import Change, compare
from risk_actors.app.settings_json import decode_settings
from risk_actors.app.settings_merge import Merged, merge
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.trading_calendar import TradingCalendar

FIRST_MINUTES = 10
"""For so long after the first start a mistyped limit can still be put right, either way."""


class StoredSettings(NamedTuple):
    """What was in force when it was written down."""

    day_start_ns: int
    """The trading day that it was in force on, by its own calendar."""
    in_force: str
    """As `encode_settings` has it."""
    at_ns: int
    """The latest instant known when it was read; a clock that shows less was set back."""


def settings_due(
    stored: StoredSettings | None,
    wanted: Settings,
    now_ns: int,
    first_started_ns: int,
    *,
    was_locked: bool,
) -> Merged:
    """Return the settings that hold now.

    On the trading day of what is in force only what tightens is taken. Which day it is says the
    calendar in force, not the one wanted, or a later zone would end the day early; and a clock that
    was set back to an earlier day is still on that day.

    Args:
        stored: what was in force last; None when nothing is known of it.
        wanted: what the files say.
        now_ns: the instant of the decision.
        first_started_ns: when this data directory was first used.
        was_locked: whether a lock was ever in force in it. Then its first minutes are good for
            rules alone, whose locks hold all the same, and not for what would end a lock.

    Raises:
        msgspec.MsgspecError: what is stored cannot be read.
    """
    if stored is None:
        return Merged(wanted, (), ())
    in_force = decode_settings(stored.in_force)
    calendar = trading_calendar(in_force)
    day = calendar.day(now_ns)
    is_later_day = day.start_ns > stored.day_start_ns
    # A clock set back to before the first start, or to another day, brings no new first minutes.
    is_first = (
        now_ns >= stored.at_ns
        and 0 <= now_ns - first_started_ns < FIRST_MINUTES * 60 * NS_PER_S
        and day.start_ns == stored.day_start_ns
    )
    if is_later_day or (is_first and not was_locked):
        return Merged(wanted, compare(in_force, wanted, now_ns=now_ns), ())
    base, free = in_force, tuple[Change, ...]()
    if is_first:
        base = msgspec.structs.replace(in_force, rules=wanted.rules, preset=wanted.preset)
        free = compare(in_force, base, now_ns=now_ns)
    until = _reset_words(calendar, stored, now_ns)
    merged = merge(base, wanted, until=until, now_ns=now_ns)
    return merged._replace(applied=(*free, *merged.applied))


def _reset_words(calendar: TradingCalendar, stored: StoredSettings, now_ns: int) -> str:
    """Return in words when the day that is in force ends."""
    end_ns = calendar.day(max(now_ns, stored.day_start_ns)).end_ns
    return f"{datetime.fromtimestamp(end_ns // NS_PER_S, calendar.zone):%a %H:%M %Z}"
