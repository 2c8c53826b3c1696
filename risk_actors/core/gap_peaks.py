"""How high an account's equity stood while nobody watched: from its fills, and bars of prices.

The fills tell the balance and what was held at every instant; a bar tells how far a contract went
within a second or a minute, not when. Only what is certain counts, for a peak that never was would
raise a floor and flatten for nothing (I10):

- a bar counts only where the position was held, unchanged, through all of it;
- with several contracts open, their peaks need not have come together: the best price of one is
  put beside the worst of the others in the same bar, which is the least that must have been;
- a fill's own price marks its contract at that instant.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from risk_actors.core.broker import Bar, Fill
from risk_actors.core.instruments import Instrument
from risk_actors.core.money import ZERO
from risk_actors.core.position_math import FLAT, Holding, after_fill, profit_usd
from risk_actors.core.trading_calendar import Window

_BEGINNING_NS = 0
_END_NS = 2**63 - 1


class Stretch(NamedTuple):
    """A time in which no fill came: balance and holdings stand still."""

    start_ns: int
    end_ns: int
    balance_usd: Decimal
    held: Mapping[str, Holding]
    fills: tuple[Fill, ...]
    """Those at its two ends: their prices mark their contracts."""

    def within(self, window: Window) -> "Stretch | None":
        """Return the part of it that lies in a window, or None."""
        start_ns, end_ns = max(self.start_ns, window.start_ns), min(self.end_ns, window.end_ns)
        if start_ns > end_ns:
            return None
        fills = tuple(fill for fill in self.fills if start_ns <= fill.at_ns <= end_ns)
        return self._replace(start_ns=start_ns, end_ns=end_ns, fills=fills)


def stretches(
    fills: Iterable[Fill], held: Mapping[str, Holding], balance_usd: Decimal
) -> tuple[Stretch, ...] | None:
    """Return the whole course of an account, reckoned back from what it holds and has now.

    None where a position was opened before the fills that are known, and has been traded since:
    what it was entered at then is not known.
    """
    known = sorted((f for f in fills if not f.voided), key=lambda fill: (fill.at_ns, fill.id))
    start = _start(known, held)
    if start is None:
        return None
    holdings = start
    balance_usd -= sum((fill.net_usd for fill in known), ZERO)
    made: list[Stretch] = []
    since_ns = _BEGINNING_NS
    before: tuple[Fill, ...] = ()
    for fill in known:
        made.append(Stretch(since_ns, fill.at_ns, balance_usd, _open(holdings), (*before, fill)))
        holdings = holdings | {
            fill.contract_id: after_fill(holdings.get(fill.contract_id, FLAT), fill)
        }
        balance_usd += fill.net_usd
        since_ns, before = fill.at_ns, (fill,)
    made.append(Stretch(since_ns, _END_NS, balance_usd, _open(holdings), before))
    return tuple(made)


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
) -> Decimal | None:
    """Return the highest balance plus open P&L that the account certainly had in a window.

    None where nothing of it is certain, as in a second in which no bar ended.
    """
    found = [
        amount_usd
        for stretch in course
        if (part := stretch.within(window)) is not None
        for amount_usd in _amounts(part, bars, instruments)
    ]
    return max(found, default=None)


def _start(fills: Sequence[Fill], held: Mapping[str, Holding]) -> dict[str, Holding] | None:
    """Return what was held before the first fill."""
    moved: Counter[str] = Counter()
    for fill in fills:
        moved[fill.contract_id] += fill.signed_size
    start: dict[str, Holding] = {}
    for contract_id in dict.fromkeys((*moved, *held)):
        now = held.get(contract_id, FLAT)
        size = now.size - moved[contract_id]
        if not size:
            continue
        if contract_id in moved:
            return None
        start[contract_id] = now
    return start


def _open(holdings: Mapping[str, Holding]) -> dict[str, Holding]:
    return {contract_id: held for contract_id, held in holdings.items() if held.size}


def _amounts(
    stretch: Stretch, bars: Mapping[str, Sequence[Bar]], instruments: Mapping[str, Instrument]
) -> Iterator[Decimal]:
    """Yield what balance plus open P&L certainly reached in a stretch.

    A position of a single instant (its fills have one time) is not asked about, so what a tick of
    it is worth may not be known; nothing is certain of it then.
    """
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
            _range_usd(stretch.held[contract_id], bar, instruments[contract_id])
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
        for bar in bars.get(contract_id, ()):
            if stretch.start_ns <= bar.start_ns and bar.end_ns <= stretch.end_ns:
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
