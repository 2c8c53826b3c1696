"""Advice on own rules that stand in for a preset's: where they are looser than the firm's."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from risk_actors.app.settings import SessionSettings
from risk_actors.app.settings_advice_limits import STRICTER_WHEN_SMALLER, shown
from risk_actors.app.settings_advice_words import (
    Advice,
    Situation,
    contracts,
    covers,
    dollars,
    listed,
    time_span,
)
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.rules import Mode, RuleSettings
from risk_actors.core.spans import intersect, subtract
from risk_actors.core.trading_calendar import ResetSchedule, Window
from risk_actors.core.trading_windows import TradingWindows

_STRICT_TO_LOOSE = {
    "basis": ("equity", "realized"),
    "count": ("gross", "net"),
    "trail": ("intraday", "closed_balance", "end_of_day", "static"),
}
"""Choices of which the later ones break later."""
_YEAR_NS = (
    int(datetime(2026, 10, 1, tzinfo=UTC).timestamp()) * NS_PER_S,
    int(datetime(2027, 10, 7, tzinfo=UTC).timestamp()) * NS_PER_S,
)
"""A year and a week, to compare hours in: the clocks of two zones need not change together."""


def rules_looser_than_the_firm(situation: Situation) -> Iterator[Advice]:
    """Tell where an own rule takes a preset rule's place and allows more."""
    preset = situation.settings.preset
    if preset is None:
        return
    by_id = {rule.id: rule for rule in situation.settings.rules}
    for theirs in preset.rules:
        own = by_id.get(theirs.id)
        if own is None or own == theirs:
            continue
        if own.type != theirs.type:
            yield Advice(
                f"takes the place of the preset's {theirs.type}, which nothing watches now",
                own.id,
            )
        elif own.mode is Mode.ENFORCE:
            ways = [way for compare in _COMPARISONS for way in compare(own, theirs)]
            if ways:
                firm = preset.header.firm
                yield Advice(f"is looser than {firm}'s own rule: {listed(ways)}", own.id)


def sessions_unlike_the_firms(situation: Situation) -> Iterator[Advice]:
    """Tell where an own `[session]` moves the trading day or week of a preset.

    What counts is when the resets come: 18:00 in New York is 17:00 in Chicago.
    """
    preset, own = situation.settings.preset, situation.settings.session
    if preset is None or not preset.session:
        return
    firms = SessionSettings(**preset.session)
    for key in ("daily_reset", "weekly_reset"):
        is_theirs = key in preset.session or (key == "daily_reset" and "timezone" in preset.session)
        mine, theirs = getattr(own, key), getattr(firms, key)
        if (mine, own.timezone) == (theirs, firms.timezone) or not is_theirs:
            continue
        if _resets(mine, own.timezone) != _resets(theirs, firms.timezone):
            zones = [f" in {each.timezone}" for each in (own, firms)]
            here, there = zones if own.timezone != firms.timezone else ("", "")
            yield Advice(
                f'[session] {key} = "{mine}"{here} is not {preset.header.firm}\'s "{theirs}"{there}'
            )


def _resets(cron: str, zone: str) -> list[int]:
    """Return every instant of a year at which a schedule resets."""
    schedule, instants = ResetSchedule(cron, ZoneInfo(zone)), [_YEAR_NS[0]]
    while instants[-1] < _YEAR_NS[1]:
        instants.append(schedule.window(instants[-1]).end_ns)
    return instants


def _larger_limit(own: Any, theirs: Any) -> Iterator[str]:
    key = STRICTER_WHEN_SMALLER.get(own.type)
    if key is None or getattr(own, "floor_usd", None) is not None:
        return
    mine, firms = getattr(own, key), getattr(theirs, key)
    if mine is not None and firms is not None and mine > firms:
        yield f"{key} {shown(key, mine)}, not {shown(key, firms)}"


def _looser_choice(own: Any, theirs: Any) -> Iterator[str]:
    for key, order in _STRICT_TO_LOOSE.items():
        mine, firms = getattr(own, key, None), getattr(theirs, key, None)
        if mine in order and firms in order and order.index(mine) > order.index(firms):
            yield f'{key} "{mine}", not "{firms}"'


def _lower_floor(own: Any, theirs: Any) -> Iterator[str]:
    if own.type != "trailing_drawdown" or own.floor_usd is not None:
        return
    mine, firms = own.start_balance_usd, theirs.start_balance_usd
    if firms is not None and (mine is None or mine < firms):
        start = "at whatever balance is met" if mine is None else f"at {dollars(mine)}"
        yield f"it starts {start}, not at {dollars(firms)}"
    mine, firms = own.lock_at_usd, theirs.lock_at_usd
    if mine is not None and (firms is None or mine < firms):
        until = "never" if firms is None else f"at {dollars(firms)}"
        yield f"its floor stops at {dollars(mine)}, the firm's {until}"


def _lighter_micros(own: Any, theirs: Any) -> Iterator[str]:
    mine, firms = getattr(own, "micro_ratio", None) or 1, getattr(theirs, "micro_ratio", None) or 1
    if mine > firms:
        yield f"{mine} micros count as one contract, not {firms}"


def _uncounted_orders(own: Any, theirs: Any) -> Iterator[str]:
    if getattr(theirs, "include_working", False) and not own.include_working:
        yield "working entry orders do not count"


def _longer_hours(own: Any, theirs: Any) -> Iterator[str]:
    if own.type != "trading_hours":
        return
    mine, firms = (
        TradingWindows(rule.windows, ends_early_s=rule.flatten_before_close_s)
        for rule in (own, theirs)
    )
    symbols: set[str | None] = {None, *mine.own_symbols, *firms.own_symbols}
    more = [
        span
        for symbol in symbols
        if firms.is_restricted(symbol)
        for span in (
            subtract(_spans(mine, symbol), _spans(firms, symbol))
            if mine.is_restricted(symbol)
            else _spans(firms, symbol)
        )
    ]
    if more:
        longest_ns = max(span.end_ns - span.start_ns for span in more)
        yield f"its hours are longer, by up to {time_span(longest_ns // NS_PER_S)}"
    if theirs.holidays and not own.holidays:
        yield "it ignores holidays and early closes"


def _spans(windows: TradingWindows, symbol: str | None) -> list[Window]:
    """Return a year's windows, cut at its ends, which differ from zone to zone."""
    return intersect(windows.spans(symbol, *_YEAR_NS), [Window(*_YEAR_NS)])


def _larger_steps(own: Any, theirs: Any) -> Iterator[str]:
    if own.type != "scaling_plan":
        return
    if (own.basis, own.start_balance_usd) != (theirs.basis, theirs.start_balance_usd):
        return
    balances = {step.above_usd for rule in (own, theirs) for step in rule.steps}
    for balance_usd in sorted(balances, key=lambda each: (each is not None, each)):
        mine, firms = _allowed_above(own, balance_usd), _allowed_above(theirs, balance_usd)
        if mine > firms:
            where = "from the start" if balance_usd is None else f"above {dollars(balance_usd)}"
            yield f"{contracts(mine)} {where}, not {firms}"


def _allowed_above(plan: Any, balance_usd: float | None) -> int:
    """Return what a plan allows just above a balance; None is below every step but the first."""
    allowed = 0
    for step in plan.steps:
        if step.above_usd is None or (balance_usd is not None and step.above_usd <= balance_usd):
            allowed = int(step.max_contracts)
    return allowed


def _larger_symbol_limits(own: Any, theirs: Any) -> Iterator[str]:
    firms_limits: dict[str, int] = getattr(theirs, "limits", None) or {}
    for symbol, firms in firms_limits.items():
        mine = own.limits.get(symbol, getattr(own, "default", getattr(own, "limit", None)))
        if mine is None or mine > firms:
            yield f"{symbol} {'has no limit' if mine is None else mine}, not {firms}"


def _fewer_accounts(own: RuleSettings, theirs: RuleSettings) -> Iterator[str]:
    if not covers(own, theirs):
        yield f"it guards only {listed(own.accounts)}"


_COMPARISONS: tuple[Callable[[Any, Any], Iterator[str]], ...] = (
    _larger_limit,
    _looser_choice,
    _lower_floor,
    _lighter_micros,
    _uncounted_orders,
    _longer_hours,
    _larger_steps,
    _larger_symbol_limits,
    _fewer_accounts,
)

PRESET_ADVISERS = (rules_looser_than_the_firm, sessions_unlike_the_firms)
