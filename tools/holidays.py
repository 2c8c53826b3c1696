"""Write the table of CME holidays and early closes that ships inside the package.

    python tools/holidays.py [--check]

The dates come from pandas-market-calendars; what is known to differ from the exchange's own notices
is corrected below, each with its reason. `--check` only tells whether the shipped table is current.
"""

import sys
from datetime import date, time, timedelta
from pathlib import Path

import pandas_market_calendars

from risk_actors.core.market_hours import CHICAGO, Group, sessions

FIRST_YEAR = 2025
LAST_YEAR = 2030
LAST_PUBLISHED_YEAR = 2026
"""The exchange publishes about a year ahead; later years follow the pattern of this one."""

TARGET = Path(__file__).resolve().parent.parent / "risk_actors" / "core" / "cme_holidays.py"

CALENDARS = {
    Group.EQUITY: "CME Globex Equity",
    Group.FX: "CMEGlobex_FX",
    Group.RATES: "CME Globex Fixed Income",
    Group.ENERGY: "CMEGlobex_Energy",
    Group.METALS: "CMEGlobex_Metals",
    Group.GRAINS: "CMEGlobex_Grains",
    Group.LIVESTOCK: "CMEGlobex_Livestock",
    Group.CRYPTO: "CME Globex Crypto",
}
"""The library's calendar of each group."""

CRYPTO_NEVER_CLOSES_FROM = date(2026, 5, 29)
"""Since then crypto trades on holidays too; the library's calendar still has the old days."""

CLOSED = "closed"
ORDINARY = "-"

type Day = dict[Group, str]

HEADER = '''"""CME holidays and early closes by trade date.

Written by `tools/holidays.py`, not by hand.

A time is when the group stops trading early on that date, in Chicago. After an early close or a
closed date trading begins again with the next trade date's first session. Source:
pandas-market-calendars {version}, corrected as the tool says; the exchange publishes about a year
ahead, so dates after {published} follow its pattern until then.
"""

FIRST_YEAR = {first}
LAST_YEAR = {last}
"""Later dates have no holidays here, so they count as ordinary days."""

TABLE = """\\
'''


FOOTER = '''
"""
"""One line for each date that is not ordinary for every group; `-` is ordinary."""
'''


def main() -> int:
    """Return 0 when the table is (or was made) current."""
    text = render()
    if "--check" in sys.argv[1:]:
        is_current = TARGET.read_text(encoding="utf-8") == text
        print("current" if is_current else f"{TARGET.name} is out of date")
        return 0 if is_current else 1
    TARGET.write_text(text, encoding="utf-8", newline="\n")
    print(f"wrote {TARGET}")
    return 0


def render() -> str:
    """Return the module's text."""
    days = exceptional_days()
    header = HEADER.format(
        version=pandas_market_calendars.__version__,
        published=LAST_PUBLISHED_YEAR,
        first=FIRST_YEAR,
        last=LAST_YEAR,
    )
    names = "".join(f"{group.value:<10}" for group in Group)
    rows = [
        f"{day.isoformat()}  " + "".join(f"{marks[group]:<10}" for group in Group)
        for day, marks in sorted(days.items())
    ]
    lines = "\n".join(row.rstrip() for row in (f"{'date':<12}{names}", *rows))
    return f"{header}{lines}{FOOTER}"


def exceptional_days() -> dict[date, Day]:
    """Return every date on which some group is closed or closes early."""
    days: dict[date, Day] = {}
    for group in Group:
        for day, mark in marks_of(group).items():
            days.setdefault(day, dict.fromkeys(Group, ORDINARY))[group] = mark
    for day, marks in days.items():
        correct(day, marks)
    return {day: marks for day, marks in days.items() if set(marks.values()) != {ORDINARY}}


def marks_of(group: Group) -> dict[date, str]:
    """Return the dates that are not ordinary for one group, as the library has them."""
    first, last = date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 31)
    calendar = pandas_market_calendars.get_calendar(CALENDARS[group])
    schedule = calendar.schedule(first.isoformat(), last.isoformat(), tz=CHICAGO.key)
    closes = {
        row.Index.date(): row.market_close.to_pydatetime().time() for row in schedule.itertuples()
    }
    marks: dict[date, str] = {}
    for number in range((last - first).days + 1):
        day = first + timedelta(number)
        regular = sessions(group, day)
        if not regular:
            continue
        if day not in closes:
            marks[day] = CLOSED
        elif closes[day] < regular_close(group):
            marks[day] = f"{closes[day]:%H:%M}"
    return marks


def regular_close(group: Group) -> time:
    """Return when a group stops trading on an ordinary date."""
    return {Group.GRAINS: time(13, 20), Group.LIVESTOCK: time(13, 5)}.get(group, time(16))


def correct(day: date, marks: Day) -> None:
    """Change what the library is known to have wrong.

    Energy and metals: the library has the times of 2026 as the exchange published them, and for
    later years an older pattern (its issue 464); the pattern of 2026 is carried on.
    Grains and livestock: they observe Juneteenth, and close at 12:05 on the Friday after
    Thanksgiving and on Christmas Eve, of which the library knows only part.
    """
    if day >= CRYPTO_NEVER_CLOSES_FROM:
        marks[Group.CRYPTO] = ORDINARY
    is_half_day = marks[Group.EQUITY] == "12:15" and day.month in (11, 12)
    is_juneteenth = day.month == 6 and marks[Group.EQUITY] == "12:00"  # noqa: PLR2004  # June
    if is_half_day:
        marks[Group.GRAINS] = marks[Group.LIVESTOCK] = "12:05"
    if is_juneteenth:
        marks[Group.GRAINS] = marks[Group.LIVESTOCK] = CLOSED
    if day.year <= LAST_PUBLISHED_YEAR:
        return
    if is_half_day:
        close = "13:45" if day.month == 11 else "12:45"  # noqa: PLR2004  # November
        marks[Group.ENERGY] = marks[Group.METALS] = close
    elif marks[Group.EQUITY] == "12:00":
        close = "12:00" if day.strftime("%a") == "Fri" else "13:30"
        marks[Group.ENERGY] = marks[Group.METALS] = close


if __name__ == "__main__":
    sys.exit(main())
