"""Counting trades, entries or fills against a limit, in a day and in windows that roll."""

from bisect import bisect_left
from collections.abc import Iterator
from enum import StrEnum
from itertools import takewhile
from typing import NamedTuple

from risk_actors.core.trade_history import Trade, TradeHistory
from risk_actors.core.trading_calendar import Window


class CountOf(StrEnum):
    """What is counted."""

    TRADES = "trades"
    """Round trips from flat to flat, by their beginning."""
    ENTRIES = "entries"
    """Orders that open or add to a position, however many fills they take."""
    FILLS = "fills"
    """Every fill, exits included."""


class Made(NamedTuple):
    """One thing that counts."""

    at_ns: int
    key: int
    """The order of an entry or fill, the first fill of a trade."""
    enters: bool
    """Whether it is an entry, and not an exit or a further fill of an order."""


class Excess(NamedTuple):
    """What was made beyond a limit."""

    number: int
    """The number of the newest that was too many."""
    newest: Made
    keys: frozenset[int]
    """All of it that was too many."""
    until_ns: int
    """When the count is below the limit again."""


def made_newest_first(history: TradeHistory, count: CountOf) -> Iterator[Made]:
    """Yield what counts, newest first; who stops early does not pay for the whole week."""
    match count:
        case CountOf.TRADES:
            for trade in history.begun_newest_first():
                yield Made(trade.opened_ns, trade.first_fill_id, enters=True)
        case CountOf.ENTRIES:
            for entry in history.entries_newest_first():
                yield Made(entry.at_ns, entry.order_id, enters=True)
        case CountOf.FILLS:
            yield from _fills_newest_first(history)


def _fills_newest_first(history: TradeHistory) -> Iterator[Made]:
    times_ns = history.fill_times_ns
    entries = history.entries_newest_first()
    entry = next(entries, None)
    for number in range(len(times_ns) - 1, -1, -1):
        entered_at = None
        if entry is not None:
            entered_at = entry.fill_number
            if entered_at is None:
                entered_at = bisect_left(times_ns, entry.at_ns)
        if entry is not None and entered_at == number:
            yield Made(times_ns[number], entry.order_id, enters=True)
            entry = next(entries, None)
        else:
            yield Made(times_ns[number], 0, enters=False)


class Newest:
    """What counts, newest first, taken from the history only as far back as is looked."""

    def __init__(self, history: TradeHistory, count: CountOf) -> None:
        self._source = made_newest_first(history, count)
        self._taken: list[Made] = []

    def __getitem__(self, index: int) -> Made | None:
        """Return the newest (0) or an older one; None where there is none so old."""
        while len(self._taken) <= index:
            made = next(self._source, None)
            if made is None:
                return None
            self._taken.append(made)
        return self._taken[index]

    def after(self, at_ns: int, first: int = 0) -> int:
        """Return how many there are after an instant, less those newer than the first."""
        taken, index = self._taken, first
        while True:
            # What was taken already is looked at by itself, for it is looked at several times.
            many = len(taken)
            while index < many:
                if taken[index].at_ns <= at_ns:
                    return index - first
                index += 1
            if self[index] is None:
                return index - first


def excess_of_day(newest: Newest, day: Window, limit: int) -> Excess | None:
    """Return what was made beyond the limit in a trading day; None where nothing was."""
    later = newest.after(day.end_ns - 1)
    count = newest.after(day.start_ns - 1, later)
    found = [
        (later + count - index, made)
        for index in range(later, later + count - limit)
        if (made := newest[index]) is not None and made.enters
    ]
    return _excess(found, day.end_ns)


def excess_within(newest: Newest, window_ns: int, limit: int, now_ns: int) -> Excess | None:
    """Return what was made beyond the limit of a rolling window; None once there is room again.

    It goes back to when the count was below the limit last: what was made since then, with so many
    before it in the window, was too many.
    """
    # Counted from the newest: no further back than the window, however far the limit is.
    if newest.after(now_ns - window_ns) < limit or (holding := newest[limit - 1]) is None:
        return None
    found: list[tuple[int, Made]] = []
    index = 0
    while (made := newest[index]) is not None:
        begin_ns = made.at_ns - window_ns
        oldest = newest[index + limit]
        if oldest is None or oldest.at_ns <= begin_ns:
            break
        if made.enters:
            found.append((newest.after(begin_ns, index), made))
        index += 1
    return _excess(found, holding.at_ns + window_ns)


def _excess(found: list[tuple[int, Made]], until_ns: int) -> Excess | None:
    if not found:
        return None
    count, newest = found[0]
    return Excess(count, newest, frozenset(made.key for _, made in found), until_ns)


def may_stay(
    history: TradeHistory, count: CountOf, excess: frozenset[int]
) -> Iterator[tuple[str, int]]:
    """Yield the contracts with something open that was too many, and the size that may stay."""
    for trade in history.open:
        if trade.under_lock:
            continue
        if count is CountOf.TRADES:
            if trade.opening_known and trade.first_fill_id in excess:
                yield trade.contract_id, 0
        elif any(order_id in excess for order_id, _ in trade.changes):
            yield trade.contract_id, trade.remaining(excess)


def is_flat_of(history: TradeHistory, count: CountOf, day: Window) -> bool:
    """Tell whether nothing that was counted in a day is open any more."""
    entries = history.entries_newest_first()
    today = takewhile(lambda entry: entry.at_ns >= day.start_ns, entries)
    entered = {entry.order_id for entry in today}

    def is_counted(trade: Trade) -> bool:
        if count is CountOf.TRADES:
            return trade.opening_known and trade.opened_ns >= day.start_ns
        return any(order_id in entered for order_id, _ in trade.changes)

    return not any(is_counted(trade) for trade in history.open if not trade.under_lock)
