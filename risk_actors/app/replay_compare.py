"""Compares what a replay decides with what was recorded, sender by sender, in order."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import tzinfo
from typing import Any, NamedTuple

from risk_actors import messages as m
from risk_actors.actors.describe import describe
from risk_actors.core.trading_calendar import Window
from risk_actors.store.record_rows import message_json

ORDERED = frozenset(
    {
        m.BreachFound,
        m.ShadowBreachFound,
        m.BreachEnded,
        m.ConditionEnded,
        m.WarningRaised,
        m.StopMovesWanted,
        m.ShadowStopMoves,
        m.LocksChanged,
        m.UnlockChanged,
        m.SendClose,
        m.SendCancel,
        m.SendMoveStop,
        m.EnforcementChanged,
        m.ReconciliationDiffered,
        m.DayOpened,
        m.BalanceChecked,
    }
)
"""What is recorded each time it is said, in the order in which its sender says it."""

COMPARED = frozenset({message.__name__ for message in ORDERED} | {m.VerdictChanged.__name__})
"""The kinds of rows that are decisions of judging actors; of verdicts only some are recorded."""

_LOOK_AHEAD = 200
"""Rows further on among which a decision is looked for that is not the next one."""


class Decision(NamedTuple):
    """One row of the record."""

    seq: int
    sender: str
    at_ns: int
    account_id: int | None
    correlation_id: str
    kind: str
    text: str
    message: str
    """As JSON."""

    def words(self) -> str:
        """Return what it says for a person."""
        return _words(self.kind, self.text, self.message)


class Difference(NamedTuple):
    """A decision that the replay and the record do not agree on."""

    at_ns: int
    sender: str
    recorded: str | None
    """In words; None where the record has nothing of the kind."""
    replayed: str | None
    details: tuple[str, ...] = ()
    """What differs, where both sides say nearly the same."""


class _Extra(NamedTuple):
    """A decision of the replay that is not the next row."""

    before: int
    """How many rows of its sender had been passed."""
    message: m.Message


class _Line:
    """The rows of one sender, and how far the replay has come."""

    def __init__(self) -> None:
        self.rows: list[Decision] = []
        self.next = 0
        self.extras: list[_Extra] = []


class Comparison:
    """Takes what replayed actors say, and knows at the end what differs."""

    def __init__(
        self, rows: Iterable[Decision], zone: tzinfo, window: Window | None = None
    ) -> None:
        """Take the recorded decisions of a run, and the day that is asked for; None for all."""
        self._zone = zone
        self._window = window
        self._lines: defaultdict[str, _Line] = defaultdict(_Line)
        self._verdicts: defaultdict[tuple[str, int, str], list[Decision]] = defaultdict(list)
        for row in rows:
            if row.kind == m.VerdictChanged.__name__:
                self._verdicts[row.sender, row.at_ns, row.correlation_id].append(row)
            else:
                self._lines[row.sender].rows.append(row)
        self.compared = 0
        """Recorded decisions of the day that the replay came to."""
        self._found: list[Difference] = []

    def said(self, sender: str, message: m.Message) -> None:
        """Take what an actor says to the journal."""
        kind = type(message)
        if kind is m.VerdictChanged:
            waiting = self._verdicts.get((sender, message.at_ns, message.correlation_id))
            if waiting:
                self._match_verdict(waiting, message)
        elif kind in ORDERED:
            self._match(self._lines[sender], message)

    def differences(self, *, is_complete: bool) -> tuple[list[Difference], list[str]]:
        """Return what differs on the day asked for, and in words what is not recorded any more.

        When the run was killed (not `is_complete`), what each sender said last may never have
        reached the record.
        """
        found, unrecorded = list(self._found), []
        for sender, line in self._lines.items():
            found += [_only_recorded(row) for row in line.rows[line.next :]]
            for extra in line.extras:
                only = self._only_replayed(sender, extra.message)
                if extra.before == len(line.rows) and not is_complete:
                    if self._is_asked(only.at_ns):
                        unrecorded.append(f"{sender}: {only.replayed}")
                else:
                    found.append(only)
        found += [_only_recorded(row) for rows in self._verdicts.values() for row in rows]
        found = [each for each in found if self._is_asked(each.at_ns)]
        return sorted(found, key=lambda each: each.at_ns), unrecorded

    def skipped(self) -> int:
        """Return how many recorded decisions of the day asked for were not come to."""
        rest = [row for line in self._lines.values() for row in line.rows[line.next :]]
        rest += [row for rows in self._verdicts.values() for row in rows]
        return sum(self._is_asked(row.at_ns) for row in rest)

    def forget_rest(self) -> None:
        """Leave out what was not come to: it cannot be compared."""
        for line in self._lines.values():
            del line.rows[line.next :]
            line.extras = [each for each in line.extras if each.before < line.next]
        self._verdicts.clear()

    def _is_asked(self, at_ns: int) -> bool:
        return self._window is None or self._window.contains(at_ns)

    def _agree(self, row: Decision) -> None:
        self.compared += self._is_asked(row.at_ns)

    def _match_verdict(self, waiting: list[Decision], message: m.Message) -> None:
        said = message_json(message)
        for row in waiting:
            if row.message == said:
                waiting.remove(row)
                self._agree(row)
                return

    def _match(self, line: _Line, message: m.Message) -> None:
        kind, said = type(message).__name__, message_json(message)
        ahead = line.rows[line.next : line.next + _LOOK_AHEAD]
        for skipped, row in enumerate(ahead):
            if row.kind == kind and row.message == said:
                self._found += [_only_recorded(each) for each in ahead[:skipped]]
                line.next += skipped + 1
                self._agree(row)
                return
        if ahead and ahead[0].kind == kind and _is_same_occasion(ahead[0], message):
            line.next += 1
            self._agree(ahead[0])
            self._found.append(self._differing(ahead[0], message, said))
        else:
            line.extras.append(_Extra(line.next, message))

    def _differing(self, row: Decision, message: m.Message, said: str) -> Difference:
        return Difference(
            row.at_ns,
            row.sender,
            row.words(),
            self._replayed(message),
            tuple(_changes(json.loads(row.message), json.loads(said))),
        )

    def _only_replayed(self, sender: str, message: m.Message) -> Difference:
        return Difference(message.at_ns, sender, None, self._replayed(message))

    def _replayed(self, message: m.Message) -> str:
        line = describe(message, self._zone)
        return _words(type(message).__name__, line.text if line else "", message_json(message))


def _is_same_occasion(row: Decision, message: m.Message) -> bool:
    return row.at_ns == message.at_ns or row.correlation_id == message.correlation_id


def _only_recorded(row: Decision) -> Difference:
    return Difference(row.at_ns, row.sender, row.words(), None)


def _words(kind: str, text: str, message: str) -> str:
    if text:
        return f"{kind}: {text}"
    content = json.loads(message)
    told = ("rule_id", "account_id", "moves", "differences", "balance_usd", "expected_usd")
    figures = ", ".join(f"{name} {content[name]}" for name in told if content.get(name))
    return f"{kind} {figures}".rstrip()


def _changes(recorded: Any, replayed: Any, path: str = "") -> Iterator[str]:
    """Yield in words where two contents differ."""
    if isinstance(recorded, dict) and isinstance(replayed, dict):
        for name in sorted(recorded.keys() | replayed.keys()):
            inner = f"{path}.{name}" if path else name
            yield from _changes(recorded.get(name), replayed.get(name), inner)
    elif (
        isinstance(recorded, list) and isinstance(replayed, list) and len(recorded) == len(replayed)
    ):
        for place, (one, other) in enumerate(zip(recorded, replayed, strict=True)):
            yield from _changes(one, other, f"{path}[{place}]")
    elif recorded != replayed:
        yield f"{path}: {json.dumps(recorded)} recorded, {json.dumps(replayed)} replayed"
