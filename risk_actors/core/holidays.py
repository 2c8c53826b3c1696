"""Dates on which a market is closed or closes early: the exchange's table and the trader's own."""

from collections.abc import Iterable
from datetime import date, time
from functools import cache
from types import MappingProxyType

import msgspec

from risk_actors.core.cme_holidays import TABLE
from risk_actors.core.market_hours import Group


class Holiday(msgspec.Struct, frozen=True, kw_only=True):
    """One date that is not ordinary, or that the trader says is."""

    day: date
    """The trade date; its session may begin on the evening before."""
    closes: time | None = None
    """When trading ends on that date, in Chicago; None when there is no trading at all."""
    is_ordinary: bool = False
    """Whether this only takes back what the exchange's table says of the date."""
    symbols: tuple[str, ...] = ()
    """The exchange symbols it concerns; empty means every instrument."""
    name: str = ""


@cache
def exchange_holidays() -> MappingProxyType[tuple[Group, date], Holiday]:
    """Return the built-in table by group and trade date."""
    header, *rows = (line.split() for line in TABLE.splitlines())
    groups = [Group(name) for name in header[1:]]
    found: dict[tuple[Group, date], Holiday] = {}
    for iso_day, *marks in rows:
        day = date.fromisoformat(iso_day)
        for group, mark in zip(groups, marks, strict=True):
            if mark != "-":
                closes = None if mark == "closed" else time.fromisoformat(mark)
                found[group, day] = Holiday(day=day, closes=closes)
    return MappingProxyType(found)


class Holidays:
    """What is known of a symbol's dates; the trader's word wins over the exchange's table."""

    def __init__(self, own: Iterable[Holiday] = ()) -> None:
        """Take the trader's own entries; one that names symbols wins over one that does not."""
        self._for_all: dict[date, Holiday] = {}
        self._for_symbol: dict[tuple[str, date], Holiday] = {}
        for holiday in own:
            for symbol in holiday.symbols:
                self._for_symbol[symbol, holiday.day] = holiday
            if not holiday.symbols:
                self._for_all[holiday.day] = holiday

    def on(self, symbol: str | None, group: Group | None, day: date) -> Holiday | None:
        """Return what is unusual about a trade date; None when it is an ordinary one."""
        own = self._for_symbol.get((symbol, day)) if symbol else None
        own = own or self._for_all.get(day)
        if own is not None:
            return None if own.is_ordinary else own
        return exchange_holidays().get((group, day)) if group else None
