"""The settings that hold now, out of those in force and those wanted.

What tightens or has no bearing on protection is taken at once; the rest stays as it is in force.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

import msgspec

from risk_actors.app.settings import Settings
from risk_actors.app.settings_compare import (
    Change,
    changes_of_field,
    changes_of_keys,
    changes_of_news,
    changes_of_rule,
    changes_of_rules,
    is_table,
)
from risk_actors.core.direction import Effect
from risk_actors.core.news import NewsEvent
from risk_actors.core.rules import RuleSettings

AT_RESET = "the daily reset"

_AT_ONCE = (Effect.TIGHTENS, Effect.FREE)


class Merged(NamedTuple):
    """What holds, what is new in it, and what waits."""

    settings: Settings
    applied: tuple[Change, ...]
    pending: tuple[Change, ...]


class _Part[T](NamedTuple):
    """A part of the settings, merged."""

    value: T
    changes: tuple[Change, ...]
    """Those that wait say until when."""


def merge(
    in_force: Settings, wanted: Settings, *, until: str = AT_RESET, now_ns: int = 0
) -> Merged:
    """Return the settings that hold until the reset; nothing in them is looser than in force.

    Args:
        in_force: what holds.
        wanted: what the files say.
        until: when the rest of it will hold, in words.
        now_ns: news that is over by then protects no more.
    """
    tables = _merged_tables(in_force, wanted, until)
    rules = _merged_rules(in_force.rules, wanted.rules, until)
    news = _merged_news(in_force.news, wanted.news, until, now_ns)
    changes = (*tables.changes, *rules.changes, *news.changes)
    return Merged(
        settings=msgspec.structs.replace(tables.value, rules=rules.value, news=news.value),
        applied=tuple(change for change in changes if change.until is None),
        pending=tuple(change for change in changes if change.until is not None),
    )


def _timed(changes: Iterable[Change], until: str) -> tuple[Change, ...]:
    """Return the changes, those that wait with when they will hold."""
    return tuple(
        change if change.effect in _AT_ONCE else change._replace(until=until) for change in changes
    )


def _merged_tables(in_force: Settings, wanted: Settings, until: str) -> _Part[Settings]:
    fields: dict[str, Any] = {}
    changes: list[Change] = []
    for change in _timed(changes_of_keys(in_force, wanted), until):
        changes.append(change)
        if change.until is None:
            fields[change.key] = change.new
    for name in Settings.__struct_fields__:
        old, new = getattr(in_force, name), getattr(wanted, name)
        if is_table(old):
            part = _merged_table(old, new, partial(changes_of_field, name), until)
            fields[name] = part.value
            changes += part.changes
    return _Part(msgspec.structs.replace(in_force, **fields), tuple(changes))


def _merged_table[T: msgspec.Struct](
    old: T, new: T, compare: Callable[[T, T], Iterable[Change]], until: str
) -> _Part[T]:
    """Return a table with what may change at once, or as it is where that would be no good."""
    changes = _timed(compare(old, new), until)
    taken = {change.key: change.new for change in changes if change.until is None}
    if len(taken) == len(changes):
        return _Part(new, changes)
    try:
        merged = msgspec.structs.replace(old, **taken)
    except ValueError as error:
        return _Part(old, _all_waiting(changes, until, f"without what waits, {error}"))
    # What tightens only together with something that waits must wait as well.
    if any(change.effect not in _AT_ONCE for change in compare(old, merged)):
        return _Part(old, _all_waiting(changes, until, "it does not tighten without what waits"))
    return _Part(merged, changes)


def _all_waiting(changes: tuple[Change, ...], until: str, why: str) -> tuple[Change, ...]:
    return tuple(
        change._replace(until=until, reason=why if change.until is None else "")
        for change in changes
    )


def _merged_rules(
    in_force: tuple[RuleSettings, ...], wanted: tuple[RuleSettings, ...], until: str
) -> _Part[tuple[RuleSettings, ...]]:
    """Return the rules in the order of those wanted, then those that wait to go."""
    before = {rule.id: rule for rule in in_force}
    rules: list[RuleSettings] = []
    changes: list[Change] = []
    for rule in wanted:
        old = before.pop(rule.id, None)
        if old is None:
            rules.append(rule)
            changes += changes_of_rules((), (rule,))
        elif type(old) is not type(rule):
            rules.append(old)
            changes += _timed(changes_of_rule(old, rule), until)
        else:
            part = _merged_table(old, rule, changes_of_rule, until)
            rules.append(part.value)
            changes += part.changes
    for old in before.values():
        gone = _timed(changes_of_rules((old,), ()), until)
        rules += [old] if gone[0].until is not None else []
        changes += gone
    return _Part(tuple(rules), tuple(changes))


def _merged_news(
    in_force: tuple[NewsEvent, ...], wanted: tuple[NewsEvent, ...], until: str, now_ns: int
) -> _Part[tuple[NewsEvent, ...]]:
    changes = _timed(changes_of_news(in_force, wanted, now_ns), until)
    kept = [change.old for change in changes if change.until is not None]
    if not kept:
        return _Part(wanted, changes)
    events = sorted(
        dict.fromkeys((*wanted, *kept)),
        key=lambda event: (event.at_ns, event.name, event.symbols),
    )
    return _Part(tuple(events), changes)
