"""Which messages are worth an alert, and in which words: short, and no more than what happened.

A breach says what was found and not what was done. That positions are gone is said by one message
alone: the one that the broker showed it (I3).
"""

from datetime import tzinfo
from typing import NamedTuple

from risk_actors import messages as m
from risk_actors.actors.alert import AlertKind, Severity
from risk_actors.actors.describe import describe, describe_response
from risk_actors.actors.lockout import PANIC
from risk_actors.core.commands import Answer, Outcome, Refusal
from risk_actors.core.enforcement_effects import REDUCED, RULE_BROKEN
from risk_actors.core.evidence import format_day_and_instant
from risk_actors.core.instruments import symbol_of
from risk_actors.core.lock import Lock
from risk_actors.core.unlock_requests import UnlockStatus

ALERTS = "alerts"
"""Faults of this address are about alerts themselves; they are shown, and not told by alert."""


class Words(NamedTuple):
    """What an alert says of a message."""

    kind: AlertKind
    severity: Severity
    text: str
    account_id: int | None = None


def words_of(message: m.Message, zone: tzinfo) -> Words | None:
    """Return what to tell of a message, None for what is not worth an alert."""
    match message:
        case m.BreachFound() if not message.is_repeat:
            sentence = message.breach.evidence.sentence(zone)
            text = f"rule {message.rule_id} broken: {sentence}"
            return Words(AlertKind.BREACH, Severity.CRITICAL, text, message.account_id)
        case m.ShadowBreachFound():
            return _shadow(message, zone)
        case m.WarningRaised():
            fraction = message.warned.fraction
            used = "" if fraction is None else f" ({fraction:.0%} used)"
            text = f"rule {message.rule_id} warns{used}: {message.warned.evidence.sentence(zone)}"
            return Words(AlertKind.WARNING, Severity.WARNING, text, message.account_id)
        case m.LocksChanged():
            return _locks(message, zone)
        case m.UnlockChanged():
            return _unlock(message)
        case m.EnforcementChanged():
            return _enforcement(message)
        case m.CommandAnswered():
            return _refused(message)
        case m.PanicRequested():
            text = f"panic: {message.evidence.sentence(zone)}"
            return Words(AlertKind.BREACH, Severity.CRITICAL, text, message.account_id)
        case _:
            return _about_the_program(message, zone)


def _shadow(message: m.ShadowBreachFound, zone: tzinfo) -> Words:
    would = describe_response(message.breach, zone)
    text = (
        f"rule {message.rule_id} (shadow) broken, nothing is done; it would have {would}:"
        f" {message.breach.evidence.sentence(zone)}"
    )
    return Words(AlertKind.BREACH, Severity.WARNING, text, message.account_id)


def _locks(message: m.LocksChanged, zone: tzinfo) -> Words | None:
    if message.engaged is not None:
        lock = message.engaged
        until = (
            "until its condition ends it"
            if lock.until_ns is None
            else f"until {format_day_and_instant(lock.until_ns, zone)}"
        )
        text = f"{_scope(lock)} LOCKED by {lock.rule_id} {until}: {lock.evidence.sentence(zone)}"
        return Words(AlertKind.LOCK, Severity.CRITICAL, text, message.account_id)
    if message.ended is None:
        return None
    left = ", ".join(lock.rule_id for lock in message.locks)
    others = f"; still in force: {left}" if left else ""
    text = f"{_scope(message.ended)}: the lock of {message.ended.rule_id} ended{others}"
    return Words(AlertKind.UNLOCK, Severity.INFO, text, message.account_id)


def _scope(lock: Lock) -> str:
    return "account" if lock.contract_id is None else symbol_of(lock.contract_id)


_CAME_OF_UNLOCK = {
    UnlockStatus.REFUSED: "was refused",
    UnlockStatus.ASKED: "was asked for",
    UnlockStatus.WITHDRAWN: "was withdrawn",
    UnlockStatus.DONE: "was granted",
}


def _unlock(message: m.UnlockChanged) -> Words | None:
    came_of_it = _CAME_OF_UNLOCK.get(message.status)
    if came_of_it is None:
        return None
    whose = message.rule_id or f"lock {message.lock_id}"
    text = f"unlocking {whose} {came_of_it}: {message.detail}"
    is_quiet = message.status is UnlockStatus.WITHDRAWN
    severity = Severity.INFO if is_quiet else Severity.WARNING
    return Words(AlertKind.UNLOCK, severity, text, message.account_id)


def _enforcement(message: m.EnforcementChanged) -> Words:
    cause, severity = message.cause, Severity.INFO
    match message.phase:
        case m.EnforcementPhase.STARTED if message.detail == RULE_BROKEN or cause == PANIC:
            text = f"closing and cancelling for {cause}"
        case m.EnforcementPhase.STARTED:
            severity = Severity.WARNING
            text = f"closing and cancelling for {cause}: {message.detail}"
        case m.EnforcementPhase.STUCK:
            severity = Severity.CRITICAL
            text = (
                f"CANNOT FINISH closing for {cause} after {message.took_ns / 1e9:.0f} s, still"
                f" trying; look at your platform: {message.detail}"
            )
        case m.EnforcementPhase.BRAKED:
            severity = Severity.CRITICAL
            text = f"closing for {cause} PAUSED; look at your platform: {message.detail}"
        case m.EnforcementPhase.RESUMED:
            text = f"closing for {cause} goes on: {message.detail}"
        case m.EnforcementPhase.FLAT_OBSERVED:
            seen = "reduced" if message.detail == REDUCED else "flat"
            text = f"observed {seen} for {cause} after {message.took_ns / 1e9:.1f} s"
    return Words(AlertKind.ENFORCEMENT, severity, text, message.account_id)


def _refused(message: m.CommandAnswered) -> Words | None:
    outcome = message.outcome
    if outcome.answer is not Answer.REFUSED or outcome.reason is Refusal.DISARMED:
        return None
    why = f": {outcome.detail}" if outcome.detail else ""
    if _never_left(outcome):
        text = f"a command of ours could not be sent{why}; it is tried again"
        return Words(AlertKind.CONNECTION, Severity.WARNING, text, outcome.account_id)
    code = f" (code {outcome.error_code})" if outcome.error_code else ""
    text = f"the broker refused a command of ours{why}{code}; it is tried again"
    return Words(AlertKind.REFUSED, Severity.WARNING, text, outcome.account_id)


def _never_left(outcome: Outcome) -> bool:
    """Tell whether the broker never saw it, so that it cannot have refused it."""
    is_unsent = (outcome.detail or "").startswith("not sent")
    return is_unsent or outcome.reason is Refusal.UNREACHABLE


_OF_ACTORS = {
    m.ActorStatus.FAILED: (Severity.WARNING, "failed, is started again"),
    m.ActorStatus.RESTARTED: (Severity.INFO, "works again"),
    m.ActorStatus.GIVEN_UP: (Severity.CRITICAL, "FAILED TOO OFTEN and was given up"),
    m.ActorStatus.STUCK: (Severity.CRITICAL, "HANGS"),
    m.ActorStatus.FAULT: (Severity.WARNING, "reports a fault"),
}


def _about_the_program(message: m.Message, zone: tzinfo) -> Words | None:
    match message:
        case m.ActorChanged() if message.address != ALERTS and message.status in _OF_ACTORS:
            severity, what = _OF_ACTORS[message.status]
            why = f": {message.detail}" if message.detail else ""
            return Words(AlertKind.ACTOR, severity, f"{message.address} {what}{why}")
        case m.TraderActed() if message.action in ("arm", "disarm"):
            return _armed(message)
        case m.SettingsChanged() if message.applied or message.pending:
            line = describe(message, zone)
            text = f"settings: {'' if line is None else line.text}"
            return Words(AlertKind.SETTINGS, Severity.INFO, text)
        case m.ClockStepped():
            return Words(AlertKind.ACTOR, Severity.WARNING, f"clock: {message.detail}")
        case _:
            return None


def _armed(message: m.TraderActed) -> Words:
    if not message.accepted:
        text = f"{message.action} was refused: {message.detail}"
        return Words(AlertKind.DISARM, Severity.WARNING, text)
    if message.action == "disarm":
        text = f"DISARMED, nothing is enforced: {message.detail}"
        return Words(AlertKind.DISARM, Severity.CRITICAL, text)
    return Words(AlertKind.DISARM, Severity.INFO, "armed again: breaches are enforced")
