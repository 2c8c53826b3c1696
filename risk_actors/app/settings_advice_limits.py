"""Advice on limits: those that another one always comes before, and those that contradict."""

import math
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise, permutations
from typing import Any

import msgspec

from risk_actors.app.settings_advice_words import (
    Advice,
    Situation,
    contracts,
    covers,
    dollars,
    listed,
    overlap,
    time_span,
)
from risk_actors.core.instruments import is_micro
from risk_actors.core.rules import Mode, RuleSettings

STRICTER_WHEN_SMALLER = {
    "daily_loss_limit": "limit_usd",
    "daily_profit_target": "target_usd",
    "weekly_loss_limit": "limit_usd",
    "trailing_drawdown": "amount_usd",
    "max_contracts": "limit",
    "max_order_size": "limit",
    "max_unrealized_loss": "limit_usd",
    "max_unrealized_profit": "target_usd",
    "max_consecutive_losses": "limit",
    "position_hold_time": "max_s",
    "stop_required": "grace_s",
}
"""The key that decides, of two rules of a type that agree on all others, which acts first."""

_BESIDE_THE_POINT = ("id", "mode", "accounts", "warn_at", "on_unknown")
"""Keys that do not change when a rule breaks nor what it does."""
WITHOUT_WARNINGS = (
    "account_guard",
    "news_blackout",
    "revenge_trading",
    "symbol_block",
    "trade_cooldown",
    "trade_management",
    "trading_hours",
)
"""Types that have nothing to warn of before they break."""
_MAY_STAND_TWICE = ("max_trades", "trade_cooldown", "rapid_fire", "revenge_trading")
"""Types of which several rules with windows of their own make sense."""
_STAND_ALONE = ("trailing_drawdown",)
"""Types with a limit of which an account has one, whatever their other keys."""


def shown(key: str, value: float) -> str:
    """Return a limit with the unit that its key names."""
    if key.endswith("_usd"):
        return dollars(value)
    return time_span(value) if key.endswith("_s") else f"{value:g}"


def rules_given_twice(situation: Situation) -> Iterator[Advice]:
    """Tell of rules of one type for the same accounts, where the stricter always acts first."""
    rules = situation.on()
    told: set[frozenset[str]] = set()
    for strict, loose in permutations(rules, 2):
        pair = frozenset((strict.id, loose.id))
        if strict.type != loose.type or pair in told or not overlap(strict, loose):
            continue
        key = STRICTER_WHEN_SMALLER.get(strict.type)
        is_alike = key is not None and _differs_in_at_most(key, strict, loose)
        if key is not None and is_alike:
            least, most = getattr(strict, key), getattr(loose, key)
            is_behind = None not in (least, most) and least <= most and covers(strict, loose)
            if is_behind and strict.mode is Mode.ENFORCE:
                told.add(pair)
                yield Advice(
                    f"can never act first: {strict.id} stops the same accounts at"
                    f" {shown(key, least)} already",
                    loose.id,
                )
        elif not is_alike and (
            loose.type in _STAND_ALONE or (key is None and loose.type not in _MAY_STAND_TWICE)
        ):
            told.add(pair)
            yield Advice(
                f"guards the same accounts as {strict.id}, which is of type {loose.type} too; each"
                " acts by itself",
                loose.id,
            )


def _differs_in_at_most(key: str, first: RuleSettings, second: RuleSettings) -> bool:
    others = set(first.__struct_fields__) - {key, *_BESIDE_THE_POINT}
    return all(getattr(first, name) == getattr(second, name) for name in others)


def instrument_limits_out_of_reach(situation: Situation) -> Iterator[Advice]:
    """Tell which per-symbol limits and order sizes lie above the limit over all instruments."""
    for whole in situation.on("max_contracts"):
        if whole.mode is not Mode.ENFORCE:
            continue
        for rule in situation.on("max_contracts_per_instrument", "max_order_size"):
            if not covers(whole, rule):
                continue
            limits = _limits_by_symbol(rule)
            beyond = [
                f"{symbol} {size}" for symbol, size in limits.items() if size > _most(whole, symbol)
            ]
            if beyond:
                yield Advice(
                    f"{listed(beyond)} cannot be reached: {whole.id} allows"
                    f" {contracts(whole.limit)} over all instruments",
                    rule.id,
                )


def _limits_by_symbol(rule: Any) -> dict[str, int]:
    named: dict[str, int] = dict(getattr(rule, "limits", {}) or {})
    for key in ("default", "limit"):
        value = getattr(rule, key, None)
        if value is not None:
            named[key] = value
    return named


def _most(whole: Any, symbol: str) -> int:
    """Return how many contracts of one symbol fit into a limit over all instruments."""
    ratio = whole.micro_ratio or 1
    # The default is for any symbol, a micro too.
    may_be_micro = is_micro(symbol.upper()) or symbol in ("default", "limit")
    return int(whole.limit) * (ratio if may_be_micro else 1)


def steps_out_of_reach(situation: Situation) -> Iterator[Advice]:
    """Tell which steps of a scaling plan lie above the limit over all instruments."""
    for whole in situation.on("max_contracts"):
        for plan in situation.on("scaling_plan"):
            steps = [step.max_contracts for step in plan.steps]
            if whole.mode is Mode.ENFORCE and covers(whole, plan) and max(steps) > whole.limit:
                yield Advice(
                    f"its step of {contracts(max(steps))} cannot be reached: {whole.id} allows"
                    f" {contracts(whole.limit)}",
                    plan.id,
                )


def daily_limits_behind_others(situation: Situation) -> Iterator[Advice]:
    """Tell where the account or the week is over before the day's limit is reached."""
    for day in situation.on("daily_loss_limit"):
        for floor in situation.on("trailing_drawdown"):
            room_usd = floor.amount_usd - floor.keep_away_usd
            is_by_hand = floor.floor_usd is not None
            if not is_by_hand and overlap(day, floor) and day.limit_usd >= room_usd:
                yield Advice(
                    f"its {dollars(day.limit_usd)} are not less than the {dollars(room_usd)} that"
                    f" {floor.id} leaves from a new high, so the account may be over before the"
                    " day is",
                    day.id,
                )
        for week in situation.on("weekly_loss_limit"):
            if overlap(day, week) and day.limit_usd >= week.limit_usd:
                yield Advice(
                    f"its {dollars(day.limit_usd)} are not less than the week's"
                    f" {dollars(week.limit_usd)} ({week.id}), which break first in a week without"
                    " profit",
                    day.id,
                )


def position_limits_behind_the_day(situation: Situation) -> Iterator[Advice]:
    """Tell where one position may lose all that the day may."""
    for day in situation.on("daily_loss_limit"):
        for one in situation.on("max_unrealized_loss"):
            if day.basis == "equity" and overlap(day, one) and one.limit_usd >= day.limit_usd:
                yield Advice(
                    f"its {dollars(one.limit_usd)} for one position are not less than the day's"
                    f" {dollars(day.limit_usd)} ({day.id}), which break first on a day without"
                    " profit",
                    one.id,
                )


def giveback_that_never_arms(situation: Situation) -> Iterator[Advice]:
    """Tell where the day's profit target is reached before the giveback is armed."""
    for target in situation.on("daily_profit_target"):
        for giveback in situation.on("profit_giveback"):
            arms_at_usd = giveback.arm_at_usd
            if (
                target.mode is Mode.ENFORCE
                and target.basis == "equity"
                and covers(target, giveback)
                and target.target_usd <= arms_at_usd
            ):
                yield Advice(
                    f"can never act: it is armed at {dollars(arms_at_usd)}, and {target.id} ends"
                    f" the day at {dollars(target.target_usd)}",
                    giveback.id,
                )


def giveback_into_a_loss(situation: Situation) -> Iterator[Advice]:
    """Tell where a day that was up may end at a loss before the giveback acts."""
    for rule in situation.on("profit_giveback"):
        given_usd = rule.giveback_usd
        if given_usd is not None and given_usd > rule.arm_at_usd:
            yield Advice(
                f"lets a day that was up by {dollars(rule.arm_at_usd)} end at a loss of"
                f" {dollars(given_usd - rule.arm_at_usd)}: it may give back"
                f" {dollars(given_usd)}",
                rule.id,
            )


def pauses_that_grow_shorter(situation: Situation) -> Iterator[Advice]:
    """Tell where a cooldown after a bigger loss is shorter than after a smaller one."""
    for rule in situation.on("trade_cooldown"):
        tiers = sorted(rule.tiers, key=lambda tier: tier.loss_usd)
        longest_s, after = rule.seconds or 0, "other trades"
        for tier in tiers:
            if tier.seconds < longest_s:
                yield Advice(
                    f"a loss of {dollars(tier.loss_usd)} pauses for {time_span(tier.seconds)},"
                    f" {after} for {time_span(longest_s)}",
                    rule.id,
                )
            else:
                longest_s, after = tier.seconds, f"one of {dollars(tier.loss_usd)}"


def slower_counts_out_of_reach(situation: Situation) -> Iterator[Advice]:
    """Tell where a limit over a short time allows as much as one over a longer time."""
    for rule in situation.on("max_trades"):
        spans = [("a minute", rule.per_minute), ("an hour", rule.per_hour), ("a day", rule.per_day)]
        given = [(span, limit) for span, limit in spans if limit is not None]
        for (short, fewer), (long, more) in pairwise(given):
            if fewer >= more:
                yield Advice(
                    f"its {fewer} {short} can never be exceeded: {more} {long} come first",
                    rule.id,
                )


def symbols_allowed_and_blocked(situation: Situation) -> Iterator[Advice]:
    """Tell which symbols one rule allows and another forbids."""
    for one, other in permutations(situation.on("symbol_block"), 2):
        both = _upper(one.allowed) & _upper(other.blocked)
        if both and overlap(one, other):
            yield Advice(
                f"allows {listed(sorted(both))}, which {other.id} blocks: it stays blocked", one.id
            )
        alone = one.allowed and other.allowed and not _upper(one.allowed) & _upper(other.allowed)
        if alone and one.id < other.id and overlap(one, other):
            yield Advice(f"allows no symbol that {other.id} allows: nothing can be traded", one.id)


def limits_for_blocked_symbols(situation: Situation) -> Iterator[Advice]:
    """Tell which symbols have a size limit although they may not be traded at all."""
    for block in situation.on("symbol_block"):
        for rule in situation.on("max_contracts_per_instrument", "max_order_size"):
            symbols = {
                symbol.upper()
                for symbol, size in (getattr(rule, "limits", {}) or {}).items()
                if size
            }
            allowed = _upper(block.allowed)
            dead = symbols - allowed if allowed else symbols & _upper(block.blocked)
            if dead and block.mode is Mode.ENFORCE and covers(block, rule):
                yield Advice(
                    f"has a limit for {listed(sorted(dead))}, which {block.id} forbids", rule.id
                )


def _upper(symbols: tuple[str, ...]) -> set[str]:
    return {symbol.upper() for symbol in symbols}


def warnings_without_effect(situation: Situation) -> Iterator[Advice]:
    """Tell where `warn_at` says nothing, or the same thing twice."""
    for rule in situation.on():
        if not rule.warn_at:
            continue
        limit = getattr(rule, "limit", None)
        if rule.type in WITHOUT_WARNINGS:
            yield Advice("`warn_at` has no effect: there is no limit to come near to", rule.id)
        elif isinstance(limit, int):
            counts = [_count_at(fraction, limit) for fraction in set(rule.warn_at)]
            if len(set(counts)) < len(counts):
                yield Advice(
                    f"two of its `warn_at` come at the same count of a limit of {limit}", rule.id
                )
            if rule.type == "max_consecutive_losses" and max(counts) >= limit:
                yield Advice("one of its `warn_at` comes only when the limit is reached", rule.id)


def _count_at(fraction: float, limit: int) -> int:
    """Return the whole number at which a fraction of a limit is reached."""
    return math.ceil(Fraction(str(fraction)) * limit)


def nothing_limits_loss(situation: Situation) -> Iterator[Advice]:
    """Tell that no rule stops a losing day."""
    kinds = ("daily_loss_limit", "trailing_drawdown", "weekly_loss_limit")
    rules: list[msgspec.Struct] = situation.on(*kinds)
    if situation.settings.is_any_rule_on and not rules:
        yield Advice(f"no rule limits what a day may lose; see {listed(kinds)}")


LIMIT_ADVISERS = (
    nothing_limits_loss,
    rules_given_twice,
    instrument_limits_out_of_reach,
    steps_out_of_reach,
    daily_limits_behind_others,
    position_limits_behind_the_day,
    giveback_that_never_arms,
    giveback_into_a_loss,
    pauses_that_grow_shorter,
    slower_counts_out_of_reach,
    symbols_allowed_and_blocked,
    limits_for_blocked_symbols,
    warnings_without_effect,
)
