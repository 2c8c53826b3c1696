"""Which prices of bars are believed: a chain of bars, and no lone one beyond the bounds (I10)."""

from decimal import Decimal

import pytest
from core.builders import NOON, S, dec

from risk_actors.core.bar_filter import SeenPrice, believed_bars
from risk_actors.core.broker import Bar
from risk_actors.core.price_bounds import BOUNDS

TICK = Decimal("0.25")
MINUTE = 60
type Range = tuple[float, float]


def bars_of(ranges: list[Range], width_s: int = 1) -> list[Bar]:
    return [
        Bar(
            start_ns=NOON + number * width_s * S,
            end_ns=NOON + (number + 1) * width_s * S,
            high=dec(high),
            low=dec(low),
        )
        for number, (low, high) in enumerate(ranges)
    ]


def believed(bars: list[Bar], *seen: SeenPrice) -> list[Range | None]:
    found = believed_bars(bars, seen, TICK, BOUNDS["MNQ"])
    parts = [found.get(bar) for bar in bars]
    return [None if part is None else (float(part.low), float(part.high)) for part in parts]


QUIET: Range = (20000, 20001)


@pytest.mark.parametrize("width_s", [1, MINUTE])
@pytest.mark.parametrize(
    ("odd", "expected"),
    [
        ((20000, 21100), QUIET),
        ((18900, 20001), QUIET),
        ((18900, 21100), QUIET),
        ((21000, 21100), None),
        ((18000, 18100), None),
        ((200000, 200010), None),
        ((20000.5, 21100), (20000.5, 20001)),
        ((20010, 21100), (20010, 20010)),
        ((20000, 20001.10), None),
        ((20000, 20015), (20000, 20015)),
    ],
    ids=[
        "high",
        "low",
        "both",
        "as a whole above",
        "as a whole below",
        "a misplaced decimal point",
        "its good end stays",
        "its good end is beyond its neighbours",
        "off the grid",
        "within the bounds",
    ],
)
def test_i10_one_bad_bar_is_believed_only_as_far_as_what_is_beside_it(
    width_s: int, odd: Range, expected: Range | None
) -> None:
    bars = bars_of([QUIET] * 5 + [odd] + [QUIET] * 5, width_s)

    assert believed(bars) == [QUIET] * 5 + [expected] + [QUIET] * 5


@pytest.mark.parametrize(
    ("width_s", "ranges"),
    [
        (1, [QUIET, (20001, 20045), (20040, 20100), (20095, 20150), (20120, 20148)]),
        (1, [QUIET, QUIET, (20150, 20190), (20160, 20185), (20155, 20200)]),
        (1, [QUIET, (19940, 20001), (19850, 19945), (19860, 19900), (19880, 19920)]),
        (MINUTE, [QUIET, (19880, 20110), (19950, 20180), (20080, 20290), (20100, 20240)]),
        (MINUTE, [(20000, 20030), (20010, 20120), (20020, 20060)]),
    ],
    ids=[
        "a rise, each second near the next",
        "a jump that stayed",
        "a fall and the way back",
        "minutes after the news",
        "a minute's spike of what a minute may do",
    ],
)
def test_a_fast_market_is_believed(width_s: int, ranges: list[Range]) -> None:
    assert believed(bars_of(ranges, width_s)) == ranges


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ((), QUIET),
        ((SeenPrice(NOON + S + S // 2, dec(20100)),), (20000, 20110)),
        ((SeenPrice(NOON + 3 * S, dec(20100)),), (20000, 20110)),
        ((SeenPrice(NOON + 600 * S, dec(20100)),), QUIET),
    ],
    ids=["nothing", "a fill within it", "the price of a second later", "one of long after"],
)
def test_a_price_known_by_other_means_bears_a_bar_out(
    seen: tuple[SeenPrice, ...], expected: Range
) -> None:
    bars = bars_of([QUIET, (20000, 20110)])

    assert believed(bars, *seen)[1] == expected


def test_a_bar_with_nothing_beside_it_is_not_believed() -> None:
    assert believed(bars_of([QUIET])) == [None]


def test_a_bar_told_twice_is_not_its_own_witness() -> None:
    quiet, odd, after = bars_of([QUIET, (20000, 21100), QUIET])
    again = Bar(start_ns=odd.start_ns, end_ns=odd.end_ns, high=dec(21101), low=odd.low)

    assert believed([quiet, odd, again, after]) == [QUIET] * 4


def test_after_a_pause_the_session_bears_itself_out_and_not_what_was_before() -> None:
    before, _ = bars_of([QUIET, QUIET])
    later = [
        Bar(start_ns=NOON + 3600 * S + n * S, end_ns=NOON + 3601 * S + n * S, high=high, low=low)
        for n, (low, high) in enumerate([(dec(20400), dec(20900)), (dec(20401), dec(20410))])
    ]

    assert believed([before, *later])[1:] == [(20400, 20410), (20401, 20410)]
