"""Which prices of bars are believed: one bad number never makes a peak (I10).

A bar is told once and nobody repeats it, so what was beside it in time is its witness: the bar
before it, the bar after it, fills, and the price that is known now. An extreme is believed where it
comes within the bounds of a witness, which grow with the time between, as for quotes
(`core.price_bounds`). One beyond them is taken only as far as a witness went itself; a bar that is
beyond them as a whole, or off the tick grid, is dropped.

So a fast market is believed, where each bar reaches near to the next, and so is a market that
jumped and stayed. A price of one bar alone is not, though it may have been: a peak that is lost
costs less than one that never was.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

import msgspec

from risk_actors.core.broker import Bar
from risk_actors.core.mark_filter import GRID_TOLERANCE
from risk_actors.core.price_bounds import PriceBounds, reach_after


class SeenPrice(NamedTuple):
    """A price that was known at an instant: a fill's, or the mark."""

    at_ns: int
    price: Decimal


class _Witness(NamedTuple):
    gap_ns: int
    """How far in time it is from the bar; 0 beside it or within it."""
    low: Decimal
    high: Decimal


class _Beside:
    """Finds what was beside a bar."""

    def __init__(self, bars: Sequence[Bar], seen: Iterable[SeenPrice]) -> None:
        self._bars = bars
        self._starts = [bar.start_ns for bar in bars]
        self._ends = [bar.end_ns for bar in bars]
        self._seen = sorted(seen)
        self._seen_ns = [price.at_ns for price in self._seen]

    def of(self, bar: Bar) -> list[_Witness]:
        """Return the nearest witnesses: those as near as the nearest one, give or take a bar."""
        found: list[_Witness] = []
        before = bisect_right(self._ends, bar.start_ns)
        if before:
            last = self._bars[before - 1]
            found.append(_Witness(bar.start_ns - last.end_ns, last.low, last.high))
        after = bisect_left(self._starts, bar.end_ns)
        if after < len(self._bars):
            first = self._bars[after]
            found.append(_Witness(first.start_ns - bar.end_ns, first.low, first.high))
        begin = bisect_left(self._seen_ns, bar.start_ns)
        end = bisect_right(self._seen_ns, bar.end_ns)
        for at_ns, price in self._seen[max(begin - 1, 0) : end + 1]:
            gap_ns = max(bar.start_ns - at_ns, at_ns - bar.end_ns, 0)
            found.append(_Witness(gap_ns, price, price))
        if not found:
            return []
        far_ns = min(witness.gap_ns for witness in found) + bar.end_ns - bar.start_ns
        return [witness for witness in found if witness.gap_ns <= far_ns]


def believed_bars(
    bars: Iterable[Bar], seen: Iterable[SeenPrice], tick_size: Decimal, bounds: PriceBounds
) -> dict[Bar, Bar]:
    """Return each bar that is believed, oldest first, with what is believed of it.

    Args:
        bars: those of one contract, of one width.
        seen: prices of the contract that are known by other means.
        tick_size: the distance between two prices of it.
        bounds: how far its price may go at once.
    """
    told = sorted(
        (b for b in bars if _is_on_grid(b.low, tick_size) and _is_on_grid(b.high, tick_size)),
        key=lambda bar: bar.start_ns,
    )
    beside = _Beside(told, seen)
    least_jump = bounds.jump_ticks * tick_size
    found: dict[Bar, Bar] = {}
    for bar in told:
        part = _believed_part(bar, beside.of(bar), bounds.jump_share, least_jump)
        if part is not None:
            found[bar] = part
    return found


def _believed_part(
    bar: Bar, witnesses: Sequence[_Witness], jump_share: Decimal, least_jump: Decimal
) -> Bar | None:
    """Return the bar as far as its witnesses go along, or None where they do not at all."""
    if not witnesses:
        return None
    top, bottom = max(w.high for w in witnesses), min(w.low for w in witnesses)
    if bottom <= bar.low and bar.high <= top:
        return bar
    width_ns = bar.end_ns - bar.start_ns
    highest, lowest = top, bottom
    for witness in witnesses:
        jump = max(jump_share * witness.low, least_jump)
        reach = reach_after(jump, witness.low, witness.gap_ns + width_ns)
        highest, lowest = max(highest, witness.high + reach), min(lowest, witness.low - reach)
    if bar.low > highest or bar.high < lowest:
        return None
    high = bar.high if bar.high <= highest else max(top, bar.low)
    low = bar.low if bar.low >= lowest else min(bottom, bar.high)
    return msgspec.structs.replace(bar, low=low, high=high)


def _is_on_grid(price: Decimal, tick_size: Decimal) -> bool:
    if not price.is_finite():
        return False
    try:
        beyond = price % tick_size
    except InvalidOperation:  # more ticks than a decimal has digits
        return False
    return min(beyond, tick_size - beyond) <= tick_size * GRID_TOLERANCE
