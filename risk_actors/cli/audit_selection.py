"""Which rows of the record a command line means: of which day, account or chain."""

import json
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click
import msgspec

from risk_actors.app.settings import SessionSettings
from risk_actors.core.day_names import name_of_day, named_day
from risk_actors.core.trading_calendar import TradingCalendar
from risk_actors.store.audit import Record, Selection


def calendar_of(record: Record) -> TradingCalendar:
    """Return the trading days of the settings last in force; of the usual ones if none are kept."""
    for session in (_session_in_force(record), SessionSettings()):
        try:
            return TradingCalendar(
                zone=ZoneInfo(session.timezone),
                daily_reset=session.daily_reset,
                weekly_reset=session.weekly_reset,
            )
        except (ValueError, OSError, ZoneInfoNotFoundError):
            continue
    raise AssertionError("the usual settings are valid")


def _session_in_force(record: Record) -> SessionSettings:
    text = record.settings_in_force()
    try:
        stored: Any = json.loads(text) if text else {}
        return msgspec.convert(stored["session"], SessionSettings)
    except (ValueError, KeyError, TypeError):
        return SessionSettings()


def select(
    record: Record,
    calendar: TradingCalendar,
    *,
    day: date | None,
    account: str | None,
    correlation_id: str | None,
) -> tuple[date | None, Selection]:
    """Return the day that is meant, None for all of them, and its rows.

    Without a day it is the latest one with a row of the account; a chain may be of any day.

    Raises:
        click.UsageError: no such account is known.
    """
    account_id = None if account is None else _account_id(record, account)
    selection = Selection(account_id=account_id, correlation_id=correlation_id)
    if day is None:
        latest_ns = record.latest_ns(selection)
        if correlation_id is not None or latest_ns is None:
            return None, selection
        day = name_of_day(latest_ns, calendar)
    window = named_day(day, calendar)
    return day, selection._replace(since_ns=window.start_ns, until_ns=window.end_ns)


def _account_id(record: Record, wanted: str) -> int:
    names = record.account_names()
    for account_id, name in names.items():
        if wanted == str(account_id) or wanted.lower() == name.lower():
            return account_id
    # A store of an earlier version knows no names.
    if wanted.isdecimal() and record.latest_ns(Selection(account_id=int(wanted))) is not None:
        return int(wanted)
    known = ", ".join(f"{name} ({account_id})" for account_id, name in names.items())
    raise click.UsageError(f"no account {wanted} is in the record; there are {known or 'none'}")
