"""Which way a setting tightens, in words: found by asking the code that judges every change.

Nothing is said here on faith: each sentence is what `app.settings_compare` answers about two tables
that differ in that key alone.
"""

import tomllib
from collections.abc import Iterator, Mapping
from enum import Enum
from itertools import permutations
from typing import Any

import msgspec

from risk_actors.app.settings_compare import changes_of_table
from risk_actors.core.direction import FREE, UNCLEAR, Effect, directions_of
from risk_actors.core.rules import Rule, RuleSettings
from risk_actors.core.rules.examples import example_of

NO_BEARING = "no bearing"
"""Of what does not protect: a change holds at once."""
WAITS = "neither: every change waits"
"""Of what is tighter in no direction for all that may come."""
_SOME_NUMBER = 10
"""Stands for a number that an example leaves out."""

_PAIRS: dict[tuple[str, str], tuple[str, Any, Any]] = {
    ("*", "warn_at"): ("more of them", [0.5], [0.5, 0.8]),
    ("*", "lock"): ('`existing = "flatten"`', None, {"existing": "flatten"}),
    ("max_contracts_per_instrument", "limits"): ("lower ones", {"ES": 5}, {"ES": 4}),
    ("max_order_size", "limits"): ("lower ones", {"ES": 5}, {"ES": 4}),
    ("trading_hours", "windows"): (
        "less time",
        [{"days": ["Mon-Fri"], "start": "08:30", "end": "15:10"}],
        [{"days": ["Mon-Fri"], "start": "08:30", "end": "15:00"}],
    ),
    ("trade_cooldown", "tiers"): (
        "longer ones",
        [{"loss_usd": 300, "seconds": 900}],
        [{"loss_usd": 300, "seconds": 1800}],
    ),
    ("scaling_plan", "steps"): ("fewer contracts", [{"max_contracts": 3}], [{"max_contracts": 2}]),
    ("symbol_block", "blocked"): ("more symbols", ["MBT"], ["MBT", "MET"]),
    ("symbol_block", "allowed"): ("fewer symbols", ["ES", "NQ"], ["ES"]),
    ("news_blackout", "symbols"): ("more symbols; none named is all", ["ES"], []),
}
"""For what is neither number nor word: how to say what is tighter, and a looser and a tighter
value that prove it. By rule (`*` for every one) and key."""


_EXAMPLES: dict[tuple[str, str], dict[str, Any]] = {
    ("profit_giveback", "giveback_usd"): {"arm_at_usd": 500, "giveback_usd": 200},
    ("symbol_block", "blocked"): {},
    ("symbol_block", "allowed"): {},
    ("scaling_plan", "start_balance_usd"): {
        "steps": [{"max_contracts": 2}, {"above_usd": 1500, "max_contracts": 3}],
        "basis": "profit",
        "start_balance_usd": 50_000,
    },
    ("*", "until"): {"until": "daily_reset"},
}
"""The table to ask with, for keys that the rule's own example cannot have beside its others."""


class NotAsSaidError(Exception):
    """The code judges a change otherwise than the table of pairs says."""


def tightening_of_rule(rule: type[Rule[Any, Any]]) -> dict[str, str]:
    """Return what is tighter, by key, for the keys of a rule."""
    kind = str(rule.Settings.__struct_config__.tag)
    (table,) = tomllib.loads(example_of(kind))["rules"]
    return _of_table(rule.Settings, table, kind, leaving_out=RuleSettings.__struct_fields__)


def tightening_of_table(
    struct: type[msgspec.Struct],
    example: Mapping[str, Any] | None = None,
    *,
    is_free: bool = False,
) -> dict[str, str]:
    """Return what is tighter, by key, for a table of settings.

    Args:
        struct: the table.
        example: one that is valid; an empty one where every key has a default.
        is_free: whether nothing in it has a bearing on protection.
    """
    if is_free:
        return {field.encode_name: NO_BEARING for field in msgspec.structs.fields(struct)}
    return _of_table(struct, example or {}, "*")


def _of_table(
    struct: type[msgspec.Struct],
    table: Mapping[str, Any],
    kind: str,
    leaving_out: tuple[str, ...] = (),
) -> dict[str, str]:
    found = {}
    for field in msgspec.structs.fields(struct):
        if field.name in leaving_out:
            continue
        own = _EXAMPLES.get((kind, field.name))
        base = table if own is None else {**own, **({"id": "some"} if "id" in table else {})}
        pair = _PAIRS.get((kind, field.name)) or _PAIRS.get(("*", field.name))
        found[field.encode_name] = (
            _by_asking(struct, base, field)
            if pair is None
            else _proven(struct, base, field.name, *pair)
        )
    return found


def _proven(
    struct: type[msgspec.Struct],
    table: Mapping[str, Any],
    key: str,
    words: str,
    loose: Any,
    tight: Any,
) -> str:
    effect = _effect(struct, table, key, loose, tight)
    if effect is not Effect.TIGHTENS:
        raise NotAsSaidError(f"{struct.__name__}.{key}: from {loose} to {tight} is {effect}")
    return words


def _by_asking(
    struct: type[msgspec.Struct], table: Mapping[str, Any], field: msgspec.structs.FieldInfo
) -> str:
    key, direction = field.name, directions_of(struct)[field.name]
    if direction is UNCLEAR or direction is FREE:
        return WAITS if direction is UNCLEAR else NO_BEARING
    value = getattr(msgspec.convert(table, struct), key)
    words = _words(struct, key)
    if words:
        return _of_words(struct, table, key, words)
    if isinstance(value, bool):
        up = _effect(struct, table, key, False, True)
        return _one_way(up, "`true`", "`false`")
    if value is None or isinstance(value, int | float):
        which = _of_number(struct, table, key, value)
        if field.required or field.default is not None:
            return which
        without = _effect(struct, table, key, value or _SOME_NUMBER, None)
        left_out = {Effect.LOOSENS: "; left out: looser", Effect.TIGHTENS: "; left out: tighter"}
        return which + ("" if without is None else left_out.get(without, ""))
    raise NotAsSaidError(f"{struct.__name__}.{key}: `_PAIRS` does not say what is tighter")


def _of_number(struct: type[msgspec.Struct], table: Mapping[str, Any], key: str, value: Any) -> str:
    """Return which of two numbers is tighter."""
    middle = value or _SOME_NUMBER
    for low, high in ((middle, middle * 2), (middle / 2, middle), (middle - 1, middle)):
        pair = (int(low), int(high)) if isinstance(middle, int) else (low, high)
        up = _effect(struct, table, key, *pair)
        if up is not None and up is not Effect.SAME:
            return _one_way(up, "higher", "lower")
    raise NotAsSaidError(
        f"{struct.__name__}.{key}: no two numbers make a difference beside {table}"
    )


def _of_words(
    struct: type[msgspec.Struct], table: Mapping[str, Any], key: str, words: tuple[str, ...]
) -> str:
    tighter = [
        f'`"{new}"` than `"{old}"`'
        for old, new in permutations(words, 2)
        if _effect(struct, table, key, old, new) is Effect.TIGHTENS
    ]
    looser = [
        f'`"{new}"` is looser than `"{old}"`'
        for old, new in permutations(words, 2)
        if _effect(struct, table, key, old, new) is Effect.LOOSENS
        and _effect(struct, table, key, new, old) is not Effect.TIGHTENS
    ]
    free = {_effect(struct, table, key, *pair) for pair in permutations(words, 2)}
    if free == {Effect.FREE}:
        return NO_BEARING
    return "; ".join([*tighter, *looser]) or WAITS


def _one_way(up: Effect | None, higher: str, lower: str) -> str:
    named = {Effect.TIGHTENS: higher, Effect.LOOSENS: lower, Effect.FREE: NO_BEARING}
    return WAITS if up is None else named.get(up, WAITS)


def _effect(
    struct: type[msgspec.Struct], table: Mapping[str, Any], key: str, old: Any, new: Any
) -> Effect | None:
    """Return what a change of one key does; None where a value may not stand there."""
    try:
        before, after = (msgspec.convert(_with(table, key, value), struct) for value in (old, new))
    except (msgspec.ValidationError, ValueError):
        return None
    effects = [each.effect for each in changes_of_table(before, after, "") if each.key == key]
    return effects[0] if effects else Effect.SAME


def _with(table: Mapping[str, Any], key: str, value: Any) -> dict[str, Any]:
    """Return a table with a key set, or left out where the value is None."""
    others = {name: each for name, each in table.items() if name != key}
    return others if value is None else {**others, key: value}


def _words(struct: type[msgspec.Struct], key: str) -> tuple[str, ...]:
    """Return the words that may stand for a key, none where it takes others."""
    return tuple(_words_in(msgspec.inspect.type_info(struct), key))


def _words_in(info: Any, key: str) -> Iterator[str]:
    (kind,) = (field.type for field in info.fields if field.name == key)
    options = kind.types if isinstance(kind, msgspec.inspect.UnionType) else (kind,)
    for option in options:
        if isinstance(option, msgspec.inspect.EnumType):
            members: Iterator[Enum] = iter(option.cls)
            yield from (str(member.value) for member in members)


def shared_tightening() -> dict[str, str]:
    """Return what is tighter for the keys that every rule has."""
    return _of_table(RuleSettings, {"id": "some"}, "*")
