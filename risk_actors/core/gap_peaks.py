"""How high an account's equity stood while nobody watched: from its fills, and bars of prices.

The fills tell the balance and what was held at every instant; a bar tells how far a contract went
within a second or a minute, not when. Only what is certain counts, for a peak that never was would
raise a floor and flatten for nothing (I10):

- a bar counts only where the position was held, unchanged, through all of it, and its best price
  only as far as it is believed (`core.bar_filter`);
- with several contracts open, their peaks need not have come together: the best price of one is
  put beside the worst of the others in the same bar, which is the least that must have been;
- a fill's own price marks its contract at that instant;
- of a position whose entry price is not known, nothing is certain.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple

from risk_actors.core.broker import Bar, Fill
from risk_actors.core.instruments import Instrument
from risk_actors.core.money import ZERO
from risk_actors.core.position_math import FLAT, Holding, after_fill, profit_usd
from risk_actors.core.trading_calendar import Window

_BEGINNING_NS = 0
_END_NS = 2**63 - 1
_UNKNOWN = Decimal(-1)
"""The entry price of a position whose entry price is not known; no contract is sold for it."""


class Stretch(NamedTuple):
    """A time in which no fill came: balance and holdings stand still."""

    start_ns: int
    end_ns: int
    balance_usd: Decimal
    held: Mapping[str, Holding]
    fills: tuple[Fill, ...]
    """Those at its two ends: their prices mark their contracts."""
    unknown: frozenset[str] = frozenset()
    """Contracts that were held too, at an entry price that is not known."""

    def within(self, window: Window) -> "Stretch | None":
        """Return the part of it that lies in a window, or None."""
        start_ns, end_ns = max(self.start_ns, window.start_ns), min(self.end_ns, window.end_ns)
        if start_ns > end_ns:
            return None
        fills = tuple(fill for fill in self.fills if start_ns <= fill.at_ns <= end_ns)
        return self._replace(start_ns=start_ns, end_ns=end_ns, fills=fills)


def stretches(
    fills: Iterable[Fill], held: Mapping[str, Holding], balance_usd: Decimal
) -> tuple[Stretch, ...]:
    """Return the whole course of an account, reckoned back from what it holds and has now.

    What a position was entered at before the fills that are known can be told as long as it has
    not been closed or turned since; from then on it need not be.
    """
    known = sorted((f for f in fills if not f.voided), key=lambda fill: (fill.at_ns, fill.id))
    holdings = _start(known, held)
    balance_usd -= sum((fill.net_usd for fill in known), ZERO)
    made: list[Stretch] = []
    since_ns = _BEGINNING_NS
    before: tuple[Fill, ...] = ()
    for fill in known:
        made.append(_stretch(since_ns, fill.at_ns, balance_usd, holdings, (*before, fill)))
        held_before = holdings.get(fill.contract_id, FLAT)
        holdings = holdings | {fill.contract_id: _after(held_before, fill)}
        balance_usd += fill.net_usd
        since_ns, before = fill.at_ns, (fill,)
    made.append(_stretch(since_ns, _END_NS, balance_usd, holdings, before))
    return tuple(made)


def unknown_in(course: Iterable[Stretch], window: Window) -> tuple[str, ...]:
    """Return the contracts held in a window at an entry price that is not known."""
    found: dict[str, None] = {}
    for stretch in course:
        part = stretch.within(window)
        if part is not None and part.start_ns < part.end_ns:
            found.update(dict.fromkeys(sorted(part.unknown)))
    return tuple(found)


def held_in(course: Iterable[Stretch], window: Window) -> dict[str, Window]:
    """Return the contracts held in a window, each with the time from the first to the last."""
    found: dict[str, Window] = {}
    for stretch in course:
        part = stretch.within(window)
        if part is None or part.start_ns == part.end_ns:
            continue
        for contract_id in part.held:
            first = found.get(contract_id, Window(part.start_ns, part.end_ns))
            found[contract_id] = Window(first.start_ns, part.end_ns)
    return found


def peak_usd(
    course: Iterable[Stretch],
    window: Window,
    bars: Mapping[str, Sequence[Bar]],
    instruments: Mapping[str, Instrument],
    believed: Mapping[str, Mapping[Bar, Bar]] = MappingProxyType({}),
) -> Decimal | None:
    """Return the highest balance plus open P&L that the account certainly had in a window.

    None where nothing of it is certain, as in a second in which no bar ended.

    Args:
        course: of the account.
        window: the time to look at.
        bars: by contract, as they were told, oldest first.
        instruments: of all contracts held in the window.
        believed: by contract, what is believed of a bar that may not be believed as a whole. The
            best price is taken from that, the worst from what was told: it may have been.
    """
    found = [
        amount_usd
        for stretch in course
        if (part := stretch.within(window)) is not None
        for amount_usd in _amounts(part, bars, instruments, believed)
    ]
    return max(found, default=None)


def _start(fills: Sequence[Fill], held: Mapping[str, Holding]) -> dict[str, Holding]:
    """Return what was held before the first fill."""
    holdings = dict(held)
    for fill in reversed(fills):
        after = holdings.get(fill.contract_id, FLAT)
        holdings[fill.contract_id] = _before(after, fill)
    return holdings


def _before(after: Holding, fill: Fill) -> Holding:
    """Return the holding before a fill: the reverse of `after_fill`, where that has one."""
    size = after.size - fill.signed_size
    if size == 0:
        return FLAT
    if after.size * size <= 0 or after.average_price == _UNKNOWN:
        return Holding(size, _UNKNOWN)
    if abs(after.size) < abs(size):
        return Holding(size, after.average_price)
    total = after.average_price * abs(after.size) - fill.price * fill.size
    return Holding(size, total / abs(size) if total > 0 else _UNKNOWN)


def _after(held: Holding, fill: Fill) -> Holding:
    """Return the holding after a fill, which may end that its entry price is not known."""
    after = after_fill(held, fill)
    if held.average_price == _UNKNOWN and held.size * after.size > 0:
        return Holding(after.size, _UNKNOWN)
    return after


def _stretch(
    start_ns: int,
    end_ns: int,
    balance_usd: Decimal,
    holdings: Mapping[str, Holding],
    fills: tuple[Fill, ...],
) -> Stretch:
    held = {contract_id: holding for contract_id, holding in holdings.items() if holding.size}
    unknown = frozenset(c for c, holding in held.items() if holding.average_price == _UNKNOWN)
    known = {contract_id: held[contract_id] for contract_id in held if contract_id not in unknown}
    return Stretch(start_ns, end_ns, balance_usd, known, fills, unknown)


def _amounts(
    stretch: Stretch,
    bars: Mapping[str, Sequence[Bar]],
    instruments: Mapping[str, Instrument],
    believed: Mapping[str, Mapping[Bar, Bar]],
) -> Iterator[Decimal]:
    """Yield what balance plus open P&L certainly reached in a stretch.

    A position of a single instant (its fills have one time) is not asked about, so what a tick of
    it is worth may not be known; nothing is certain of it then.
    """
    if stretch.unknown:
        return
    if not stretch.held:
        yield stretch.balance_usd
        return
    if not stretch.held.keys() <= instruments.keys():
        return
    if len(stretch.held) == 1:
        ((contract_id, held),) = stretch.held.items()
        for fill in stretch.fills:
            if fill.contract_id == contract_id:
                yield stretch.balance_usd + _open_usd(held, fill.price, instruments[contract_id])
    for prices in _bars_together(stretch, bars):
        ranges = [
            (
                _range_usd(stretch.held[contract_id], bar, instruments[contract_id])[0],
                _range_usd(
                    stretch.held[contract_id],
                    believed.get(contract_id, {}).get(bar, bar),
                    instruments[contract_id],
                )[1],
            )
            for contract_id, bar in prices.items()
        ]
        worst_usd = sum((worst for worst, _ in ranges), ZERO)
        yield stretch.balance_usd + worst_usd + max(best - worst for worst, best in ranges)


def _bars_together(
    stretch: Stretch, bars: Mapping[str, Sequence[Bar]]
) -> Iterator[Mapping[str, Bar]]:
    """Yield the bars of one time, where every contract held has one."""
    by_time: defaultdict[tuple[int, int], dict[str, Bar]] = defaultdict(dict)
    for contract_id in stretch.held:
        told = bars.get(contract_id, ())
        first = bisect_left(told, stretch.start_ns, key=lambda bar: bar.start_ns)
        end = bisect_left(told, stretch.end_ns, key=lambda bar: bar.start_ns)
        for bar in told[first:end]:
            if bar.end_ns <= stretch.end_ns:
                by_time[bar.start_ns, bar.end_ns][contract_id] = bar
    return (found for found in by_time.values() if len(found) == len(stretch.held))


def _range_usd(held: Holding, bar: Bar, instrument: Instrument) -> tuple[Decimal, Decimal]:
    """Return the least and the most that a position was worth within a bar."""
    ends = (_open_usd(held, bar.low, instrument), _open_usd(held, bar.high, instrument))
    return min(ends), max(ends)


def _open_usd(held: Holding, price: Decimal, instrument: Instrument) -> Decimal:
    return profit_usd(
        size=held.size, entry_price=held.average_price, exit_price=price, instrument=instrument
    )
