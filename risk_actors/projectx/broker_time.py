"""The broker's time, from the `Date` header of its answers: pure reckoning.

The header tells whole seconds, and a server may write it up to a second late (ASP.NET Core and
others renew it once a second). So one answer says only between which instants the broker's clock
was while the request was under way; answers at other fractions of a second narrow that.
"""

from collections import deque
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from risk_actors.runtime.clock import Reference

_NS_PER_S = 1_000_000_000

DATE_LASTS_NS = 2 * _NS_PER_S
"""How long after the instant that it names a `Date` may still be sent."""
ROUND_TRIP_AT_MOST_NS = 5 * _NS_PER_S
"""An answer that took longer says too little."""
KEPT_NS = 600 * _NS_PER_S
"""After that long the monotonic clock may have drifted from the broker's."""
CONFIRMED_AFTER_NS = _NS_PER_S
"""An answer that contradicts the others counts once another, this much later, says the same."""


class Sample(NamedTuple):
    """One answer of the broker; sent and received by our monotonic clock."""

    sent_ns: int
    said_ns: int
    """The instant of its `Date`."""
    received_ns: int


class _Bounds(NamedTuple):
    """Between which values the broker's clock less our monotonic one lies."""

    low_ns: int
    high_ns: int
    at_ns: int
    """When they were found, by our monotonic clock."""


class BrokerTime:
    """What the answers say together.

    One that contradicts those before (our monotonic clock stood still in a sleep, or somebody on
    the way made up a `Date`) is believed only when a later one confirms it: our clock cannot go
    back from a wrong time.
    """

    def __init__(self) -> None:
        self._agreeing: deque[_Bounds] = deque()
        self._odd: deque[_Bounds] = deque()

    @property
    def is_in_doubt(self) -> bool:
        """Whether the last answer contradicted those before, and none has confirmed it yet."""
        return bool(self._odd)

    def take(self, sample: Sample) -> Reference | None:
        """Take an answer; return the broker's time when it came, None while that is in doubt."""
        round_trip_ns = sample.received_ns - sample.sent_ns
        if not 0 <= round_trip_ns <= ROUND_TRIP_AT_MOST_NS:
            return None
        bounds = _Bounds(
            sample.said_ns - sample.received_ns,
            sample.said_ns + DATE_LASTS_NS - sample.sent_ns,
            sample.received_ns,
        )
        for kept in (self._agreeing, self._odd):
            while kept and kept[0].at_ns < sample.received_ns - KEPT_NS:
                kept.popleft()
        if _intersection([*self._agreeing, bounds]) is not None:
            self._odd.clear()
            return self._add(bounds)
        if _intersection([*self._odd, bounds]) is None:
            self._odd.clear()
        self._odd.append(bounds)
        if bounds.at_ns - self._odd[0].at_ns < CONFIRMED_AFTER_NS:
            return None
        self._agreeing = self._odd
        self._odd = deque()
        return self._reference(bounds.at_ns)

    def _add(self, bounds: _Bounds) -> Reference | None:
        """Keep what narrows the others; what does not says nothing but that they still hold."""
        before = _intersection(self._agreeing)
        if before is not None and bounds.low_ns <= before[0] and bounds.high_ns >= before[1]:
            return self._reference(bounds.at_ns)
        self._agreeing.append(bounds)
        return self._reference(bounds.at_ns)

    def _reference(self, at_ns: int) -> Reference | None:
        found = _intersection(self._agreeing)
        return None if found is None else Reference(at_ns, at_ns + found[0], at_ns + found[1])


def _intersection(bounds: "deque[_Bounds] | list[_Bounds]") -> tuple[int, int] | None:
    if not bounds:
        return None
    low_ns = max(each.low_ns for each in bounds)
    high_ns = min(each.high_ns for each in bounds)
    return (low_ns, high_ns) if low_ns <= high_ns else None


def instant_of(date: str | None) -> int | None:
    """Return the instant of a `Date` header in ns of UTC; None where there is none to be read."""
    if date is None:
        return None
    try:
        told = parsedate_to_datetime(date)
    except (ValueError, OverflowError):
        return None
    aware = told if told.tzinfo is not None else told.replace(tzinfo=UTC)
    try:
        return int(aware.timestamp()) * _NS_PER_S
    except (ValueError, OverflowError):
        return None
