"""The trader's own requests over HTTP: panic, unlock, withdraw, disarm, arm.

The admin secret comes in with a body and goes to whoever checks it, and nowhere else.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Annotated

import msgspec
from aiohttp import web
from loguru import logger

from risk_actors.actors.trader_requests import AnswerKind, TraderAnswer, TraderRequests
from risk_actors.web.guard import JSON, Handler, error_response
from risk_actors.web.routes import BODY_TIMEOUT_S, Id, Route, answer_json
from risk_actors.web.shapes import Accepted
from risk_actors.web.threads import on_a_thread

_STATUS = {
    AnswerKind.ACCEPTED: 202,
    AnswerKind.REFUSED: 403,
    AnswerKind.UNKNOWN: 404,
    AnswerKind.CONFLICT: 409,
}

_LOCKED_BUT_BLIND = (
    "locked here; NOTHING can be closed now: use your platform. Once the broker is reached again"
)

type _Reason = Annotated[str, msgspec.Meta(max_length=500)]
type _Secret = Annotated[str, msgspec.Meta(max_length=1000)]


class _Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a request has to say."""


class PanicBody(_Body, frozen=True):
    """Whom to flatten and lock until the reset."""

    account: Id | None
    """Null means every account."""


class UnlockBody(_Body, frozen=True):
    """Which lock to end before its time, and why."""

    lock: Id
    reason: _Reason
    account: Id | None = None
    secret: _Secret | None = None


class WithdrawBody(_Body, frozen=True):
    """Of which lock the request to end it is taken back."""

    lock: Id


class DisarmBody(_Body, frozen=True):
    """Why nothing shall be sent to the broker any more."""

    reason: _Reason
    secret: _Secret | None = None


class ArmBody(_Body, frozen=True):
    """Nothing needs to be said."""


class TraderRoutes:
    """The routes, and how what they are answered becomes a response."""

    def __init__(
        self, requests: TraderRequests, is_blind: Callable[[], bool] = lambda: False
    ) -> None:
        """Take who answers, and what tells whether nothing can be seen or closed."""
        self._requests = requests
        self._is_blind = is_blind

    def routes(self) -> Sequence[Route]:
        """Return the routes to serve."""
        return (
            _route("/api/panic", self._panic, PanicBody, "Flatten and lock until the reset"),
            _route("/api/unlock", self._unlock, UnlockBody, "End a lock before its time"),
            _route(
                "/api/unlock/withdraw",
                self._withdraw,
                WithdrawBody,
                "Take back a request to end a lock",
            ),
            _route("/api/disarm", self._disarm, DisarmBody, "Send nothing to the broker any more"),
            _route("/api/arm", self._arm, ArmBody, "Enforce breaches from now on"),
        )

    async def _panic(self, request: web.Request) -> web.Response:
        said = await _said(request, PanicBody)
        whom = "every account" if said.account is None else f"account {said.account}"
        return await _answered(f"panic for {whom}", lambda: self._panicked(said.account))

    def _panicked(self, account_id: int | None) -> TraderAnswer:
        answer = self._requests.panic(account_id)
        if answer.accepted and self._is_blind():
            return TraderAnswer(answer.kind, f"{_LOCKED_BUT_BLIND}: {answer.sentence}")
        return answer

    async def _unlock(self, request: web.Request) -> web.Response:
        said = await _said(request, UnlockBody)
        return await _answered(
            f"unlock of lock {said.lock}",
            lambda: self._requests.unlock(said.lock, said.account, said.reason, said.secret),
        )

    async def _withdraw(self, request: web.Request) -> web.Response:
        said = await _said(request, WithdrawBody)
        return await _answered(
            f"withdrawal of the request for lock {said.lock}",
            lambda: self._requests.withdraw(said.lock),
        )

    async def _disarm(self, request: web.Request) -> web.Response:
        said = await _said(request, DisarmBody)
        return await _answered("disarm", lambda: self._requests.disarm(said.reason, said.secret))

    async def _arm(self, request: web.Request) -> web.Response:
        await _said(request, ArmBody)
        return await _answered("arm", self._requests.arm)


def _route(path: str, handle: Handler, body: type[_Body], summary: str) -> Route:
    return Route("POST", path, handle, summary, {202: Accepted}, body=body)


def _number(text: str) -> int | float:
    """Read a number as what it is: 101.0 is a whole one, however a client writes its numbers."""
    value = float(text)
    return int(value) if value.is_integer() and abs(value) < _EXACT_BELOW else value


_EXACT_BELOW = 2.0**53
_WRITTEN = msgspec.json.Decoder(float_hook=_number)


async def _said[B: _Body](request: web.Request, kind: type[B]) -> B:
    # A form from another site cannot send this type without the browser asking us first.
    if request.content_type != JSON:
        raise web.HTTPUnsupportedMediaType(text=f"send {JSON}")
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            body = await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout(
            text=f"the body did not come within {BODY_TIMEOUT_S:.0f} s; send it whole"
        ) from None
    try:
        return msgspec.convert(_WRITTEN.decode(body), kind)
    except msgspec.MsgspecError as error:
        raise web.HTTPBadRequest(text=f"not understood: {error}") from error


async def _answered(what: str, ask: Callable[[], TraderAnswer]) -> web.Response:
    """Ask on a worker thread: a secret takes its time, and actors may have to be made anew."""
    answer = await on_a_thread(ask)
    logger.warning("web: {}: {} ({})", what, answer.kind.value, answer.sentence)
    status = _STATUS[answer.kind]
    if not answer.accepted:
        return error_response(status, answer.sentence)
    return answer_json(Accepted(accepted=True, sentence=answer.sentence), status)
