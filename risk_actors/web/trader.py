"""The trader's own requests over HTTP: panic, unlock, withdraw, disarm, arm.

The admin secret comes in with a body and goes to whoever checks it, and nowhere else.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Annotated

import msgspec
from aiohttp import web
from loguru import logger

from risk_actors.actors.trader_requests import AnswerKind, TraderAnswer, TraderRequests
from risk_actors.web.guard import JSON, error_response

_STATUS = {
    AnswerKind.ACCEPTED: 202,
    AnswerKind.REFUSED: 403,
    AnswerKind.UNKNOWN: 404,
    AnswerKind.CONFLICT: 409,
}

type _Reason = Annotated[str, msgspec.Meta(max_length=500)]
type _Secret = Annotated[str, msgspec.Meta(max_length=1000)]


class _Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a request has to say."""


class _Panic(_Body, frozen=True):
    account: int | None
    """Null means every account."""


class _Unlock(_Body, frozen=True):
    lock: int
    reason: _Reason
    account: int | None = None
    secret: _Secret | None = None


class _Withdraw(_Body, frozen=True):
    lock: int


class _Disarm(_Body, frozen=True):
    reason: _Reason
    secret: _Secret | None = None


class _Arm(_Body, frozen=True):
    pass


class TraderRoutes:
    """The routes, and how what they are answered becomes a response."""

    def __init__(self, requests: TraderRequests) -> None:
        self._requests = requests

    def routes(self) -> Sequence[web.RouteDef]:
        """Return the routes to serve."""
        return (
            web.post("/api/panic", self._panic),
            web.post("/api/unlock", self._unlock),
            web.post("/api/unlock/withdraw", self._withdraw),
            web.post("/api/disarm", self._disarm),
            web.post("/api/arm", self._arm),
        )

    async def _panic(self, request: web.Request) -> web.Response:
        said = await _said(request, _Panic)
        whom = "every account" if said.account is None else f"account {said.account}"
        return await _answered(f"panic for {whom}", lambda: self._requests.panic(said.account))

    async def _unlock(self, request: web.Request) -> web.Response:
        said = await _said(request, _Unlock)
        return await _answered(
            f"unlock of lock {said.lock}",
            lambda: self._requests.unlock(said.lock, said.account, said.reason, said.secret),
        )

    async def _withdraw(self, request: web.Request) -> web.Response:
        said = await _said(request, _Withdraw)
        return await _answered(
            f"withdrawal of the request for lock {said.lock}",
            lambda: self._requests.withdraw(said.lock),
        )

    async def _disarm(self, request: web.Request) -> web.Response:
        said = await _said(request, _Disarm)
        return await _answered("disarm", lambda: self._requests.disarm(said.reason, said.secret))

    async def _arm(self, request: web.Request) -> web.Response:
        await _said(request, _Arm)
        return await _answered("arm", self._requests.arm)


async def _said[B: _Body](request: web.Request, kind: type[B]) -> B:
    # A form from another site cannot send this type without the browser asking us first.
    if request.content_type != JSON:
        raise web.HTTPUnsupportedMediaType(text=f"send {JSON}")
    try:
        return msgspec.json.decode(await request.read(), type=kind)
    except msgspec.MsgspecError as error:
        raise web.HTTPBadRequest(text=f"not understood: {error}") from error


async def _on_a_thread(ask: Callable[[], TraderAnswer]) -> TraderAnswer:
    """Ask on a thread of its own, which keeps neither others nor the end of the process waiting."""
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[TraderAnswer] = loop.create_future()

    def work() -> None:
        try:
            told = partial(_give, answer, ask())
        except BaseException as error:  # noqa: BLE001 - it is raised where it was asked
            told = partial(_fail, answer, error)
        with suppress(RuntimeError):  # the server has ended
            loop.call_soon_threadsafe(told)

    threading.Thread(target=work, name="request", daemon=True).start()
    return await answer


def _give(future: asyncio.Future[TraderAnswer], answer: TraderAnswer) -> None:
    if not future.done():
        future.set_result(answer)


def _fail(future: asyncio.Future[TraderAnswer], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)


async def _answered(what: str, ask: Callable[[], TraderAnswer]) -> web.Response:
    """Ask on a worker thread: a secret takes its time, and actors may have to be made anew."""
    answer = await _on_a_thread(ask)
    logger.warning("web: {}: {} ({})", what, answer.kind.value, answer.sentence)
    status = _STATUS[answer.kind]
    if not answer.accepted:
        return error_response(status, answer.sentence)
    return web.json_response({"accepted": True, "sentence": answer.sentence}, status=status)
