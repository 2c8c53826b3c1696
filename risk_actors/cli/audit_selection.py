"""Which rows of the record a command line means: of which day, account or chain."""

import json
import time
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click
import msgspec

from risk_actors.app.settings import SessionSettings
from risk_actors.cli.audit_day import WantedDay, day_of
from risk_actors.cli.options import CommandError
from risk_actors.core.day_names import name_of_day, named_day
from risk_actors.core.trading_calendar import TradingCalendar
from risk_actors.store.audit import Record, Selection
from risk_actors.store.audit_lock_rows import chains_of_lock

_SHOWN = 5
"""Chains named where a text begins several."""


def calendar_of(record: Record) -> TradingCalendar:
    """Return the trading days of the settings last in force; of the usual ones if none are kept."""
    for session in (session_in_force(record), SessionSettings()):
        try:
            return TradingCalendar(
                zone=ZoneInfo(session.timezone),
                daily_reset=session.daily_reset,
                weekly_reset=session.weekly_reset,
            )
        except (ValueError, OSError, ZoneInfoNotFoundError):
            continue
    raise AssertionError("the usual settings are valid")


def session_in_force(record: Record) -> SessionSettings:
    """Return the session of the settings last in force; the usual one if none are kept."""
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
    day: WantedDay | None,
    account: str | None,
    correlation_id: str | None,
    lock_id: int | None,
) -> tuple[date | None, Selection]:
    """Return the day that is meant, None for all of them, and its rows.

    Without a day it is the latest one with a row of the account; a chain may be of any day.

    Raises:
        click.UsageError: no such account is known.
        CommandError: no such chain or lock is in the record.
    """
    account_id = None if account is None else _account_id(record, account)
    ids = _chains(record, correlation_id, lock_id)
    selection = Selection(account_id=account_id, correlation_ids=ids)
    if day is None:
        latest_ns = record.latest_ns(selection)
        if ids is not None or latest_ns is None:
            return None, selection
        name = name_of_day(latest_ns, calendar)
    else:
        name = day_of(day, calendar, time.time_ns())
    window = named_day(name, calendar)
    return name, selection._replace(since_ns=window.start_ns, until_ns=window.end_ns)


def nothing_found(
    record: Record, calendar: TradingCalendar, day: date | None, whom: str, selection: Selection
) -> str | None:
    """Return in words that a selection has no row and what there is instead; None if it has."""
    if record.latest_ns(selection) is not None:
        return None
    whom = f" of {whom}" if whom else ""
    what = (
        "nothing is recorded" if selection.correlation_ids is None else "nothing of it is recorded"
    )
    when = "" if day is None else f" for {day:%a %Y-%m-%d}"
    reach = record.reach_ns(selection._replace(since_ns=None, until_ns=None))
    if reach is None or day is None:
        return f"{what}{when}{whom}"
    first, last = (name_of_day(at_ns, calendar) for at_ns in reach)
    until = "" if first == last else f" to {last:%a %Y-%m-%d}"
    return f"{what}{when}{whom}; the record holds {first:%a %Y-%m-%d}{until}"


def _chains(
    record: Record, correlation_id: str | None, lock_id: int | None
) -> tuple[str, ...] | None:
    """Return the chains that are asked for; None for all."""
    if lock_id is not None:
        found = chains_of_lock(record, lock_id)
        if not found:
            raise CommandError(f"no lock {lock_id} is in the record")
        return tuple(found)
    if correlation_id is None:
        return None
    found = record.chains_that_begin(correlation_id, _SHOWN) if correlation_id else []
    if not found:
        raise CommandError(f"no chain {correlation_id} is in the record")
    if len(found) > 1:
        named = ", ".join(found[:_SHOWN]) + (", ..." if len(found) > _SHOWN else "")
        raise CommandError(f"several chains begin with {correlation_id}: {named}")
    return tuple(found)


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
