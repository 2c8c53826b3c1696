"""Locks in the store, so that they outlive the process (I5)."""

from collections.abc import Sequence
from datetime import tzinfo
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from risk_actors.core.evidence import Evidence
from risk_actors.core.lock import Lock, LockSpan
from risk_actors.core.verdict import Existing
from risk_actors.store.schema import open_database

BUSY_FOR_AT_MOST_MS = 250


class SqliteLockStore:
    """The table `locks`. Every call commits; used by the lockout actor alone, in its thread."""

    def __init__(self, data_dir: Path, zone: tzinfo) -> None:
        """Open the store; sentences kept in it for people say times in this zone."""
        self._zone = zone
        self._database = open_database(data_dir)
        # A lock is announced only after this commit, so a busy file must not hold it up for long.
        self._database.execute(f"pragma busy_timeout = {BUSY_FOR_AT_MOST_MS}")
        self._table = self._database["locks"]

    def in_force(self, now_ns: int) -> Sequence[Lock]:
        """Return the locks not ended by now, oldest first."""
        rows = self._table.rows_where(
            "ended_ns is null and (until_ns is null or until_ns > ?)", [now_ns], order_by="id"
        )
        return [_lock(row) for row in rows]

    def ended_between(self, since_ns: int, now_ns: int) -> Sequence[tuple[int, LockSpan]]:
        """Return by account the locks in force after an instant that have ended by now."""
        rows = self._database.execute(
            "select account_id, contract_id, since_ns, coalesce(ended_ns, until_ns) as over_ns"
            " from locks where over_ns > ? and (ended_ns is not null or over_ns <= ?) order by id",
            [since_ns, now_ns],
        )
        return [(row[0], LockSpan(*row[1:])) for row in rows.fetchall()]

    def last_id(self) -> int:
        """Return the highest lock id ever given, 0 when there was none."""
        highest = self._database.execute("select max(id) from locks").fetchone()[0]
        return int(highest or 0)

    def save(self, lock: Lock) -> None:
        """Commit a lock, new or changed."""
        row = {
            "id": lock.id,
            "account_id": lock.account_id,
            "contract_id": lock.contract_id,
            "rule_id": lock.rule_id,
            "since_ns": lock.since_ns,
            "until_ns": lock.until_ns,
            "existing": lock.existing.value,
            "kept": msgspec.json.encode(lock.kept).decode(),
            "reason": lock.evidence.sentence(self._zone),
            "evidence": _encoded(lock.evidence),
            "correlation_id": lock.correlation_id,
        }
        # Not the library's upsert: it first tries out on the file whether it can, and when the
        # file is busy just then it falls back to statements that here would save nothing.
        columns, values = ", ".join(row), ", ".join(f":{name}" for name in row)
        with self._database.conn:
            self._database.execute(
                f"insert into locks ({columns}) values ({values})"  # noqa: S608 - names, not data
                " on conflict (id) do update set until_ns = excluded.until_ns",
                row,
            )

    def end(self, lock: Lock, at_ns: int) -> None:
        """Commit that a lock ended."""
        self._table.update(lock.id, {"ended_ns": at_ns})

    def close(self) -> None:
        """Close the store."""
        self._database.close()


def _lock(row: dict[str, Any]) -> Lock:
    return Lock(
        id=row["id"],
        account_id=row["account_id"],
        contract_id=row["contract_id"],
        rule_id=row["rule_id"],
        since_ns=row["since_ns"],
        until_ns=row["until_ns"],
        existing=Existing(row["existing"]),
        kept=msgspec.json.decode(row["kept"] or "[]", type=tuple[tuple[str, int], ...]),
        evidence=_decoded(row["evidence"]),
        correlation_id=row["correlation_id"],
    )


class _Amount(msgspec.Struct, frozen=True):
    """A decimal in JSON, where it would look like any other text."""

    decimal: Decimal


class _StoredEvidence(msgspec.Struct, frozen=True):
    template: str
    figures: dict[str, _Amount | int | str | None]


def _encoded(evidence: Evidence) -> str:
    figures = {
        name: _Amount(figure) if isinstance(figure, Decimal) else figure
        for name, figure in evidence.figures.items()
    }
    return msgspec.json.encode(_StoredEvidence(evidence.template, figures)).decode()


def _decoded(text: str) -> Evidence:
    stored = msgspec.json.decode(text, type=_StoredEvidence)
    figures = {
        name: figure.decimal if isinstance(figure, _Amount) else figure
        for name, figure in stored.figures.items()
    }
    return Evidence(template=stored.template, figures=figures)
