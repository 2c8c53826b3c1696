"""The stage `production`: the rule's record in shadow on real days; then the change to accept.

A decision is wrong when doing the day again does not give it, when the trader marked it so in
`reviewed.toml`, or when the broker later took back a fill that it counted (unless the trader
marked it right all the same). A breach that was missed on a real day is only known when the trader
says so.
"""

import sqlite3
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from workshop.files import FileError

from promotion.config import ProductionConfig
from promotion.outcome import Outcome, counted
from promotion.places import shown
from promotion.review import Review, WrongReviewError, read_review
from promotion.settings_change import NoChangeError, rule_of, write_change
from promotion.shadow_record import (
    NoRecordError,
    ShadowDay,
    ShadowRecord,
    read_shadow_record,
)
from risk_actors.app.replay import NothingToReplayError, Replayed, replay
from risk_actors.core.evidence import NS_PER_S
from risk_actors.core.rules import Mode, RuleSettings

_DIFFERENCES_SHOWN = 3
_STRETCHES_SHOWN = 10


class Trader(NamedTuple):
    """What is the trader's own."""

    settings: Path
    data: Path
    reviewed: Path
    rule_id: str | None


class _Verdict(NamedTuple):
    """What came of one day."""

    counts: bool
    why_not: str
    wrong: Sequence[str]


def check_production(
    rule_type: str, config: ProductionConfig, trader: Trader, directory: Path
) -> Outcome:
    """Judge the record; with enough good days and no wrong decision, write the change."""
    outcome = Outcome(sentence="the record in shadow cannot be judged")
    try:
        rule = rule_of(trader.settings, rule_type, trader.rule_id)
        if rule.mode is not Mode.SHADOW:
            outcome.problems.append(
                f'`{rule.id}` has mode = "{rule.mode.value}" in {shown(trader.settings)}; only a'
                " rule in shadow can be promoted"
            )
            return outcome
        review = read_review(trader.reviewed)
        record = read_shadow_record(trader.data, rule, time.time_ns())
        _judge(record, rule, config, review, outcome)
        if not outcome.problems:
            change = write_change(trader.settings, rule, directory)
            outcome.facts |= {"patch": str(change.patch), "to_accept": change.sentence}
            outcome.notes.append(change.sentence)
    except (NoChangeError, WrongReviewError, NoRecordError, FileError) as error:
        outcome.problems.append(str(error))
    except (sqlite3.Error, OSError) as error:
        outcome.problems.append(f"the store or the settings cannot be read: {error}")
    return outcome


def _judge(
    record: ShadowRecord,
    rule: RuleSettings,
    config: ProductionConfig,
    review: Review,
    outcome: Outcome,
) -> None:
    verdicts = [(day, _verdict(record, day, config, review)) for day in record.days]
    good = [day for day, verdict in verdicts if verdict.counts]
    decisions = {d.correlation_id for day in record.days for d in day.decisions}
    for stranger in review.strangers(decisions):
        outcome.problems.append(
            f"the review speaks of decision {stranger!r}, which is not in the record; correct it"
        )
    for missed in review.missed:
        outcome.problems.append(
            f"MISSED BREACH at {missed.at.isoformat(sep=' ')}, marked by you: {missed.why}"
        )
    for day, verdict in verdicts:
        outcome.problems += [f"{day.day:%a %Y-%m-%d}: {what}" for what in verdict.wrong]
        if verdict.why_not:
            outcome.notes.append(f"{day.day:%a %Y-%m-%d} does not count: {verdict.why_not}")
        outcome.notes += _unknown(record, day)
    if len(good) < config.days:
        outcome.problems.append(
            f"TOO FEW DAYS: {len(good)} of {config.days} trading days in shadow count; trade on"
            f" with `{rule.id}` in shadow and start this again, it goes on here"
        )
    outcome.notes += [f"{note}; it does not count" for note in record.notes]
    outcome.facts = {
        "rule": rule.id,
        "days_needed": config.days,
        "days": [_told(record, day, verdict) for day, verdict in verdicts],
    }
    outcome.sentence = (
        f"{counted(len(good), 'trading day')} in shadow,"
        f" {counted(len(decisions), 'breach', 'breaches')} found,"
        f" {counted(sum(len(v.wrong) for _, v in verdicts), 'wrong decision')}"
    )


def _verdict(
    record: ShadowRecord, day: ShadowDay, config: ProductionConfig, review: Review
) -> _Verdict:
    wrong = [*_marked(day, review), *_corrected(day, review)]
    reason = ""
    if not day.is_over:
        reason = "it is not over"
    elif day.watched_s < config.least_watched_s:
        reason = (
            f"the rule was watched in shadow for {day.watched_s:,.0f} s,"
            f" {config.least_watched_s:,.0f} are needed"
        )
    elif day.fills < config.least_fills:
        reason = f"{counted(day.fills, 'fill')} in the accounts it guards"
    else:
        done_again, reason = _replayed(record, day)
        wrong += done_again
    return _Verdict(not reason and not wrong, reason, wrong)


def _marked(day: ShadowDay, review: Review) -> list[str]:
    reasons = {each.decision: each.why for each in review.wrong}
    return [
        f"FALSE FLATTEN, marked by you: {decision.text} ({decision.correlation_id}):"
        f" {reasons[decision.correlation_id]}"
        for decision in day.decisions
        if decision.correlation_id in reasons
    ]


def _corrected(day: ShadowDay, review: Review) -> list[str]:
    settled = {each.decision for each in (*review.right, *review.wrong)}
    return [
        f"FALSE FLATTEN, the broker took back fill {day.doubted[decision.correlation_id].fill_id}"
        f" that it counted: {decision.text} ({decision.correlation_id}); if it was right all the"
        " same, mark it [[right]]"
        for decision in day.decisions
        if decision.correlation_id in day.doubted and decision.correlation_id not in settled
    ]


def _replayed(record: ShadowRecord, day: ShadowDay) -> tuple[list[str], str]:
    """Do the day again; return what differs, and why it does not count although nothing does."""
    try:
        replayed: Replayed = replay(record.file, day.day, record.calendar.zone)
    except NothingToReplayError as error:
        return [], str(error)
    wrong = [run.fault for run in replayed.runs if run.fault]
    if replayed.broken is not None:
        wrong.append(f"the record is broken: {replayed.broken.sentence()}")
    differences = [each for run in replayed.runs for each in run.differences]
    wrong += [
        f"NOT REPRODUCED by `risk-actors replay`: {each.sender}: recorded"
        f" {each.recorded or 'nothing'}, again {each.replayed or 'nothing'}"
        for each in differences[:_DIFFERENCES_SHOWN]
    ]
    if len(differences) > _DIFFERENCES_SHOWN:
        wrong.append(f"... and {len(differences) - _DIFFERENCES_SHOWN} more differences")
    left = sum(run.not_compared for run in replayed.runs)
    notes = "; ".join(note for run in replayed.runs for note in run.notes)
    return wrong, f"{counted(left, 'decision')} cannot be done again: {notes}" if left else ""


def _unknown(record: ShadowRecord, day: ShadowDay) -> list[str]:
    told = [
        f"{day.day:%a %Y-%m-%d}: account {stretch.account_id} unknown from"
        f" {_time(stretch.since_ns, record)} to {_time(stretch.until_ns, record)}: {stretch.why}"
        for stretch in day.unknown[:_STRETCHES_SHOWN]
    ]
    left = len(day.unknown) - len(told)
    return [*told, f"{day.day:%a %Y-%m-%d}: ... and {left} more"] if left else told


def _time(at_ns: int, record: ShadowRecord) -> str:
    return f"{datetime.fromtimestamp(at_ns / NS_PER_S, record.calendar.zone):%H:%M:%S}"


def _told(record: ShadowRecord, day: ShadowDay, verdict: _Verdict) -> dict[str, Any]:
    return {
        "day": day.day.isoformat(),
        "counts": verdict.counts,
        "why_not": verdict.why_not or "; ".join(verdict.wrong),
        "watched_s": round(day.watched_s),
        "fills": day.fills,
        "unknown_s": round(sum(s.until_ns - s.since_ns for s in day.unknown) / NS_PER_S),
        "decisions": [
            {
                "decision": decision.correlation_id,
                "at": _time(decision.at_ns, record),
                "account": decision.account_id,
                "text": decision.text,
            }
            for decision in day.decisions
        ],
    }
