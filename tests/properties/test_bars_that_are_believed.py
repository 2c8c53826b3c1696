"""A market that moves as markets do is believed to the tick, one bad number is not (I10)."""

from decimal import Decimal

import msgspec
from core.builders import NOON, S
from hypothesis import given
from hypothesis import strategies as st

from risk_actors.core.bar_filter import believed_bars
from risk_actors.core.broker import Bar
from risk_actors.core.price_bounds import BOUNDS, reach_after

TICK = Decimal("0.25")
BASE = 80_000
"""In ticks: 20,000, where the bounds of an index allow 64 ticks at once."""
STEPS_PER_BAR = 4

STEPS = st.lists(st.integers(-16, 16), min_size=3 * STEPS_PER_BAR, max_size=12 * STEPS_PER_BAR)
WIDTHS = st.sampled_from([1, 60])


def bars_of(steps: list[int], width_s: int) -> list[Bar]:
    """Return the bars of a walk that moves by so many ticks a time."""
    ticks, walked = BASE, []
    for step in steps:
        ticks += step
        walked.append(ticks * TICK)
    whole = len(walked) // STEPS_PER_BAR
    return [
        Bar(
            start_ns=NOON + number * width_s * S,
            end_ns=NOON + (number + 1) * width_s * S,
            high=max(walked[number * STEPS_PER_BAR : (number + 1) * STEPS_PER_BAR]),
            low=min(walked[number * STEPS_PER_BAR : (number + 1) * STEPS_PER_BAR]),
        )
        for number in range(whole)
    ]


def believed(bars: list[Bar]) -> dict[Bar, Bar]:
    return believed_bars(bars, (), TICK, BOUNDS["MNQ"])


@given(steps=STEPS, width_s=WIDTHS)
def test_a_market_without_a_jump_is_believed_to_the_tick(steps: list[int], width_s: int) -> None:
    bars = bars_of(steps, width_s)

    assert believed(bars) == {bar: bar for bar in bars}


@given(steps=STEPS, width_s=WIDTHS, where=st.integers(0, 11), bad=st.integers(1, 400_000))
def test_i10_one_bad_number_is_never_believed_far_beyond_what_was(
    steps: list[int], width_s: int, where: int, bad: int
) -> None:
    bars = bars_of(steps, width_s)
    place = where % len(bars)
    price = bad * TICK
    hit = bars[place]
    told = [*bars]
    told[place] = msgspec.structs.replace(hit, high=max(hit.high, price), low=min(hit.low, price))

    parts = believed(told)

    highest, lowest = max(bar.high for bar in bars), min(bar.low for bar in bars)
    jump = BOUNDS["MNQ"].jump_share * highest
    bound = reach_after(jump, highest, width_s * S)
    assert all(lowest - bound <= part.low for part in parts.values())
    assert all(part.high <= highest + bound for part in parts.values())
