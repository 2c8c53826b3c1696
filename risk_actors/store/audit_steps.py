"""What a row of the record is within its chain: one word, whether it is alarming, and its sentence.

Rows of every version are read: nothing but the message's name and a few of its fields is looked at.
"""

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from risk_actors.projectx.secrets import scrub
from risk_actors.store.audit import RecordRow

QUIET_EVENTS = frozenset(
    {
        "AccountReported",
        "AccountSnapshot",
        "AccountUpdated",
        "BalanceChecked",
        "BarsReported",
        "DayOpened",
        "FillReported",
        "OrderReported",
        "PositionReported",
        "QuoteReported",
    }
)
"""They come by the hundred on any day; alone they are worth no line."""

_QUIET_WORDS = frozenset({"ok", "no locks", "breach again"})

type _Fields = dict[str, Any]


class Step(NamedTuple):
    """One row as a person is shown it."""

    row: RecordRow
    at_ns: int
    """When it happened."""
    word: str
    text: str
    is_alarming: bool
    is_quiet: bool
    """Whether it is worth a line only in a chain that led to something."""
    rule_id: str = ""
    """The rule that it is about, if any."""


def step_of(row: RecordRow) -> Step:
    """Return a row as a step of its chain."""
    fields = message_of(row)
    word, is_alarming = _judge(row.kind, fields)
    is_quiet = not is_alarming and (row.kind in QUIET_EVENTS or word in _QUIET_WORDS)
    return Step(
        row=row,
        at_ns=max(row.at_ns, _event_ns(fields)),
        word=word,
        text=scrub(row.text) if row.text else _unwritten(row.kind, fields),
        is_alarming=is_alarming,
        is_quiet=is_quiet,
        rule_id=str(fields.get("rule_id", "")),
    )


def _unwritten(kind: str, fields: _Fields) -> str:
    """Return words for a row that was written without any."""
    about = f"{fields['rule_id']}: " if fields.get("rule_id") else ""
    return about + _UNWRITTEN.get(kind, in_words(kind))


def message_of(row: RecordRow) -> _Fields:
    """Return the fields of a row's message; none where it is no JSON object."""
    try:
        fields = json.loads(row.message)
    except (TypeError, ValueError):
        return {}
    return fields if isinstance(fields, dict) else {}


def in_words(kind: str) -> str:
    """Return a message's name as words: `DailyReset` is `daily reset`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind).lower()


def _event_ns(fields: _Fields) -> int:
    """Return when what a message answers to came.

    A breach that is told again after a restart bears the instant at which it was first found.
    """
    event = fields.get("event")
    at_ns = event.get("at_ns") if isinstance(event, dict) else None
    return at_ns if isinstance(at_ns, int) else 0


def _judge(kind: str, fields: _Fields) -> tuple[str, bool]:
    if kind in _WORDS:
        return _WORDS[kind]
    judge = _JUDGES.get(kind)
    return ("event", False) if judge is None else judge(fields)


def _lock(fields: _Fields) -> tuple[str, bool]:
    if fields.get("engaged"):
        return "lock", True
    is_alarming = bool(fields.get("unsaved"))
    if fields.get("ended"):
        return "unlock", is_alarming
    return "locks" if fields.get("locks") else "no locks", is_alarming


def _enforcement(fields: _Fields) -> tuple[str, bool]:
    match fields.get("phase"):
        case "flat_observed":
            return "observed", False
        case "stuck" | "braked" as phase:
            return phase, True
        case "resumed":
            return "resumed", False
        case _:
            return "enforcing", True


def _verdict(fields: _Fields) -> tuple[str, bool]:
    verdict = fields.get("verdict")
    name = verdict.get("type") if isinstance(verdict, dict) else None
    if name in ("ok", "unknown"):
        return name, name == "unknown"
    return "verdict", True


def _outcome(fields: _Fields) -> tuple[str, bool]:
    outcome = fields.get("outcome")
    answer = outcome.get("answer") if isinstance(outcome, dict) else None
    return "outcome", answer in ("refused", "uncertain")


def _connection(fields: _Fields) -> tuple[str, bool]:
    ways = (fields.get(way) for way in ("user_hub", "market_hub", "rest"))
    return "connection", not all(ways) and fields.get("detail") != "starting"


def _actor(fields: _Fields) -> tuple[str, bool]:
    return "fault", fields.get("status") not in ("restarted", "started")


def _unlock(fields: _Fields) -> tuple[str, bool]:
    return "unlocking", fields.get("status") in ("refused", "done")


def _breach(fields: _Fields) -> tuple[str, bool]:
    return ("breach again", False) if fields.get("is_repeat") else ("breach", True)


def _trader(fields: _Fields) -> tuple[str, bool]:
    return "trader", fields.get("accepted") is False


def _balance(fields: _Fields) -> tuple[str, bool]:
    return "balance", fields.get("expected_usd") != fields.get("told_usd")


_UNWRITTEN = {
    "AccountSnapshot": "the account was read",
    "BreachEnded": "no longer broken",
    "ConditionEnded": "what its lock waited for has come",
    "LocksChanged": "no lock is in force",
    "LocksNoted": "the gateway noted the locks",
    "StopMovesWanted": "a stop is to be moved",
}

_WORDS = {
    "BreachEnded": ("cleared", False),
    "ClockStepped": ("clock", True),
    "ConditionEnded": ("condition", False),
    "DailyReset": ("reset", False),
    "PanicRequested": ("panic", True),
    "PayloadRejected": ("fault", True),
    "ReconciliationDiffered": ("corrected", True),
    "SendCancel": ("command", False),
    "SendClose": ("command", False),
    "SendMoveStop": ("command", False),
    "SettingsChanged": ("settings", False),
    "ShadowBreachFound": ("shadow", True),
    "ShadowStopMoves": ("shadow", False),
    "SnapshotFailed": ("fault", True),
    "StopMovesWanted": ("decision", False),
    "UnlockRequested": ("unlocking", False),
    "UnlockWithdrawn": ("unlocking", False),
    "WarningRaised": ("warning", True),
    "WeeklyReset": ("reset", False),
}

_JUDGES: dict[str, Callable[[_Fields], tuple[str, bool]]] = {
    "ActorChanged": _actor,
    "BalanceChecked": _balance,
    "BreachFound": _breach,
    "CommandAnswered": _outcome,
    "ConnectionChanged": _connection,
    "EnforcementChanged": _enforcement,
    "LocksChanged": _lock,
    "TraderActed": _trader,
    "UnlockChanged": _unlock,
    "VerdictChanged": _verdict,
}
