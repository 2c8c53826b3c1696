"""`GET /api/audit`: one chain from event to outcome, or what was recorded lately."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from aiohttp import web

from risk_actors.core.evidence import iso_utc
from risk_actors.projectx.secrets import scrub
from risk_actors.store.audit import Record, Selection
from risk_actors.store.audit_chains import Chain, chains_of
from risk_actors.store.audit_steps import Step, step_of
from risk_actors.web.guard import plain
from risk_actors.web.history import StoreReader, instant_ns
from risk_actors.web.routes import Id, Query, Route, answer_json, asked
from risk_actors.web.shapes import AuditChain, AuditRecord, AuditRecords, AuditStep

_ROWS_AT_ONCE = 500
_MOST_ROWS = 20_000
"""Looked at for one answer; what comes by the hundred is among them."""
_MOST_STEPS = 2_000
_HIGHEST_SEQ = 2**63 - 1


class AuditQuery(Query, frozen=True):
    """One chain by its id, or the latest of the record."""

    correlation: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    """Alone: the whole chain."""
    account: Id | None = None
    since: Annotated[str, msgspec.Meta(max_length=40)] | None = None
    """ISO 8601 with a zone; included."""
    limit: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100


class AuditRoutes:
    """The record over HTTP."""

    def __init__(self, store: StoreReader) -> None:
        self._store = store

    def routes(self) -> Sequence[Route]:
        """Return the routes to serve."""
        return (
            Route(
                "GET",
                "/api/audit",
                self._audit,
                "One chain from event to outcome, or what was recorded lately",
                {200: (AuditChain, AuditRecords)},
                query=AuditQuery,
            ),
        )

    async def _audit(self, request: web.Request) -> web.Response:
        wanted = asked(request, AuditQuery)
        if wanted.correlation is None:
            return await self._lately(wanted)
        if wanted.account is not None or wanted.since is not None or "limit" in request.query:
            raise web.HTTPBadRequest(
                text="give `correlation` alone, or some of `account`, `since` and `limit`"
            )
        correlation_id = wanted.correlation
        chain = await self._store.read(lambda record: _chain(record, correlation_id), None)
        if chain is None:
            raise web.HTTPNotFound(
                text="no such chain is in the record; give the whole id, as /api/state names it"
            )
        steps = tuple(_step(step) for step in chain.steps[:_MOST_STEPS])
        return answer_json(AuditChain(correlation_id=correlation_id, steps=steps))

    async def _lately(self, wanted: AuditQuery) -> web.Response:
        try:
            since_ns = None if wanted.since is None else instant_ns(wanted.since)
        except (ValueError, OverflowError) as error:
            raise web.HTTPBadRequest(
                text="`since` is no instant; give it as 2026-11-21T15:30:00Z"
            ) from error
        selection = Selection(since_ns=since_ns, account_id=wanted.account)
        nothing: list[Step] = []
        steps = await self._store.read(lambda r: _latest(r, selection, wanted.limit), nothing)
        return answer_json(AuditRecords(records=tuple(_record(step) for step in steps)))


def _chain(record: Record, correlation_id: str) -> Chain | None:
    return next(iter(chains_of(record.rows_of([correlation_id]))), None)


def _latest(record: Record, selection: Selection, limit: int) -> list[Step]:
    """Return the newest rows that are worth a line."""
    found: list[Step] = []
    before_seq, looked_at = _HIGHEST_SEQ, 0
    while len(found) < limit and looked_at < _MOST_ROWS:
        rows = record.latest_rows(selection, before_seq, _ROWS_AT_ONCE)
        if not rows:
            break
        found += [step for step in map(step_of, rows) if not step.is_quiet]
        looked_at += len(rows)
        before_seq = rows[-1].seq
    return found[:limit]


def _step(step: Step) -> AuditStep:
    return AuditStep(
        at=iso_utc(step.at_ns),
        kind=step.word,
        text=plain(scrub(step.text)),
        account=step.row.account_id,
        alarming=step.is_alarming,
    )


def _record(step: Step) -> AuditRecord:
    return AuditRecord(
        at=iso_utc(step.at_ns),
        kind=step.word,
        text=plain(scrub(step.text)),
        account=step.row.account_id,
        alarming=step.is_alarming,
        correlation_id=plain(step.row.correlation_id),
    )
