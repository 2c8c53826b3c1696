"""Advice on the `lock` key: locks that end early, keep what they should close, or do nothing."""

from collections.abc import Iterator

from risk_actors.app.settings_advice_words import Advice, Situation, time_span
from risk_actors.core.rules import catalogue
from risk_actors.core.rules.lock_settings import LockSettings, LockUntil
from risk_actors.core.verdict import Existing

_OF_THE_DAY = ("daily_loss_limit", "daily_profit_target", "trailing_drawdown", "profit_giveback")
"""Rules that stay broken until the daily reset."""
_WITH_AN_END_OF_ITS_OWN = {
    "trading_hours": "the next opening",
    "news_blackout": "the end of the news window",
    "trade_cooldown": "the end of the cooldown",
}
_CLOSES_WHAT_BROKE_IT = (
    "daily_loss_limit",
    "weekly_loss_limit",
    "trailing_drawdown",
    "max_unrealized_loss",
    "position_hold_time",
    "stop_required",
    "symbol_block",
    "trading_hours",
    "news_blackout",
)
_NEVER_BREAKS = ("trade_management",)


def _end(lock: LockSettings) -> str | None:
    """Return in words when the settings end a lock; None where they leave it to the rule."""
    if lock.for_s is not None:
        return f"after {time_span(lock.for_s)}"
    if lock.until is None:
        return None
    return "at the daily reset" if lock.until is LockUntil.DAILY_RESET else "at the weekly reset"


def locks_that_end_early(situation: Situation) -> Iterator[Advice]:
    """Tell which locks end while what broke the rule still holds."""
    for rule in situation.on():
        end = _end(rule.lock) if rule.lock is not None else None
        if end is None:
            continue
        if rule.type in _OF_THE_DAY and rule.lock.for_s is not None:
            yield Advice(
                f"lets trading begin again {end}, though the day stays broken and the rule is"
                " silent for the rest of it",
                rule.id,
            )
        elif rule.type == "weekly_loss_limit" and rule.lock.until is not LockUntil.WEEKLY_RESET:
            yield Advice(
                f"lets trading begin again {end}, though the week stays broken and the rule is"
                " silent for the rest of it",
                rule.id,
            )
        elif catalogue()[rule.type].ends_on_condition:
            yield Advice(
                f"its lock ends {end}, and no longer when what it watches is well again", rule.id
            )
        elif rule.type in _WITH_AN_END_OF_ITS_OWN:
            own_end = _WITH_AN_END_OF_ITS_OWN[rule.type]
            yield Advice(f"its lock ends {end}, and no longer at {own_end}", rule.id)


def locks_given_twice(situation: Situation) -> Iterator[Advice]:
    """Tell where `lock` leaves `lock_s` without effect."""
    for rule in situation.on():
        end = _end(rule.lock) if rule.lock is not None else None
        if end is not None and getattr(rule, "lock_s", None) is not None:
            yield Advice(f"`lock_s` has no effect: by `lock` its lock ends {end}", rule.id)


def locks_that_keep_what_broke_them(situation: Situation) -> Iterator[Advice]:
    """Tell which rules leave the position open that they are there to close."""
    for rule in situation.on(*_CLOSES_WHAT_BROKE_IT):
        if rule.lock is not None and rule.lock.existing is Existing.KEEP:
            yield Advice(
                '`existing = "keep"` leaves the positions open that broke the rule; they may go on'
                " losing",
                rule.id,
            )


def keys_of_a_rule_that_never_breaks(situation: Situation) -> Iterator[Advice]:
    """Tell which keys mean nothing to a rule that only moves stops."""
    for rule in situation.on(*_NEVER_BREAKS):
        if rule.lock is not None:
            yield Advice("`lock` has no effect: the rule only moves stops", rule.id)


LOCK_ADVISERS = (
    locks_that_end_early,
    locks_given_twice,
    locks_that_keep_what_broke_them,
    keys_of_a_rule_that_never_breaks,
)
