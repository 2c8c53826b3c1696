"""Price bars: what was traded since the start, and a seeded past before it.

The past is a walk backwards from the starting price, the same for the same seed, contract and
unit, so that every request sees one consistent history.
"""

from collections import deque
from collections.abc import Iterator
from decimal import Decimal
from random import Random

import msgspec

from risk_actors.simulator.contracts import Contract
from risk_actors.simulator.payloads import Row, timestamp

_NS_PER_S = 1_000_000_000
_SECONDS_KEPT = 86_400
UNIT_S = {1: 1, 2: 60, 3: 3600, 4: 86_400, 5: 604_800, 6: 2_592_000, 7: 1}
"""Seconds of a bar unit by the Gateway's number: s, min, h, d, w, mo, tick (one second here)."""


class Bar(msgspec.Struct):
    """Open, high, low, close and volume of the time from `start_ns`."""

    start_ns: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int

    def row(self) -> Row:
        """Return the Gateway's form of the bar."""
        return {
            "t": timestamp(self.start_ns),
            "o": self.open,
            "h": self.high,
            "l": self.low,
            "c": self.close,
            "v": self.volume,
        }


class BarHistory:
    """Bars of one contract."""

    def __init__(self, contract: Contract, *, seed: int, start_ns: int) -> None:
        self._contract = contract
        self._seed = seed
        self._start_ns = start_ns
        self._seconds: deque[Bar] = deque(maxlen=_SECONDS_KEPT)

    def on_price(self, price: Decimal, now_ns: int) -> None:
        """Take a traded price into the current second."""
        start_ns = now_ns - now_ns % _NS_PER_S
        if not self._seconds or self._seconds[-1].start_ns != start_ns:
            self._seconds.append(Bar(start_ns, price, price, price, price, 0))
        _extend(self._seconds[-1], price, price, price, 1)

    def bars(self, *, width_s: int, from_ns: int, to_ns: int, limit: int) -> list[Bar]:
        """Return bars that start in `[from_ns, to_ns)`, newest first, at most `limit`."""
        width_ns = width_s * _NS_PER_S
        found: list[Bar] = []
        for bar in self._newest_first(width_ns):
            if bar.start_ns < from_ns or len(found) >= limit:
                break
            if bar.start_ns < to_ns:
                found.append(bar)
        return found

    def _newest_first(self, width_ns: int) -> Iterator[Bar]:
        merged: list[Bar] = []
        for second in self._seconds:
            start_ns = second.start_ns - second.start_ns % width_ns
            if not merged or merged[-1].start_ns != start_ns:
                merged.append(Bar(start_ns, second.open, second.open, second.open, second.open, 0))
            _extend(merged[-1], second.high, second.low, second.close, second.volume)
        yield from reversed(merged)
        oldest_ns = merged[0].start_ns if merged else self._start_ns - self._start_ns % width_ns
        close = merged[0].open if merged else self._contract.start_price
        yield from self._past(width_ns, oldest_ns - width_ns, close)

    def _past(self, width_ns: int, start_ns: int, close: Decimal) -> Iterator[Bar]:
        """Walk backwards for ever from a closing price."""
        rng = Random(f"{self._seed}:{self._contract.contract_id}:{width_ns}")
        tick = self._contract.tick_size
        sigma = self._contract.step_ticks * max(1.0, (width_ns / _NS_PER_S) ** 0.5)
        while True:
            opening = max(tick, close - round(rng.gauss(0, sigma)) * tick)
            wick = abs(round(rng.gauss(0, sigma / 2))) * tick
            yield Bar(
                start_ns,
                opening,
                max(opening, close) + wick,
                max(tick, min(opening, close) - wick),
                close,
                rng.randint(50, 5_000),
            )
            start_ns, close = start_ns - width_ns, opening


def _extend(bar: Bar, high: Decimal, low: Decimal, close: Decimal, volume: int) -> None:
    bar.high, bar.low = max(bar.high, high), min(bar.low, low)
    bar.close = close
    bar.volume += volume
