"""Which way a setting tightens, declared beside it: `limit_usd: Annotated[PositiveUsd, LOWER]`.

A change that tightens holds at once, one that loosens waits for the daily reset. So every setting
says here how two of its values compare; where nothing can be said, a change waits either way.
"""

from collections.abc import Callable, Iterable
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, NamedTuple, get_args, get_origin, get_type_hints

import msgspec


class Effect(StrEnum):
    """What a change does to the protection of an account."""

    SAME = "same"
    TIGHTENS = "tightens"
    LOOSENS = "loosens"
    UNCLEAR = "unclear"
    """It may loosen, or depends on what comes."""
    FREE = "free"
    """It has no bearing on protection."""


type Judge = Callable[[Any, Any], Effect]
"""Takes what is in force and what is wanted."""


class Direction(NamedTuple):
    """How a change of one setting is judged."""

    judge: Judge
    is_joint: bool = False
    """Whether it judges whole tables, for keys that mean something only together."""
    has_parts: bool = False
    """Whether the fields of the structs in it each say how they are judged, or that they are."""


def joined(effects: Iterable[Effect]) -> Effect:
    """Return the effect of several changes that are made as one: partly looser is looser."""
    found = set(effects) - {Effect.SAME}
    for effect in (Effect.LOOSENS, Effect.UNCLEAR, Effect.TIGHTENS, Effect.FREE):
        if effect in found:
            return effect
    return Effect.SAME


def _opposite(effect: Effect) -> Effect:
    turned = {Effect.TIGHTENS: Effect.LOOSENS, Effect.LOOSENS: Effect.TIGHTENS}
    return turned.get(effect, effect)


def lower(*, none: Effect = Effect.LOOSENS) -> Direction:
    """Return that a lower number is tighter; `none` is what leaving it out does."""

    def judge(old: Any, new: Any) -> Effect:
        if old == new:
            return Effect.SAME
        if new is None:
            return none
        if old is None:
            return _opposite(none)
        return Effect.TIGHTENS if new < old else Effect.LOOSENS

    return Direction(judge)


def higher(*, none: Effect = Effect.LOOSENS) -> Direction:
    """Return that a higher number is tighter; `none` is what leaving it out does."""
    of_lower = lower(none=_opposite(none))
    return Direction(lambda old, new: _opposite(of_lower.judge(old, new)))


def ordered(*loosest_first: Any) -> Direction:
    """Return that of these words each is tighter than those before it; others cannot be compared.

    Neighbours may also do the same in some cases, as long as none is ever looser.
    """

    def judge(old: Any, new: Any) -> Effect:
        if old == new:
            return Effect.SAME
        if old not in loosest_first or new not in loosest_first:
            return Effect.UNCLEAR
        is_tighter = loosest_first.index(new) > loosest_first.index(old)
        return Effect.TIGHTENS if is_tighter else Effect.LOOSENS

    return Direction(judge)


def judged_by(judge: Judge) -> Direction:
    """Return a direction for values that take more than a comparison of numbers."""
    return Direction(judge, has_parts=True)


def together(judge: Judge) -> Direction:
    """Return a direction for keys that mean something only together.

    Each of them has this same direction; a change of one is a change of all.

    Args:
        judge: takes the whole tables, and looks at those keys alone.
    """
    return Direction(judge, is_joint=True, has_parts=True)


def as_one(**directions: Direction) -> Direction:
    """Return a direction for keys that make one limit, such as so many within so long.

    Were each taken by itself, half of a new limit and half of the old one would be stricter than
    both; so where one of them loosens all of them wait.
    """

    def judge(old: Any, new: Any) -> Effect:
        return joined(
            direction.judge(getattr(old, name), getattr(new, name))
            for name, direction in directions.items()
        )

    return together(judge)


def counted_in(unit: str, name: str, direction: Direction) -> Direction:
    """Return a direction for a number that means something else when another key changes.

    Args:
        unit: the key that says what is counted.
        name: the key of the number itself.
        direction: how two numbers compare that count the same.
    """

    def judge(old: Any, new: Any) -> Effect:
        effect = direction.judge(getattr(old, name), getattr(new, name))
        return effect if getattr(old, unit) == getattr(new, unit) else Effect.UNCLEAR

    return together(judge)


def _always(effect: Effect) -> Direction:
    return Direction(lambda old, new: Effect.SAME if old == new else effect)


LOWER = lower()
"""A lower number is tighter, and without a number nothing is checked."""
HIGHER = higher()
"""A higher number is tighter, and without a number nothing is done."""
ON = ordered(False, True)
"""Switched on it is tighter."""
UNCLEAR = _always(Effect.UNCLEAR)
"""Neither way is tighter in all that may come."""
FREE = _always(Effect.FREE)
"""It has no bearing on protection."""
PART = Direction(lambda old, new: Effect.SAME if old == new else Effect.UNCLEAR)
"""Judged with the whole that it is a part of, which knows this field."""
EACH = Direction(lambda old, new: Effect.SAME if old == new else Effect.UNCLEAR, has_parts=True)
"""What is in it is matched and judged one by one (`app/settings_compare.py`)."""


@cache
def directions_of(struct: type[msgspec.Struct]) -> dict[str, Direction | None]:
    """Return the direction of each field by name, None for one that declares none."""
    hints = get_type_hints(struct, include_extras=True)
    return {name: _direction_in(hints[name]) for name in struct.__struct_fields__}


def without_direction(hint: Any) -> Any:
    """Return a type without the direction in it."""
    if get_origin(hint) is not Annotated:
        return hint
    inner, *marks = get_args(hint)
    others = tuple(mark for mark in marks if not isinstance(mark, Direction))
    return Annotated[inner, *others] if others else inner


def _direction_in(hint: Any) -> Direction | None:
    marks = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    return next((mark for mark in marks if isinstance(mark, Direction)), None)


def adding_tightens(old: Iterable[Any], new: Iterable[Any]) -> Effect:
    """Return the effect of a change of a set of things each of which protects."""
    before, after = set(old), set(new)
    if before - after:
        return Effect.LOOSENS
    return Effect.TIGHTENS if after - before else Effect.SAME
