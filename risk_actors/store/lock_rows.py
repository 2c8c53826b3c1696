"""A lock as plain columns, and back; the same in the store and in its backup."""

from datetime import tzinfo
from decimal import Decimal
from typing import Any

import msgspec

from risk_actors.core.evidence import Evidence
from risk_actors.core.lock import Lock
from risk_actors.core.verdict import Existing


def row_of(lock: Lock, zone: tzinfo) -> dict[str, Any]:
    """Return a lock's columns; its reason is told in words, with times in this zone."""
    return {
        "id": lock.id,
        "account_id": lock.account_id,
        "contract_id": lock.contract_id,
        "rule_id": lock.rule_id,
        "since_ns": lock.since_ns,
        "until_ns": lock.until_ns,
        "existing": lock.existing.value,
        "kept": msgspec.json.encode(lock.kept).decode(),
        "reason": lock.evidence.sentence(zone),
        "evidence": _encoded(lock.evidence),
        "correlation_id": lock.correlation_id,
    }


def lock_of(row: dict[str, Any]) -> Lock:
    """Return the lock that such columns say.

    Raises:
        msgspec.MsgspecError, KeyError, ValueError: they say none.
    """
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
