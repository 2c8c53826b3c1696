"""When a market is open: the exchange's weekly hours less holidays and early closes."""

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from functools import reduce

from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.holidays import Holiday, Holidays
from risk_actors.core.market_hours import (
    CHICAGO,
    Group,
    group_of,
    is_trade_date,
    sessions,
)
from risk_actors.core.spans import intersect, merge, subtract
from risk_actors.core.trading_calendar import Window
from risk_actors.core.wall_clock import instant_ns, wall_time

DAY_NS = 24 * 3600 * NS_PER_S

_WITH_HOLIDAYS = tuple(group for group in Group if group is not Group.CRYPTO)
_MARGIN_DAYS = 5
"""A closure around a weekend with holidays on both sides begins at most so long before a date."""
_STEP_NS = 7 * DAY_NS
_FURTHEST_NS = 370 * DAY_NS
_IN_SIGHT_NS = 3 * DAY_NS

type SpansBetween = Callable[[str | None, int, int], list[Window]]
"""Returns a symbol's windows that touch a stretch of time, whole or cut at its ends."""


class MarketCalendar:
    """Open and closed times of each exchange symbol.

    Symbols of no known group (and None, any instrument) keep the hours that most products have, and
    only the holidays on which every group that has holidays is closed: what is not known to be
    closed counts as open.
    """

    def __init__(self, own: Iterable[Holiday] = ()) -> None:
        """Take the trader's own holidays; without any, the exchange's table alone counts."""
        self._holidays = Holidays(own)
        self._open_spans: dict[str | None, tuple[Window, list[Window]]] = {}
        self._at_hand: dict[str | None, tuple[int, int, Window]] = {}
        """Between which instants the open span that was asked for last is the answer."""
        self._openings = Openings(self._open_between)

    def is_open(self, symbol: str | None, at_ns: int) -> bool:
        """Tell whether the symbol trades at an instant."""
        return self._span_at(symbol, at_ns) is not None

    def opened_ns(self, symbol: str | None, at_ns: int) -> int | None:
        """Return when the market that is open now opened; None while it is closed.

        Where it never closes for days, some instant of days ago.
        """
        span = self._span_at(symbol, at_ns)
        return None if span is None else span.start_ns

    def next_close_ns(self, symbol: str | None, at_ns: int) -> int | None:
        """Return when the open market closes next.

        None while it is closed, and where it stays open for days (crypto has no daily close).
        """
        span = self._span_at(symbol, at_ns)
        if span is None or span.end_ns - at_ns > _IN_SIGHT_NS:
            return None
        return span.end_ns

    def next_open_ns(self, symbol: str | None, at_ns: int) -> int:
        """Return the next instant after this one at which the market opens."""
        return self._openings.after(symbol, at_ns)

    def closures(self, symbol: str | None, start_ns: int, end_ns: int) -> list[Window]:
        """Return what holidays and early closes take away, as far as it touches a stretch of time.

        Each lasts from the last close before to the next opening. The daily pause and the weekend
        are no closures of their own.
        """
        group = group_of(symbol) if symbol else None
        if group is not None:
            found = self._closures(symbol, group, start_ns, end_ns)
        else:
            each = (self._closures(symbol, g, start_ns, end_ns) for g in _WITH_HOLIDAYS)
            found = reduce(intersect, each)
        return [w for w in found if w.start_ns < end_ns and start_ns < w.end_ns]

    def _span_at(self, symbol: str | None, at_ns: int) -> Window | None:
        at_hand = self._at_hand.get(symbol)
        if at_hand is not None and at_hand[0] <= at_ns < at_hand[1]:
            return at_hand[2]
        known, spans = self._open_spans.get(symbol, (Window(0, 0), []))
        if not known.contains(at_ns):
            known = Window(at_ns - DAY_NS, at_ns + DAY_NS)
            spans = self._open_between(symbol, known.start_ns, known.end_ns)
            self._open_spans[symbol] = known, spans
        found = next((span for span in spans if span.contains(at_ns)), None)
        if found is not None:
            # Outside what is known the span may be seen in part.
            start_ns, end_ns = max(found.start_ns, known.start_ns), min(found.end_ns, known.end_ns)
            self._at_hand[symbol] = start_ns, end_ns, found
        return found

    def _open_between(self, symbol: str | None, start_ns: int, end_ns: int) -> list[Window]:
        group = group_of(symbol) if symbol else None
        regular = merge(
            session for day in trade_dates(start_ns, end_ns) for session in sessions(group, day)
        )
        return subtract(regular, self.closures(symbol, start_ns - _STEP_NS, end_ns + _STEP_NS))

    def _closures(
        self, symbol: str | None, group: Group, start_ns: int, end_ns: int
    ) -> list[Window]:
        """Return the closures around a stretch of time, those of neighbouring dates as one."""
        found: list[Window] = []
        for day in trade_dates(start_ns, end_ns):
            holiday = self._holidays.on(symbol, group, day)
            if holiday is None:
                continue
            regular_end_ns = sessions(group, day)[-1].end_ns
            if holiday.closes is None:
                closed_ns = sessions(group, _neighbour(day, -1))[-1].end_ns
            else:
                closed_ns = instant_ns(day, holiday.closes, CHICAGO)
            if closed_ns < regular_end_ns:
                found.append(Window(closed_ns, sessions(group, _neighbour(day, 1))[0].start_ns))
        return merge(found)


class Openings:
    """Finds when windows begin, and knows the last answer for each symbol."""

    def __init__(self, spans_between: SpansBetween) -> None:
        self._spans_between = spans_between
        self._known: dict[str | None, Window] = {}
        """From an instant that was asked for to the opening that came next."""

    def after(self, symbol: str | None, at_ns: int) -> int:
        """Return the first start of a window after an instant; at the latest about a year later."""
        known = self._known.get(symbol)
        if known is None or not known.contains(at_ns):
            known = self._known[symbol] = Window(at_ns, self._find(symbol, at_ns))
        return known.end_ns

    def _find(self, symbol: str | None, at_ns: int) -> int:
        looked_ns = at_ns
        while looked_ns < at_ns + _FURTHEST_NS:
            # From a week before, so that no window is seen in part and taken for one that starts.
            spans = self._spans_between(symbol, looked_ns - _STEP_NS, looked_ns + 2 * _STEP_NS)
            for span in merge(spans):
                if looked_ns < span.start_ns <= looked_ns + _STEP_NS:
                    return span.start_ns
            looked_ns += _STEP_NS
        return looked_ns


def trade_dates(start_ns: int, end_ns: int) -> Iterable[date]:
    """Yield every trade date whose sessions or closures may touch a stretch of time."""
    day = wall_time(start_ns, CHICAGO).date() - timedelta(_MARGIN_DAYS)
    last = wall_time(end_ns, CHICAGO).date() + timedelta(_MARGIN_DAYS)
    while day <= last:
        if is_trade_date(day):
            yield day
        day += timedelta(1)


def _neighbour(day: date, step: int) -> date:
    """Return the trade date before (-1) or after (1)."""
    day += timedelta(step)
    while not is_trade_date(day):
        day += timedelta(step)
    return day
