"""News that is better not traded through, and the windows around it."""

from bisect import bisect_right
from collections.abc import Iterable
from typing import Annotated, NamedTuple

import msgspec

from risk_actors.core.direction import FREE, PART
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.trading_calendar import Window


class NewsEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One scheduled release or speech."""

    at_ns: Annotated[int, PART]
    name: Annotated[str, FREE]
    symbols: Annotated[tuple[str, ...], PART] = ()
    """The exchange symbols it concerns; empty means every instrument."""
    before_s: Annotated[int | None, PART] = None
    """Seconds before it that are not traded; None takes the rule's."""
    after_s: Annotated[int | None, PART] = None
    """Seconds from it on that are not traded; None takes the rule's."""

    def covers(self, other: "NewsEvent") -> bool:
        """Tell whether this keeps from trading whenever the other would, whatever a rule has."""
        return (
            self.at_ns == other.at_ns
            and (not self.symbols or (bool(other.symbols) and {*other.symbols} <= {*self.symbols}))
            and _lasts(self.before_s, other.before_s)
            and _lasts(self.after_s, other.after_s)
        )

    def window(self, before_s: int, after_s: int) -> Window:
        """Return the blackout, with the rule's seconds where the event has none of its own."""
        before_ns = (before_s if self.before_s is None else self.before_s) * NS_PER_S
        after_ns = (after_s if self.after_s is None else self.after_s) * NS_PER_S
        return Window(self.at_ns - before_ns, self.at_ns + after_ns)


def _lasts(span_s: int | None, other_s: int | None) -> bool:
    """Tell whether a span is as long as another; None is the rule's, whatever that is."""
    if span_s is None or other_s is None:
        return span_s is other_s
    return span_s >= other_s


class Blackout(NamedTuple):
    """Windows of news that overlap or touch, as one."""

    window: Window
    names: tuple[str, ...]
    """What happens in it, in order."""


class NewsCalendar:
    """The news that is known."""

    def __init__(self, events: Iterable[NewsEvent] = ()) -> None:
        """Take the events; without any, nothing is ever blacked out."""
        self.events = tuple(sorted(events, key=lambda event: (event.at_ns, event.name)))
        self._known: dict[tuple[str | None, int, int], tuple[Blackout, ...]] = {}

    def blackouts(self, symbol: str | None, before_s: int, after_s: int) -> tuple[Blackout, ...]:
        """Return the blackouts of a symbol, oldest first.

        Args:
            symbol: an exchange symbol; None leaves out news that concerns certain symbols.
            before_s: seconds before an event that names none of its own.
            after_s: seconds after it, likewise.
        """
        key = (symbol, before_s, after_s)
        if key not in self._known:
            self._known[key] = _merged(
                (event.window(before_s, after_s), event.name)
                for event in self.events
                if not event.symbols or symbol in event.symbols
            )
        return self._known[key]

    def blackout_at(
        self, symbol: str | None, at_ns: int, before_s: int, after_s: int
    ) -> Blackout | None:
        """Return the blackout that an instant lies in, or None."""
        blackouts = self.blackouts(symbol, before_s, after_s)
        index = bisect_right(blackouts, at_ns, key=_start_of) - 1
        if index < 0 or not blackouts[index].window.contains(at_ns):
            return None
        return blackouts[index]

    def next_blackout(
        self, symbol: str | None, at_ns: int, before_s: int, after_s: int
    ) -> Blackout | None:
        """Return the first blackout that begins after an instant, or None."""
        blackouts = self.blackouts(symbol, before_s, after_s)
        index = bisect_right(blackouts, at_ns, key=_start_of)
        return blackouts[index] if index < len(blackouts) else None


def _start_of(blackout: Blackout) -> int:
    return blackout.window.start_ns


def _merged(windows: Iterable[tuple[Window, str]]) -> tuple[Blackout, ...]:
    found: list[Blackout] = []
    for window, name in sorted(windows):
        if window.start_ns >= window.end_ns:
            continue
        if found and window.start_ns <= found[-1].window.end_ns:
            last = found.pop()
            end_ns = max(last.window.end_ns, window.end_ns)
            names = tuple(dict.fromkeys((*last.names, name)))
            found.append(Blackout(Window(last.window.start_ns, end_ns), names))
        else:
            found.append(Blackout(window, (name,)))
    return tuple(found)
