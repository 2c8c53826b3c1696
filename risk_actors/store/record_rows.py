"""How what happened becomes a row of the record: its table, its words and its JSON."""

import json
from datetime import datetime, timedelta, tzinfo
from typing import Any

import msgspec

from risk_actors import messages as m
from risk_actors.core.evidence import NS_PER_S
from risk_actors.store.fills import Reconciled
from risk_actors.store.storable import NO_COLUMN_HOLDS

_DECISIONS = (
    m.BreachEnded,
    m.BreachFound,
    m.ConditionEnded,
    m.EnforcementChanged,
    m.LocksChanged,
    m.ShadowBreachFound,
    m.ShadowStopMoves,
    m.StopMovesWanted,
    m.UnlockChanged,
    m.VerdictChanged,
    m.WarningRaised,
)
_COMMANDS = (m.SendCancel, m.SendClose, m.SendMoveStop)

_HAVE_OWN_ROW = (
    *_DECISIONS,
    *_COMMANDS,
    m.AccountReported,
    m.AccountSnapshot,
    m.BarsReported,
    m.ClockStepped,
    m.CommandAnswered,
    m.ConnectionChanged,
    m.DailyReset,
    m.FillReported,
    m.OrderReported,
    m.PanicRequested,
    m.PositionReported,
    m.SnapshotFailed,
    m.Tick,
    m.WeeklyReset,
)
"""What need not be told again where it is the cause of something; a tick has nothing to tell."""


def table_of(message: m.Message) -> str:
    """Return the table of the record that a message belongs to."""
    if isinstance(message, _DECISIONS):
        return "decisions"
    if isinstance(message, _COMMANDS):
        return "commands"
    return "outcomes" if isinstance(message, m.CommandAnswered) else "events"


def local_time(at_ns: int, zone: tzinfo) -> str:
    """Return an instant as a person in a zone reads it: 2026-11-17 12:00:00.000-06:00."""
    seconds, rest_ns = divmod(at_ns, NS_PER_S)
    at = datetime.fromtimestamp(seconds, zone) + timedelta(microseconds=rest_ns // 1000)
    return at.isoformat(sep=" ", timespec="milliseconds")


def message_json(message: m.Message, reconciled: Reconciled | None = None) -> str:
    """Return a message as JSON, without what other rows and tables say already.

    Its cause is named by type and correlation id where that has a row of its own. A snapshot's
    fills stand in the table `fills`; only those that it brought or took away are told. Bars stand
    on the tape; how many they are and how far they went is told.
    """
    event = getattr(message, "event", None)
    if event is not None and isinstance(event, _HAVE_OWN_ROW):
        told = msgspec.to_builtins(msgspec.structs.replace(message, event=None))
        told["event"] = {
            "type": type(event).__name__,
            "correlation_id": event.correlation_id,
            "at_ns": event.at_ns,
        }
        return _encoded(told)
    if isinstance(message, m.AccountSnapshot):
        told = msgspec.to_builtins(msgspec.structs.replace(message, fills=None))
        told["fills"] = None if message.fills is None else len(message.fills)
        if reconciled is not None:
            told["new_fills"] = msgspec.to_builtins(reconciled.new)
            told["gone_fills"] = reconciled.gone_ids
        return _encoded(told)
    if isinstance(message, m.BarsReported) and message.bars is not None:
        told = msgspec.to_builtins(msgspec.structs.replace(message, bars=None))
        told["bars"] = len(message.bars)
        if message.bars:
            told["high"] = str(max(bar.high for bar in message.bars))
            told["low"] = str(min(bar.low for bar in message.bars))
        return _encoded(told)
    return _encoded(message)


def unstorable_json(message: m.Message, error: Exception) -> str:
    """Return what stands in place of a message that cannot be told."""
    return json.dumps({"type": type(message).__name__, "unreadable": str(error)})


def _encoded(message: Any) -> str:
    """Return JSON; what cannot be told in it must not hold up all other rows."""
    try:
        return _encode(message).decode()
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(message))
    except NO_COLUMN_HOLDS as error:
        return unstorable_json(message, error)


_encode = msgspec.json.Encoder().encode
