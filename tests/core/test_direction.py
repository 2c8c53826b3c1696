"""How two values of a setting compare."""

from typing import Annotated, Any, get_type_hints

import msgspec
import pytest
from core.builders import NOON, H
from hypothesis import given, settings
from hypothesis import strategies as st

from risk_actors.core.direction import (
    EACH,
    FREE,
    HIGHER,
    LOWER,
    ON,
    PART,
    UNCLEAR,
    Direction,
    Effect,
    adding_tightens,
    as_one,
    counted_in,
    directions_of,
    higher,
    joined,
    lower,
    ordered,
    without_direction,
)
from risk_actors.core.trading_windows import TradingWindow, TradingWindows, windows_effect

SAME, TIGHTENS, LOOSENS = Effect.SAME, Effect.TIGHTENS, Effect.LOOSENS
WORDS = ordered("keep", None, "flatten")


@pytest.mark.parametrize(
    ("direction", "old", "new", "effect"),
    [
        (LOWER, 2, 1, TIGHTENS),
        (LOWER, 1, 2, LOOSENS),
        (LOWER, 1, 1.0, SAME),
        (LOWER, None, 2, TIGHTENS),
        (LOWER, 2, None, LOOSENS),
        (LOWER, None, None, SAME),
        (LOWER, 1, 0, TIGHTENS),
        (lower(none=TIGHTENS), 2, None, TIGHTENS),
        (lower(none=TIGHTENS), None, 2, LOOSENS),
        (lower(none=Effect.UNCLEAR), None, 2, Effect.UNCLEAR),
        (HIGHER, 1, 2, TIGHTENS),
        (HIGHER, 2, 1, LOOSENS),
        (HIGHER, None, 1, TIGHTENS),
        (HIGHER, 1, None, LOOSENS),
        (HIGHER, -5, -4, TIGHTENS),
        (higher(none=TIGHTENS), 1, None, TIGHTENS),
        (higher(none=Effect.UNCLEAR), 1, None, Effect.UNCLEAR),
        (higher(none=Effect.UNCLEAR), None, 1, Effect.UNCLEAR),
        (ON, False, True, TIGHTENS),
        (ON, True, False, LOOSENS),
        (WORDS, "keep", "flatten", TIGHTENS),
        (WORDS, "keep", None, TIGHTENS),
        (WORDS, "flatten", None, LOOSENS),
        (WORDS, "flatten", "other", Effect.UNCLEAR),
        (UNCLEAR, 1, 2, Effect.UNCLEAR),
        (UNCLEAR, 1, 1, SAME),
        (FREE, 1, 2, Effect.FREE),
        (PART, 1, 2, Effect.UNCLEAR),
        (EACH, 1, 2, Effect.UNCLEAR),
    ],
)
def test_two_values(direction: Direction, old: Any, new: Any, effect: Effect) -> None:
    assert direction.judge(old, new) is effect


@pytest.mark.parametrize(
    ("effects", "whole"),
    [
        ([], SAME),
        ([SAME, TIGHTENS], TIGHTENS),
        ([TIGHTENS, LOOSENS], LOOSENS),
        ([TIGHTENS, Effect.UNCLEAR], Effect.UNCLEAR),
        ([LOOSENS, Effect.UNCLEAR], LOOSENS),
        ([Effect.FREE, TIGHTENS], TIGHTENS),
        ([Effect.FREE, SAME], Effect.FREE),
    ],
)
def test_several_changes_made_as_one(effects: list[Effect], whole: Effect) -> None:
    assert joined(effects) is whole


def test_a_set_of_things_that_protect() -> None:
    assert adding_tightens([1], [2, 1]) is TIGHTENS
    assert adding_tightens([1, 2], [1]) is LOOSENS
    assert adding_tightens([1, 2], [1, 3]) is LOOSENS
    assert adding_tightens([1, 2], [2, 1, 1]) is SAME


class Burst(msgspec.Struct):
    """Keys that make one limit, and some of another kind."""

    most: Annotated[int, msgspec.Meta(gt=0), as_one(most=LOWER, window=HIGHER)] = 3
    window: Annotated[int, as_one(most=LOWER, window=HIGHER)] = 60
    number: Annotated[int | None, counted_in("unit", "number", LOWER)] = 9
    unit: Annotated[str, UNCLEAR] = "trades"
    forgotten: int = 0


def judged(name: str, old: Burst, new: Burst) -> Effect:
    direction = directions_of(Burst)[name]
    assert direction is not None
    assert direction.is_joint
    return direction.judge(old, new)


def test_keys_that_make_one_limit() -> None:
    assert judged("most", Burst(), Burst(most=2, window=90)) is TIGHTENS
    assert judged("window", Burst(), Burst(most=2, window=30)) is LOOSENS


def test_a_number_of_something_else() -> None:
    assert judged("number", Burst(), Burst(number=3)) is TIGHTENS
    assert judged("number", Burst(), Burst(number=3, unit="fills")) is Effect.UNCLEAR


def test_a_field_without_a_direction_is_told() -> None:
    assert directions_of(Burst)["forgotten"] is None


def test_a_type_without_its_direction_is_what_it_was() -> None:
    hints = get_type_hints(Burst, include_extras=True)
    assert without_direction(hints["most"]) == Annotated[int, msgspec.Meta(gt=0)]
    assert without_direction(hints["number"]) == int | None
    assert without_direction(hints["forgotten"]) is int


TIMES = [f"{hour:02}:{minute:02}" for hour in (0, 5, 8, 9, 12, 17, 23) for minute in (0, 30)]
WINDOWS = st.lists(
    st.builds(
        TradingWindow,
        days=st.sampled_from([("Mon-Fri",), ("Sun-Thu",), ("Sun",), ("Mon", "Wed"), ("Sat",)]),
        start=st.sampled_from(TIMES),
        end=st.sampled_from(TIMES),
        zone=st.sampled_from(["America/Chicago"] * 4 + ["Europe/London"]),
        symbols=st.sampled_from([(), (), ("ES",)]),
    ),
    min_size=1,
    max_size=4,
).map(tuple)
DAYLIGHT_SAVING_ENDS_NS = NOON - 17 * 24 * H
"""About then; the windows of a fortnight are looked at in steps of half an hour."""


@settings(derandomize=True, database=None, deadline=None, max_examples=120)
@given(old=WINDOWS, new=WINDOWS, drops=st.booleans())
def test_less_time_is_less_at_every_instant(
    old: tuple[TradingWindow, ...], new: tuple[TradingWindow, ...], *, drops: bool
) -> None:
    new = old[1:] if drops and old[1:] else new
    effect = windows_effect(old, new)
    if effect not in (SAME, TIGHTENS):
        return
    was, now = TradingWindows(old), TradingWindows(new)
    for symbol in ("ES", "NQ"):
        for step in range(0, 18 * 48, 3):
            at_ns = DAYLIGHT_SAVING_ENDS_NS + step * H // 2
            if _may_trade(now, symbol, at_ns):
                assert _may_trade(was, symbol, at_ns), (symbol, at_ns)


def _may_trade(windows: TradingWindows, symbol: str, at_ns: int) -> bool:
    return not windows.is_restricted(symbol) or windows.span_at(symbol, at_ns) is not None
