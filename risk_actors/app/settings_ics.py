"""Reads news from iCalendar files (RFC 5545), events that repeat included."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from risk_actors.app.settings_file import read_text
from risk_actors.app.settings_problem import Problem
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.news import NewsEvent
from risk_actors.core.wall_clock import instant_ns

_UNNAMED = "news"


class IcsReader:
    """Takes the events of calendars that begin in a stretch of time."""

    def __init__(
        self, zone: ZoneInfo, first: datetime, last: datetime, problems: list[Problem]
    ) -> None:
        """Take the stretch, and the zone of times that name none."""
        self._zone = zone
        self._first = first
        self._last = last
        self._problems = problems
        self.notes: list[str] = []
        """What was left out and why."""

    def read(self, path: Path) -> list[NewsEvent]:
        """Return a file's events; on an error report it and return none."""
        text = read_text(path, self._problems)
        if text is None:
            return []
        try:
            return list(self._events(path, text))
        except KeyError as error:
            self._report(path, f"an event has no {error.args[0]}")
        except ValueError as error:
            lines = str(error).splitlines()
            self._report(path, f"not a valid calendar: {lines[0] if lines else 'it is empty'}")
        return []

    def _events(self, path: Path, text: str) -> Iterator[NewsEvent]:
        import icalendar  # noqa: PLC0415  # slow to import, needed only here
        import recurring_ical_events  # noqa: PLC0415

        calendar = icalendar.Calendar.from_ical(text)
        for event in calendar.walk("VEVENT"):
            _check_zone(event)
        all_day: list[str] = []
        for event in recurring_ical_events.of(calendar).between(self._first, self._last):
            name = str(event.get("SUMMARY", _UNNAMED))
            if str(event.get("STATUS", "")).upper() == "CANCELLED":
                continue
            if not isinstance(event["DTSTART"].dt, datetime):
                all_day.append(name)
                continue
            yield NewsEvent(at_ns=self._instant(event["DTSTART"].dt), name=name)
        if all_day:
            names = ", ".join(sorted(set(all_day)))
            self.notes.append(f"{path.name}: left out, for they have no time of day: {names}")

    def _instant(self, start: datetime) -> int:
        if start.tzinfo is None:
            return instant_ns(start.date(), start.time(), self._zone)
        return int(start.timestamp()) * NS_PER_S

    def _report(self, path: Path, message: str) -> None:
        self._problems.append(Problem(str(path), None, message))


def _check_zone(event: Any) -> None:
    """Refuse a time zone that nobody knows; its times would pass for those of another.

    Raises:
        ValueError: the event starts in such a zone.
    """
    start = event["DTSTART"]
    zone = start.params.get("TZID")
    if zone is not None and isinstance(start.dt, datetime) and start.dt.tzinfo is None:
        raise ValueError(f"`{event.get('SUMMARY', _UNNAMED)}` is in the unknown time zone {zone}")
