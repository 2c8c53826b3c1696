"""What the store says of a rule in shadow, trading day by trading day; the store is only read."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from risk_actors.app.replay_recorded import RecordedRun, RecordedRuns
from risk_actors.app.rule_context import rule_context
from risk_actors.app.run_setup import decode_setup
from risk_actors.app.settings_json import decode_settings
from risk_actors.core.day_names import name_of_day
from risk_actors.core.rules import Mode, RuleSettings
from risk_actors.core.trading_calendar import TradingCalendar, Window
from risk_actors.store.audit import Record, RecordRow, Selection
from risk_actors.store.schema import DATABASE_FILE


class NoRecordError(Exception):
    """There is no record of the rule; the text says why and what to do."""


class Decision(NamedTuple):
    """A breach that the rule found in shadow."""

    correlation_id: str
    at_ns: int
    account_id: int
    text: str


class Correction(NamedTuple):
    """A fill that the broker took back."""

    account_id: int
    fill_id: int
    filled_ns: int
    corrected_ns: int


class Stretch(NamedTuple):
    """A time in which the rule could not judge."""

    since_ns: int
    until_ns: int
    account_id: int
    why: str


class ShadowDay(NamedTuple):
    """One trading day on which the rule was in shadow, with the settings it has now."""

    day: date
    window: Window
    is_over: bool
    watched_s: float
    fills: int
    """In the accounts that the rule guards."""
    decisions: Sequence[Decision]
    unknown: Sequence[Stretch]
    doubted: Mapping[str, Correction]
    """Decisions that a later correction of the broker puts in doubt."""


class _Run(NamedTuple):
    recorded: RecordedRun
    calendar: TradingCalendar
    accounts: Mapping[int, str]


class ShadowRecord(NamedTuple):
    """All of it."""

    file: Path
    calendar: TradingCalendar
    days: Sequence[ShadowDay]
    notes: Sequence[str]
    """Runs that do not count, and why."""


def read_shadow_record(data_dir: Path, rule: RuleSettings, now_ns: int) -> ShadowRecord:
    """Return the rule's days in shadow.

    Args:
        data_dir: where `risk.db` lies.
        rule: as the trader's settings have it now; days with others do not count.
        now_ns: a day that ends later is not over, unless the record goes beyond it.

    Raises:
        NoRecordError: there is none.
        sqlite3.Error: the store cannot be read.
    """
    file = data_dir / DATABASE_FILE
    if not file.is_file():
        raise NoRecordError(
            f"there is no {file}; guard your accounts with the rule in shadow (`risk-actors run`),"
            " or give --data"
        )
    with RecordedRuns(file) as store:
        runs, notes = _runs_in_shadow(store.runs(), rule)
    if not runs:
        why = f": {'; '.join(notes)}" if notes else ""
        raise NoRecordError(
            f'no run of {file} had `{rule.id}` with mode = "shadow" and the settings of now{why}'
        )
    with Record(file) as record:
        days = list(_days(record, runs, rule, now_ns))
    return ShadowRecord(file, runs[-1].calendar, days, notes)


def _runs_in_shadow(
    runs: Sequence[RecordedRun], rule: RuleSettings
) -> tuple[list[_Run], list[str]]:
    found, notes = [], []
    wanted = msgspec.structs.replace(rule, mode=Mode.SHADOW)
    for run in runs:
        try:
            setup = decode_setup(run.setup)
            settings = decode_settings(setup.settings)
            calendar = rule_context(settings).calendar
        except (msgspec.MsgspecError, ValueError, OSError) as error:
            notes.append(f"run {run.id} cannot be read by this version ({error})")
            continue
        own = next((each for each in settings.rules if each.id == rule.id), None)
        if own == wanted:
            chosen = {i: name for i, name in setup.accounts.items() if rule.selects(name)}
            found.append(_Run(run, calendar, chosen))
        elif own is None:
            notes.append(f"run {run.id} had no rule `{rule.id}`")
        elif own.mode is not Mode.SHADOW:
            notes.append(f"in run {run.id} `{rule.id}` had mode = {own.mode.value!r}")
        else:
            notes.append(f"in run {run.id} `{rule.id}` had other settings")
    return found, notes


def _days(
    record: Record, runs: Sequence[_Run], rule: RuleSettings, now_ns: int
) -> Iterator[ShadowDay]:
    corrections = list(_corrections(record))
    last_ns = max(run.recorded.last_ns for run in runs)
    windows = sorted({w for run in runs for w in _windows(run)})
    for window in windows:
        living = [run for run in runs if _overlap_ns(run, window)]
        accounts = {account for run in living for account in run.accounts}
        rows = list(record.rows(Selection(since_ns=window.start_ns, until_ns=window.end_ns)))
        ids = {run.recorded.id for run in living}
        own = [row for row in rows if row.run_id in ids and _is_of(row, rule.id)]
        decisions = [_decision(row) for row in own if row.kind == "ShadowBreachFound"]
        end_ns = min(window.end_ns, max(run.recorded.last_ns for run in living))
        yield ShadowDay(
            day=name_of_day(window.start_ns, living[-1].calendar),
            window=window,
            is_over=max(now_ns, last_ns) >= window.end_ns,
            watched_s=sum(_overlap_ns(run, window) for run in living) / 1e9,
            fills=_fills(record, window, accounts),
            decisions=decisions,
            unknown=list(_unknown(own, end_ns)),
            doubted=_doubted(decisions, corrections, window),
        )


def _windows(run: _Run) -> Iterator[Window]:
    """Yield the trading days that a run lived in."""
    at_ns = run.recorded.started_ns
    while at_ns <= run.recorded.last_ns:
        window = run.calendar.day(at_ns)
        yield window
        at_ns = window.end_ns


def _overlap_ns(run: _Run, window: Window) -> int:
    since_ns = max(run.recorded.started_ns, window.start_ns)
    return max(min(run.recorded.last_ns, window.end_ns) - since_ns, 0)


def _is_of(row: RecordRow, rule_id: str) -> bool:
    if row.kind not in ("ShadowBreachFound", "VerdictChanged"):
        return False
    return bool(_message(row).get("rule_id") == rule_id)


def _message(row: RecordRow) -> dict[str, Any]:
    told = json.loads(row.message)
    return told if isinstance(told, dict) else {}


def _decision(row: RecordRow) -> Decision:
    return Decision(row.correlation_id, row.at_ns, row.account_id or 0, row.text or row.kind)


def _unknown(rows: Sequence[RecordRow], end_ns: int) -> Iterator[Stretch]:
    """Yield the times in which the verdict was unknown, a failing rule's among them."""
    since: dict[int, RecordRow] = {}
    for row in rows:
        if row.kind != "VerdictChanged":
            continue
        account_id = row.account_id or 0
        before = since.pop(account_id, None)
        if before is not None:
            yield Stretch(before.at_ns, row.at_ns, account_id, before.text or "unknown")
        if _message(row).get("verdict", {}).get("type") == "unknown":
            since[account_id] = row
    for account_id, row in since.items():
        yield Stretch(row.at_ns, end_ns, account_id, row.text or "unknown")


def _fills(record: Record, window: Window, accounts: set[int]) -> int:
    if not record.has("fills"):
        return 0
    query = (
        "select count(*) from fills where not voided and at_ns >= :since and at_ns < :until"
        " and account_id in (select value from json_each(:accounts))"
    )
    ((number,),) = record.ask(
        query, since=window.start_ns, until=window.end_ns, accounts=json.dumps(sorted(accounts))
    )
    return int(number)


def _corrections(record: Record) -> Iterator[Correction]:
    """Yield the fills that the broker took back: voided, or left out of a later read."""
    known: dict[tuple[int, int], int] = {}
    for row in record.rows():
        if row.kind not in ("FillReported", "AccountSnapshot") or row.account_id is None:
            continue
        told = _message(row)
        fills = [told["fill"]] if "fill" in told else told.get("new_fills") or []
        gone = list(told.get("gone_fills") or [])
        for fill in fills:
            if fill.get("voided"):
                gone.append(fill["id"])
            else:
                known.setdefault((row.account_id, fill["id"]), fill["at_ns"])
        for fill_id in gone:
            # One that was never seen otherwise was counted by nobody.
            filled_ns = known.pop((row.account_id, fill_id), None)
            if filled_ns is not None:
                yield Correction(row.account_id, fill_id, filled_ns, row.at_ns)


def _doubted(
    decisions: Sequence[Decision], corrections: Sequence[Correction], window: Window
) -> dict[str, Correction]:
    """Return the decisions that counted a fill of their day which was taken back afterwards."""
    return {
        decision.correlation_id: correction
        for decision in decisions
        for correction in corrections
        if correction.account_id == decision.account_id
        and window.start_ns <= correction.filled_ns <= decision.at_ns < correction.corrected_ns
    }
