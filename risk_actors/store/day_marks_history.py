"""What is marked on the curve of a day: entries, exits, warnings, breaches, locks, unlocks."""

from typing import NamedTuple

from risk_actors.core.instruments import symbol_of
from risk_actors.projectx.secrets import scrub
from risk_actors.store.audit import Record, RecordRow
from risk_actors.store.audit_steps import step_of

MARKED = frozenset({"breach", "lock", "unlock", "warning"})
"""What of the record's words is marked."""
_MOST_MARKS = 1_000


class Mark(NamedTuple):
    """One thing that happened on a day."""

    at_ns: int
    kind: str
    """entry, exit, warning, breach, lock or unlock."""
    text: str
    correlation_id: str | None
    """None where the record does not tell which chain it belongs to."""


def read_marks(record: Record, account_id: int, day_start_ns: int) -> list[Mark]:
    """Return an account's marks since an instant in the order of their times, the newest 1,000.

    Raises:
        sqlite3.Error: the store cannot be read.
    """
    marks = [
        *_fills(record, account_id, day_start_ns),
        *_decisions(record, account_id, day_start_ns),
    ]
    return sorted(marks, key=lambda mark: mark.at_ns)[-_MOST_MARKS:]


def _fills(record: Record, account_id: int, day_start_ns: int) -> list[Mark]:
    if not record.has("fills") or not record.has("events"):
        return []
    told = record.ask(
        "select json_extract(message, '$.fill.id'), correlation_id from events"
        " where at_ns >= :since_ns and account_id = :account_id and kind = 'FillReported'"
        " and json_valid(message)",
        account_id=account_id,
        since_ns=day_start_ns,
    )
    chains = dict(told)
    rows = record.ask(
        "select at_ns, id, contract_id, side, size, price, profit_usd from fills"
        " where account_id = :account_id and at_ns >= :since_ns and not voided"
        " order by at_ns desc, id desc limit :most",
        account_id=account_id,
        since_ns=day_start_ns,
        most=_MOST_MARKS,
    )
    return [
        Mark(
            at_ns=at_ns,
            kind="entry" if profit is None else "exit",
            text=f"{'bought' if side == 'buy' else 'sold'} {size} {symbol_of(contract_id)}"
            f" at {price}",
            correlation_id=chains.get(fill_id),
        )
        for at_ns, fill_id, contract_id, side, size, price, profit in reversed(rows)
    ]


def _decisions(record: Record, account_id: int, day_start_ns: int) -> list[Mark]:
    if not record.has("decisions"):
        return []
    rows = record.ask(
        "select 'decisions', seq, at, at_ns, run_id, account_id, correlation_id, kind, text,"
        " message, hash from decisions where at_ns >= :since_ns and account_id = :account_id"
        " and kind in ('BreachFound', 'WarningRaised', 'LocksChanged')"
        " order by seq desc limit :most",
        account_id=account_id,
        since_ns=day_start_ns,
        most=_MOST_MARKS,
    )
    steps = [step_of(RecordRow._make(row)) for row in reversed(rows)]
    return [
        Mark(step.row.at_ns, step.word, scrub(step.text), step.row.correlation_id)
        for step in steps
        if step.word in MARKED
    ]
