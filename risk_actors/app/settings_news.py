"""Reads `news.toml`: news that is not traded through, written there or in iCalendar files."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from risk_actors.app.settings_check import check_table
from risk_actors.app.settings_file import TomlFile
from risk_actors.app.settings_ics import IcsReader
from risk_actors.app.settings_problem import Problem
from risk_actors.app.settings_session import zone_fault
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.instruments import refuse_root
from risk_actors.core.market_hours import CHICAGO
from risk_actors.core.news import NewsEvent
from risk_actors.core.wall_clock import instant_ns

NEWS_FILE = "news.toml"

_BEFORE = timedelta(days=7)
_AHEAD = timedelta(days=400)
"""How far events that repeat are followed; the daemon is started again long before that."""

type Seconds = Annotated[int, msgspec.Meta(ge=0, le=86_400)]


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file."""


class NewsTable(_Table, frozen=True, kw_only=True):
    """One `[[news]]`."""

    at: datetime
    """When; a time without an offset is meant in the file's zone."""
    name: str
    """What it is, as the log and the lock say it."""
    symbols: tuple[str, ...] = ()
    """Exchange symbols it concerns; all without it."""
    before_s: Seconds | None = None
    """Seconds before it that are not traded; without it the rule's."""
    after_s: Seconds | None = None
    """Seconds from it on that are not traded; without it the rule's."""

    def __post_init__(self) -> None:
        """Refuse the Gateway's names of symbols."""
        for symbol in self.symbols:
            refuse_root(symbol)

    def to_event(self, zone: ZoneInfo) -> NewsEvent:
        """Return the entry as an instant."""
        return NewsEvent(
            at_ns=at_ns_of(self.at, zone),
            name=self.name,
            symbols=tuple(symbol.upper() for symbol in self.symbols),
            before_s=self.before_s,
            after_s=self.after_s,
        )


class NewsFile(_Table, frozen=True, kw_only=True):
    """The whole file."""

    zone: str = CHICAGO.key
    """The zone of times that name none."""
    calendars: tuple[str, ...] = ()
    """iCalendar files, from the settings directory."""
    news: tuple[NewsTable, ...] = ()


class News(NamedTuple):
    """What the file and its calendars say."""

    events: tuple[NewsEvent, ...] = ()
    notes: tuple[str, ...] = ()
    """What was left out of the calendars and why, one sentence each."""


def read_news(directory: Path, problems: list[Problem], now: datetime | None = None) -> News:
    """Return the trader's news; none where the file is not there or has errors.

    Args:
        directory: the settings directory.
        problems: takes everything that is wrong with the file and its calendars.
        now: the instant around which events that repeat are followed; None is the present.
    """
    if not (directory / NEWS_FILE).is_file():
        return News()
    file = TomlFile.read(directory / NEWS_FILE, problems)
    if file is None:
        return News()
    settings = check_table(NewsFile, file.root, (), file.report)
    zone = file.root.get("zone", CHICAGO.key)
    if isinstance(zone, str) and (fault := zone_fault(zone)):
        file.report(("zone",), f'zone = "{zone}": {fault}')
        return News()
    if settings is None:
        return News()
    events = [table.to_event(ZoneInfo(settings.zone)) for table in settings.news]
    today = datetime.now(UTC) if now is None else now
    reader = IcsReader(ZoneInfo(settings.zone), today - _BEFORE, today + _AHEAD, problems)
    for index, name in enumerate(settings.calendars):
        if (directory / name).is_file():
            events += reader.read(directory / name)
        else:
            file.report(("calendars", index), f'calendars[{index}] = "{name}": no such file')
    return News(tuple(events), tuple(reader.notes))


def at_ns_of(at: datetime, zone: ZoneInfo) -> int:
    """Return the instant of a date-time; one without an offset is meant in the zone given."""
    if at.tzinfo is None:
        return instant_ns(at.date(), at.time(), zone)
    return int(at.timestamp()) * NS_PER_S
