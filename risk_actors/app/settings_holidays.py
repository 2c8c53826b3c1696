"""Reads `holidays.toml`: the trader's own closed days and early closes, over the exchange's."""

from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from risk_actors.app.settings_check import check_table
from risk_actors.app.settings_file import TomlFile
from risk_actors.app.settings_problem import Problem
from risk_actors.app.settings_session import zone_fault
from risk_actors.core.holidays import Holiday
from risk_actors.core.instruments import refuse_root
from risk_actors.core.market_hours import CHICAGO, is_trade_date
from risk_actors.core.trading_windows import time_in
from risk_actors.core.wall_clock import instant_ns, wall_time

HOLIDAYS_FILE = "holidays.toml"


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the file."""


class HolidayTable(_Table, frozen=True, kw_only=True):
    """One `[[holidays]]`: one of `closed`, `early_close` and `open`."""

    date: date
    """The trade date; its session may begin on the evening before."""
    closed: bool = False
    """No trading at all."""
    early_close: str | None = None
    """When trading ends on that date: `HH:MM` or `HH:MM:SS`."""
    open: bool = False
    """An ordinary day, whatever the exchange's table says."""
    symbols: tuple[str, ...] = ()
    """Exchange symbols it concerns; all without it."""
    name: str = ""
    """What the day is; for the reader alone."""

    def __post_init__(self) -> None:
        """Refuse an entry that says nothing or contradicts itself."""
        if [self.closed, self.open, self.early_close is not None].count(True) != 1:
            raise ValueError("give one of `closed = true`, `early_close` and `open = true`")
        if self.early_close is not None:
            time_in(self.early_close)
        if not is_trade_date(self.date):
            raise ValueError(f"{self.date} is a {self.date:%A}; no session belongs to it")
        for symbol in self.symbols:
            refuse_root(symbol)

    def to_holiday(self, zone: ZoneInfo) -> Holiday:
        """Return the entry with its time in Chicago's clock."""
        day, closes = self.date, None
        if self.early_close is not None:
            at_ns = instant_ns(self.date, time_in(self.early_close), zone)
            local = wall_time(at_ns, CHICAGO)
            day, closes = local.date(), local.time()
        return Holiday(
            day=day,
            closes=closes,
            is_ordinary=self.open,
            symbols=tuple(symbol.upper() for symbol in self.symbols),
            name=self.name,
        )


class HolidaysFile(_Table, frozen=True, kw_only=True):
    """The whole file."""

    zone: str = CHICAGO.key
    """The zone of the times in it."""
    holidays: tuple[HolidayTable, ...] = ()


def read_holidays(directory: Path, problems: list[Problem]) -> tuple[Holiday, ...]:
    """Return the trader's own holidays; none where the file is not there or has errors.

    Args:
        directory: the settings directory.
        problems: takes everything that is wrong with the file.
    """
    if not (directory / HOLIDAYS_FILE).is_file():
        return ()
    file = TomlFile.read(directory / HOLIDAYS_FILE, problems)
    if file is None:
        return ()
    settings = check_table(HolidaysFile, file.root, (), file.report)
    zone = file.root.get("zone", CHICAGO.key)
    if isinstance(zone, str) and (fault := zone_fault(zone)):
        file.report(("zone",), f'zone = "{zone}": {fault}')
        return ()
    if settings is None:
        return ()
    holidays = tuple(table.to_holiday(ZoneInfo(settings.zone)) for table in settings.holidays)
    _report_repeats(file, holidays)
    return holidays


def _report_repeats(file: TomlFile, holidays: tuple[Holiday, ...]) -> None:
    """Report entries that say something of the same date and symbol twice."""
    first_at: dict[tuple[date, str], int] = {}
    for index, holiday in enumerate(holidays):
        for symbol in holiday.symbols or ("",):
            first = first_at.setdefault((holiday.day, symbol), index)
            if first != index:
                line = file.line_of(("holidays", first, "date"))
                whom = f" for {symbol}" if symbol else ""
                file.report(
                    ("holidays", index, "date"),
                    f"{holiday.day}{whom} is in line {line} already",
                )
