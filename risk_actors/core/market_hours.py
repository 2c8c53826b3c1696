"""The weekly hours of CME Globex by group of products, in Chicago's wall clock.

Source: the exchange's contract specifications as of November 2026. Each session belongs to a trade
date, Monday to Friday, and most begin on the evening before it. Holidays come on top
(`market_calendar`).
"""

from datetime import date, time, timedelta
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from risk_actors.core.trading_calendar import Window
from risk_actors.core.wall_clock import instant_ns

CHICAGO = ZoneInfo("America/Chicago")

_CLOSE = time(16)
_REOPEN = time(17)
_MONDAY, _FRIDAY, _SATURDAY, _SUNDAY = 0, 4, 5, 6

_CRYPTO_WITHOUT_PAUSE_FROM = date(2026, 6, 1)
"""The first trade date of round-the-clock crypto, which began on Friday 2026-05-29 at 16:00."""


class Group(StrEnum):
    """Products that share their hours and holidays."""

    EQUITY = "equity"
    FX = "fx"
    RATES = "rates"
    ENERGY = "energy"
    METALS = "metals"
    GRAINS = "grains"
    LIVESTOCK = "livestock"
    CRYPTO = "crypto"
    """Open on weekends and holidays too since the end of May 2026; the exchange's weekly
    maintenance has no fixed hour, so a quiet market then looks dead, which errs on the side of
    saying so."""


_SYMBOLS = {
    Group.EQUITY: "ES MES NQ MNQ YM MYM RTY M2K EMD NKD",
    Group.FX: "6A 6B 6C 6E 6J 6M 6N 6S E7 J7 M6A M6B M6E MCD MJY MSF",
    Group.RATES: "ZT ZF ZN TN ZB UB TWE Z3N SR1 SR3 ZQ",
    Group.ENERGY: "CL MCL QM NG QG MNG RB HO BZ",
    Group.METALS: "GC MGC QO SI SIL QI HG MHG QC PL PA 1OZ",
    Group.GRAINS: "ZC ZW ZS ZM ZL KE ZO ZR MZC MZW MZS MZM MZL",
    Group.LIVESTOCK: "HE LE GF",
    Group.CRYPTO: "BTC MBT ETH MET BFF SOL MSL XRP MXP",
}
"""The exchange's symbols of each group."""

_GROUP_OF = {symbol: group for group, symbols in _SYMBOLS.items() for symbol in symbols.split()}


class _Session(NamedTuple):
    """Part of a trade date's trading; days count from the trade date."""

    first_day: int
    opens: time
    last_day: int
    closes: time


_GLOBEX = (_Session(-1, _REOPEN, 0, _CLOSE),)
_GRAINS = (_Session(-1, time(19), 0, time(7, 45)), _Session(0, time(8, 30), 0, time(13, 20)))
_LIVESTOCK = (_Session(0, time(8, 30), 0, time(13, 5)),)
_ROUND_THE_CLOCK = (_Session(-1, _CLOSE, 0, _CLOSE),)
_ROUND_THE_CLOCK_AND_WEEKEND = (_Session(-3, _CLOSE, 0, _CLOSE),)


def group_of(symbol: str) -> Group | None:
    """Return the group of an exchange symbol such as ES; None where it is not known."""
    return _GROUP_OF.get(symbol)


def is_trade_date(day: date) -> bool:
    """Tell whether sessions belong to a date: Monday to Friday, holidays not considered."""
    return day.weekday() <= _FRIDAY


def sessions(group: Group | None, day: date) -> list[Window]:
    """Return when a group trades for a trade date, holidays not considered.

    Products of no known group keep the hours that most have.
    """
    if not is_trade_date(day):
        return []
    return [
        Window(
            instant_ns(day + timedelta(session.first_day), session.opens, CHICAGO),
            instant_ns(day + timedelta(session.last_day), session.closes, CHICAGO),
        )
        for session in _sessions(group, day)
    ]


def _sessions(group: Group | None, day: date) -> tuple[_Session, ...]:
    if group is Group.GRAINS:
        return _GRAINS
    if group is Group.LIVESTOCK:
        return _LIVESTOCK
    if group is Group.CRYPTO and day >= _CRYPTO_WITHOUT_PAUSE_FROM:
        return _ROUND_THE_CLOCK_AND_WEEKEND if day.weekday() == _MONDAY else _ROUND_THE_CLOCK
    return _GLOBEX
