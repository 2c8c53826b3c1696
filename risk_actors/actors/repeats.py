"""What lasts is told once, and then once a minute: a console that repeats itself is not read.

An outage with an enforcement under way brings the same few sentences every few seconds. They are
all in the log file and in the record; whoever reads along needs the first, and a reminder.
"""

from collections.abc import Hashable
from typing import NamedTuple

from risk_actors import messages as m
from risk_actors.core.commands import Answer
from risk_actors.core.evidence import NS_PER_S

TOLD_AGAIN_AFTER_NS = 60 * NS_PER_S
_MOST_KEPT = 1_000
"""What was told is forgotten beyond so many things."""
_TROUBLE = (Answer.UNCERTAIN, Answer.REFUSED)
_OF_ENFORCEMENT = frozenset({"answer", "command", "enforcement"})


class _What(NamedTuple):
    account_id: int | None
    kind: str
    about: tuple[Hashable, ...] = ()


class Repeats:
    """Knows what was told lately, by the monotonic clock."""

    def __init__(self) -> None:
        self._told_ns: dict[_What, int] = {}
        self._vain: set[int] = set()
        """Accounts whose last command was refused or not answered: the next ones are tries."""

    def is_repeat(self, message: m.Message, now_ns: int, *, is_news: bool = True) -> bool:
        """Tell whether a message says what was told within the last minute, and note it.

        Args:
            message: what is to be told.
            now_ns: the monotonic clock, in nanoseconds.
            is_news: of a connection: whether a way was lost or came back.
        """
        self.note_end(message)
        what = self._what(message, is_news=is_news)
        self._note(message)
        if what is None:
            return False
        told_ns = self._told_ns.get(what)
        if told_ns is not None and now_ns - told_ns < TOLD_AGAIN_AFTER_NS:
            return True
        if len(self._told_ns) >= _MOST_KEPT:
            self._told_ns.clear()
        self._told_ns[what] = now_ns
        return False

    def _what(self, message: m.Message, *, is_news: bool) -> _What | None:
        """Return what a message says without numbers and times; None for what is always told."""
        match message:
            case m.SnapshotFailed():
                return _What(message.account_id, "unread", (message.detail,))
            case m.ConnectionChanged():
                return None if is_news else _What(None, "still down")
            case m.CommandAnswered(outcome=outcome) if outcome.answer in _TROUBLE:
                said = (outcome.answer, outcome.reason, outcome.error_code, outcome.detail)
                return _What(message.account_id, "answer", said)
            case m.EnforcementChanged() if message.phase is not m.EnforcementPhase.FLAT_OBSERVED:
                about = (message.cause, message.phase)
                return _What(message.account_id, "enforcement", about)
            case m.SendClose() | m.SendCancel() | m.SendMoveStop():
                command = message.command
                if command.account_id not in self._vain:
                    return None
                which = getattr(command, "order_id", None), getattr(command, "size", None)
                return _What(command.account_id, "command", (command.contract_id, *which))
        return None

    def _note(self, message: m.Message) -> None:
        if isinstance(message, m.CommandAnswered):
            is_vain = message.outcome.answer in _TROUBLE
            (self._vain.add if is_vain else self._vain.discard)(message.account_id)

    def note_end(self, message: m.Message) -> None:
        """Let everything of an account be news again once its trouble is over."""
        match message:
            case m.AccountSnapshot():
                kinds = frozenset({"unread"})
            case m.CommandAnswered(outcome=outcome) if outcome.answer not in _TROUBLE:
                kinds = _OF_ENFORCEMENT
            case m.EnforcementChanged(phase=m.EnforcementPhase.FLAT_OBSERVED):
                kinds = _OF_ENFORCEMENT
            case _:
                return
        over = [w for w in self._told_ns if w.account_id == message.account_id and w.kind in kinds]
        for what in over:
            del self._told_ns[what]
