"""The REST side: one handler for every endpoint below /api.

Business failures are HTTP 200 with `success: false` and the endpoint's own errorCode. 401 is a
missing, forged, revoked or expired token, 429 the rate limit, 400 a body that is not understood.
"""

import asyncio
import time
from collections.abc import Callable

import msgspec
from aiohttp import web

from risk_actors.simulator import rest_session, rest_trading
from risk_actors.simulator.desk import Desk, Endpoint, FailedError, Reply
from risk_actors.simulator.fault_base import is_named
from risk_actors.simulator.faults import Fault, Faults, RepeatRows, Stale
from risk_actors.simulator.history import History, RequestRecord
from risk_actors.simulator.payloads import Row, to_json
from risk_actors.simulator.rate import SlidingWindow
from risk_actors.simulator.refusals import RefusedError
from risk_actors.simulator.rest_faults import (
    body_of,
    is_stale,
    outcome,
    past_of,
    runs_command,
    with_first_row_twice,
)
from risk_actors.simulator.settings import SimulatorSettings, opened
from risk_actors.simulator.tokens import Session

_PING = "Status/ping"
_ENDPOINTS = rest_session.ENDPOINTS | rest_trading.ENDPOINTS
_NOBODY = Session("anonymous", "")
_OK, _BAD, _UNAUTHORIZED, _NOT_FOUND, _TOO_MANY = 200, 400, 401, 404, 429


class Answer(msgspec.Struct, frozen=True):
    """An HTTP status with a JSON body, or without one."""

    status: int
    row: Row | str | None = None


class RestApi:
    """Answers REST requests and writes each of them to the history."""

    def __init__(
        self,
        *,
        desk: Desk,
        settings: SimulatorSettings,
        faults: Faults,
        history: History,
        publish: Callable[[], None],
        stopping: asyncio.Event,
    ) -> None:
        """Take what the endpoints work on; `publish` runs after every command."""
        self._desk = desk
        self._faults = faults
        self._history = history
        self._publish = publish
        self._stopping = stopping
        self._opening = [opened(account) for account in settings.accounts]
        self._limit = SlidingWindow(limit=settings.requests_per_minute, window_s=60)
        self._bar_limit = SlidingWindow(limit=settings.bar_requests_per_30_s, window_s=30)

    def routes(self) -> list[web.RouteDef]:
        """Return the routes below /api."""
        return [
            web.get("/api/" + _PING, self._ping),
            web.post("/api/{endpoint:.+}", self._handle),
        ]

    async def _ping(self, request: web.Request) -> web.Response:
        record = self._history.arrived(_PING, b"")
        pong = Answer(_OK, "pong")  # JSON, not text: the SDK parses the body
        fault = self._faults.take(_PING)
        if fault is None:
            return self._respond(record, pong)
        await self._misbehave(request, fault)
        if fault.kind == "body":
            return self._garble(record, fault, None)
        return self._respond(record, _failure(fault, _PING) or pong)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        endpoint = request.match_info["endpoint"]
        body = await request.read()
        record = self._history.arrived(endpoint, body)
        token = bearer(request)
        fault = self._faults.take(endpoint)
        if fault is None:
            return self._respond(record, self._answer(record, token, body))
        runs = runs_command(fault, endpoint)
        answer = self._answer(record, token, body) if runs else None
        await self._misbehave(request, fault)
        if fault.kind == "body":
            return self._garble(record, fault, answer)
        failed = _failure(fault, endpoint)
        return self._respond(record, failed or answer or self._answer(record, token, body))

    def _garble(self, record: RequestRecord, fault: Fault, answer: Answer | None) -> web.Response:
        """Answer with a body that is not what is due, unless a status is due anyway."""
        if answer is not None and answer.status != _OK:
            return self._respond(record, answer)
        due = _empty_of(record.endpoint) | outcome(0) if answer is None else answer.row
        self._finish(record, Answer(_OK))
        raw, content_type = body_of(fault.body, due)
        return web.Response(status=_OK, body=raw, content_type=content_type)

    async def _misbehave(self, request: web.Request, fault: Fault) -> None:
        """Wait, hang until the server stops or the client goes, or cut the connection."""
        if fault.kind == "hang":
            await self._stopping.wait()
        elif fault.kind == "drop" and request.transport is not None:
            request.transport.abort()
        elif fault.delay_s:
            await asyncio.sleep(fault.delay_s)

    def _respond(self, record: RequestRecord, answer: Answer) -> web.Response:
        self._finish(record, answer)
        if answer.row is None:
            return web.Response(status=answer.status)
        return web.Response(
            status=answer.status, body=to_json(answer.row), content_type="application/json"
        )

    @staticmethod
    def _finish(record: RequestRecord, answer: Answer) -> None:
        record.answered_ns = time.monotonic_ns()
        record.status = answer.status
        if isinstance(answer.row, dict):
            record.success = answer.row.get("success")
            record.error_code = answer.row.get("errorCode")

    def _answer(self, record: RequestRecord, token: str | None, body: bytes) -> Answer:
        endpoint = _ENDPOINTS.get(record.endpoint)
        if endpoint is None:
            return Answer(_NOT_FOUND)
        session: Session | None = _NOBODY
        if record.endpoint != rest_session.LOGIN:
            session = self._desk.mint.session(token, self._desk.clock())
        if session is None:
            return Answer(_UNAUTHORIZED)
        record.token_id, record.username = session.token_id, session.username
        limit = self._bar_limit if record.endpoint == rest_session.BARS else self._limit
        if not limit.accept(session.token_id, time.monotonic_ns()):
            return Answer(_TOO_MANY)
        try:
            asked = msgspec.json.decode(body, type=endpoint.request) if endpoint.request else None
            row = self._execute(endpoint, session, asked, record)
            repeats = self._faults.take_one(
                RepeatRows, lambda fault: is_named(fault.endpoint, record.endpoint)
            )
            return Answer(_OK, row if repeats is None else with_first_row_twice(row))
        except ValueError as error:  # msgspec's errors are ValueErrors too
            problem = {"title": "Bad Request", "status": _BAD, "detail": str(error)}
            return Answer(_BAD, problem)

    def _desk_for(self, endpoint: str) -> Desk:
        """Return the desk to read from: as it is, or while reads are stale as it was."""
        stale = self._faults.take_one(Stale, lambda fault: is_stale(fault, endpoint))
        if stale is None:
            return self._desk
        past = past_of(stale, self._opening, self._history.journal, self._desk.clock())
        return msgspec.structs.replace(self._desk, book=past)

    def _execute(
        self, endpoint: Endpoint, session: Session, asked: object, record: RequestRecord
    ) -> Row:
        try:
            reply: Reply = endpoint.run(self._desk_for(record.endpoint), session, asked)
        except RefusedError as refusal:
            record.order_id = refusal.order_id
            row = dict(endpoint.empty)
            if "orderId" in row:
                row["orderId"] = refusal.order_id
            return row | outcome(endpoint.codes[refusal.reason], refusal.message)
        except FailedError as failure:
            return dict(endpoint.empty) | failure.payload | outcome(failure.error_code)
        finally:
            self._publish()
        record.order_id, record.executed = reply.order_id, True
        return reply.row | outcome(0)


def _empty_of(name: str) -> Row:
    endpoint = _ENDPOINTS.get(name)
    return {} if endpoint is None else dict(endpoint.empty)


def _failure(fault: Fault, name: str) -> Answer | None:
    """Return what a fault answers instead of the truth; None when it tells the truth."""
    if fault.kind == "refuse":
        return Answer(_OK, _empty_of(name) | outcome(fault.error_code, fault.message))
    if fault.kind == "delay":
        return None
    # A hang ends with the server, a drop is never read: the status is for the log.
    return Answer(fault.status)


def bearer(request: web.Request) -> str | None:
    """Return the request's bearer token, from the header or the `access_token` parameter."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token
    return request.query.get("access_token")
