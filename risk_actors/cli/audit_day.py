"""`--day`: a date, or today or yesterday as the trading day calls them."""

from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, override

import click

if TYPE_CHECKING:
    from risk_actors.core.trading_calendar import TradingCalendar


class RelativeDay(StrEnum):
    """A trading day by its distance from now."""

    TODAY = "today"
    YESTERDAY = "yesterday"


type WantedDay = date | RelativeDay


class DayType(click.ParamType[WantedDay]):
    """A day on the command line."""

    name = "day"

    @override
    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> WantedDay:
        """Return the date, or the word when only the trading calendar can tell the date."""
        if isinstance(value, date):
            return value
        text = str(value).strip().lower()
        if text in RelativeDay:
            return RelativeDay(text)
        try:
            return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a date has no zone
        except ValueError:
            self.fail(f"{value!r} is not a date such as 2026-11-21, today or yesterday", param, ctx)


DAY_HELP = "The trading day by the date on which it ends, or today or yesterday; else the latest."


def day_of(wanted: WantedDay, calendar: "TradingCalendar", now_ns: int) -> date:
    """Return the date that is meant: today is the trading day that runs at an instant."""
    if not isinstance(wanted, RelativeDay):
        return wanted
    from risk_actors.core.day_names import name_of_day  # noqa: PLC0415  # kept out of `--help`

    start_ns = calendar.day(now_ns).start_ns
    at_ns = now_ns if wanted is RelativeDay.TODAY else start_ns - 1
    return name_of_day(at_ns, calendar)
