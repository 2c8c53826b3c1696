"""When the trader means to trade: weekly windows of wall-clock time, for all or some symbols."""

import re
from bisect import bisect_right
from collections.abc import Iterable
from datetime import date, time, timedelta
from typing import Annotated, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from risk_actors.core.direction import PART, Effect, joined
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.instruments import refuse_root
from risk_actors.core.market_calendar import DAY_NS, MarketCalendar, Openings
from risk_actors.core.spans import intersect, merge, subtract
from risk_actors.core.trading_calendar import Window
from risk_actors.core.wall_clock import instant_ns, wall_time

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?")
_DAY_S = 24 * 3600
_WEEK_S = 7 * _DAY_S
_MARGIN_DAYS = 4
"""Further than any window, and the flattening before its end, reaches from its day."""


class TradingWindow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One window of the settings; start included, end not.

    A window whose end is not after its start crosses midnight and belongs to the day it starts on;
    with both the same it lasts from one day to the next.
    """

    days: Annotated[tuple[str, ...], msgspec.Meta(min_length=1), PART]
    """The days it starts on: `Mon` to `Sun`, or spans of days such as `Sun-Thu`."""
    start: Annotated[str, PART]
    """`HH:MM` or `HH:MM:SS`."""
    end: Annotated[str, PART]
    """Likewise; one that is not after the start is on the day after."""
    zone: Annotated[str, PART] = "America/Chicago"
    """The zone of both times; daylight saving is followed."""
    symbols: Annotated[tuple[str, ...], PART] = ()
    """The exchange symbols it is for; empty means every symbol that has no window of its own."""

    def __post_init__(self) -> None:
        """Refuse what is no day, time, zone or symbol."""
        for text in self.days:
            weekdays_in(text)
        time_in(self.start)
        time_in(self.end)
        zone_named(self.zone)
        for symbol in self.symbols:
            refuse_root(symbol)

    @property
    def weekdays(self) -> frozenset[int]:
        """The days it starts on, Monday being 0."""
        return frozenset(day for text in self.days for day in weekdays_in(text))

    @property
    def length_s(self) -> int:
        """How long it is on a day of 24 hours."""
        start, end = (_second_of_day(time_in(text)) for text in (self.start, self.end))
        return end - start if end > start else end - start + 24 * 3600

    def on(self, day: date) -> Window:
        """Return the window that starts on a date; empty where the clocks skip all of it."""
        start, end, zone = time_in(self.start), time_in(self.end), zone_named(self.zone)
        last_day = day if end > start else day + timedelta(1)
        return Window(instant_ns(day, start, zone), instant_ns(last_day, end, zone))


def windows_effect(old: tuple[TradingWindow, ...], new: tuple[TradingWindow, ...]) -> Effect:
    """Compare when may be traded: less time is tighter.

    Hours are compared within each zone, for two zones drift apart with daylight saving. Which
    symbols have windows of their own decides what is locked outside of them, so another choice of
    them is neither tighter nor looser.
    """
    own = [
        {each.upper() for window in windows for each in window.symbols} for windows in (old, new)
    ]
    if own[0] != own[1]:
        return Effect.UNCLEAR
    return joined(_hours_effect(_of(old, symbol), _of(new, symbol)) for symbol in (*own[0], None))


def _of(windows: tuple[TradingWindow, ...], symbol: str | None) -> list[TradingWindow]:
    """Return the windows of one symbol, or those of all."""
    if symbol is None:
        return [window for window in windows if not window.symbols]
    return [window for window in windows if symbol in map(str.upper, window.symbols)]


def _hours_effect(old: list[TradingWindow], new: list[TradingWindow]) -> Effect:
    if not old or not new:
        # Where there is no window nothing is restricted.
        return Effect.SAME if old == new else Effect.TIGHTENS if new else Effect.LOOSENS
    was, is_now = _week(old), _week(new)
    zones = was.keys() | is_now.keys()
    is_within = all(not _beyond(is_now.get(zone, []), was.get(zone, [])) for zone in zones)
    holds_all = all(not _beyond(was.get(zone, []), is_now.get(zone, [])) for zone in zones)
    if is_within:
        return Effect.SAME if holds_all else Effect.TIGHTENS
    return Effect.LOOSENS if holds_all or len(zones) == 1 else Effect.UNCLEAR


def _week(windows: list[TradingWindow]) -> dict[str, list[Window]]:
    """Return by zone the open seconds of a week of wall-clock time, Monday first."""
    found: dict[str, list[Window]] = {}
    for window in windows:
        for day in window.weekdays:
            start = day * _DAY_S + _second_of_day(time_in(window.start))
            for shift in (-_WEEK_S, 0):
                span = Window(start + shift, start + shift + window.length_s)
                found.setdefault(window.zone, []).append(span)
    week = [Window(0, _WEEK_S)]
    return {zone: intersect(merge(spans), week) for zone, spans in found.items()}


def _beyond(spans: list[Window], others: list[Window]) -> list[Window]:
    """Return what of some spans is not within others."""
    return [span for span in subtract(spans, others) if span.start_ns < span.end_ns]


class _Around(NamedTuple):
    """The windows around an instant, and for which instants they are all that there is."""

    known: Window
    spans: list[Window]
    """In order and apart."""
    starts_ns: list[int]


class TradingWindows:
    """The windows of every symbol: overlapping and touching ones are one, holidays cut them."""

    def __init__(
        self,
        windows: Iterable[TradingWindow],
        market: MarketCalendar | None = None,
        *,
        ends_early_s: int = 0,
    ) -> None:
        """Take the windows.

        Args:
            windows: those of the settings.
            market: whose closed dates and early closes cut the windows; None ignores holidays.
            ends_early_s: seconds by which each window ends before its end.
        """
        self._for_all: list[TradingWindow] = []
        self._for_symbol: dict[str, list[TradingWindow]] = {}
        for window in windows:
            for symbol in window.symbols:
                self._for_symbol.setdefault(symbol.upper(), []).append(window)
            if not window.symbols:
                self._for_all.append(window)
        self._market = market
        self._ends_early_ns = ends_early_s * NS_PER_S
        self._around: dict[str | None, _Around] = {}
        self._own_symbols = frozenset(self._for_symbol)
        self._openings = Openings(self.spans)

    @property
    def own_symbols(self) -> frozenset[str]:
        """The symbols that have windows of their own, and so use no other."""
        return self._own_symbols

    def is_restricted(self, symbol: str | None) -> bool:
        """Tell whether there is any window for a symbol; without one it may trade at any time."""
        return bool(self._windows_of(symbol))

    def span_at(self, symbol: str | None, at_ns: int) -> Window | None:
        """Return the window that an instant lies in; None outside of the windows.

        Symbol None stands for any instrument: the windows of all, cut only by the holidays on which
        nothing trades.
        """
        around = self._around.get(symbol)
        if around is None or not around.known.contains(at_ns):
            known = Window(at_ns - DAY_NS, at_ns + DAY_NS)
            spans = self.spans(symbol, known.start_ns, known.end_ns)
            around = _Around(known, spans, [span.start_ns for span in spans])
            self._around[symbol] = around
        index = bisect_right(around.starts_ns, at_ns) - 1
        if index < 0 or at_ns >= around.spans[index].end_ns:
            return None
        return around.spans[index]

    def next_open_ns(self, symbol: str | None, at_ns: int) -> int:
        """Return when the next window begins; at the latest about a year later."""
        return self._openings.after(symbol, at_ns)

    def spans(self, symbol: str | None, start_ns: int, end_ns: int) -> list[Window]:
        """Return the windows of a symbol around a stretch of time, joined and cut."""
        spans = merge(
            window.on(day)
            for window in self._windows_of(symbol)
            for day in _dates(start_ns, end_ns, zone_named(window.zone))
            if day.weekday() in window.weekdays
        )
        if self._market is not None and spans:
            holes = self._market.closures(symbol, spans[0].start_ns, spans[-1].end_ns)
            spans = subtract(spans, holes)
        return merge(Window(span.start_ns, span.end_ns - self._ends_early_ns) for span in spans)

    def _windows_of(self, symbol: str | None) -> list[TradingWindow]:
        own = self._for_symbol.get(symbol) if symbol else None
        return own or self._for_all


def weekdays_in(text: str) -> tuple[int, ...]:
    """Return the weekdays (Monday is 0) of `Mon` or of a span such as `Sun-Thu`.

    Raises:
        ValueError: the text is neither.
    """
    names = [day.lower() for day in WEEKDAYS]
    ends = [part.strip().lower() for part in text.split("-")]
    if len(ends) not in (1, 2) or not all(end in names for end in ends):
        raise ValueError(f"`{text}` is no day; write {', '.join(WEEKDAYS)}, or a span like Sun-Thu")
    first, last = names.index(ends[0]), names.index(ends[-1])
    return tuple((first + step) % 7 for step in range((last - first) % 7 + 1))


def time_in(text: str) -> time:
    """Return a time of day written `HH:MM` or `HH:MM:SS`.

    Raises:
        ValueError: the text is no such time.
    """
    if not _TIME.fullmatch(text):
        raise ValueError(f"`{text}` is no time of day; write it as 08:30 or 15:10:00")
    return time.fromisoformat(text)


def zone_named(name: str) -> ZoneInfo:
    """Return a time zone.

    Raises:
        ValueError: there is none of that name.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"`{name}` is no time zone; write one like America/Chicago") from None


def _second_of_day(at: time) -> int:
    return at.hour * 3600 + at.minute * 60 + at.second


def _dates(start_ns: int, end_ns: int, zone: ZoneInfo) -> Iterable[date]:
    day = wall_time(start_ns, zone).date() - timedelta(_MARGIN_DAYS)
    last = wall_time(end_ns, zone).date() + timedelta(_MARGIN_DAYS)
    while day <= last:
        yield day
        day += timedelta(1)
