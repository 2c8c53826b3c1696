"""A hub's second connection: a reader of our own that is kept up, whatever happens to it.

It stands beside the SDK's hub and never in its place. It asks as little of the broker as it can:
where the SDK's hub is up, one that is refused is tried again ever more slowly, and asks for no
login of its own.
"""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import quote

from loguru import logger
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import InvalidStatus

from risk_actors.projectx import lean_frames as frames
from risk_actors.projectx.errors_text import NOT_LOGGED_IN, words_of
from risk_actors.projectx.lean_connection import open_connection
from risk_actors.projectx.lean_negotiate import negotiate
from risk_actors.projectx.secrets import scrub
from risk_actors.projectx.subscriptions import Invocation, Subscriptions

STOPPED = "stopped"
RENEWED = "connected anew with a new session"
_SHAKE_HANDS_S = 5.0
_ANSWER_S = 2.0
_LOOK_EVERY_S = 1.0
_PING_EVERY_S = 10.0
_SILENT_S = 45.0
"""A server that has sent SignalR's pings (one each 15 s) and stops is gone, whatever the socket
below says; one that never does is judged by the socket alone."""
_STABLE_AFTER_S = 5.0
_FIRST_BACKOFF_S = 0.25
_LONGEST_BACKOFF_S = 4.0
"""While nobody else hears the broker; a dropped hub must be back within 5 s."""
_LONGEST_RESTING_S = 30.0
"""While the other line is up."""
_LAST_STEP = 8
_DOUBT_TOKEN_AFTER = frozenset({2, 12, 48})
_DOUBT_TOKEN_EVERY = 100
"""Failures in a row after which the token is suspected: a login is no light request."""
_TRY_OTHERWISE = frozenset({400, 404, 405, 409, 501})
"""What a server may answer that wants to negotiate first, or does not know how to."""


class Trouble(Exception):  # noqa: N818 -- the name says what happened
    """Why a connection ended, in words for people."""


class LeanHub:
    """Keeps one connection up and subscribed. Use it on its event loop only."""

    def __init__(
        self,
        url: str,
        token: Callable[[], str],
        subscriptions: Subscriptions,
        on_event: Callable[[frames.Invoked | frames.Unread], None],
        on_opening: Callable[[], None],
        on_change: Callable[[bool, str | None], None],
        on_token_doubt: Callable[[], None],
        may_rest: Callable[[], bool],
        *,
        needs_all: bool = True,
        on_refused: Callable[[Invocation], None] = lambda _invocation: None,
    ) -> None:
        """Take where to connect and who hears of it.

        Args:
            url: the hub's address, without a token.
            token: gives the present one.
            subscriptions: what to call on the hub once connected, and when there is more.
            on_event: takes every call of the server and what made no sense, as it is read.
            on_opening: is called right before a connection's first subscription is sent.
            on_change: hears that it is up (subscribed), or down and why, also when the why changes.
            on_token_doubt: hears that the broker may want a new token.
            may_rest: tells whether another line is up, so that there is no hurry.
            needs_all: whether a subscription that is refused is a failure.
            on_refused: hears of each that is refused and is none.
        """
        self._url = url
        self._token = token
        self._subscriptions = subscriptions
        self._on_event = on_event
        self._on_opening = on_opening
        self._on_change = on_change
        self._on_token_doubt = on_token_doubt
        self._may_rest = may_rest
        self._needs_all = needs_all
        self._on_refused = on_refused
        self.is_up = False
        self.attempts = 0
        """Connections tried so far."""
        self._detail: str | None = None
        self._failures = 0
        self._negotiates = False
        self._nudged = asyncio.Event()
        self._rest_until_s = 0.0
        self._rest_ended = asyncio.Event()
        self._protocol = frames.LeanProtocol()
        self._trouble: asyncio.Future[str] | None = None
        self._opened: asyncio.Future[None] | None = None
        self._answers: dict[str, asyncio.Future[str | None]] = {}
        self._heard_s = 0.0
        self._is_pinged = False
        self._used_token = ""
        self._more: asyncio.Future[None] | None = None

    def subscribe_more(self) -> None:
        """Subscribe to what is wanted since; before it is connected that goes with the rest."""
        _settle(self._more, None)

    def nudge(self) -> None:
        """Try again now if it is down, as when nobody else hears the broker any more."""
        self._nudged.set()

    def kick(self, detail: str) -> None:
        """End the present connection, for a reason in words, and make a new one."""
        if self._trouble is not None and not self._trouble.done():
            self._trouble.set_result(detail)

    def rest(self, seconds: float, detail: str) -> None:
        """Stay away for so many seconds, whatever hurries; none ends an earlier rest."""
        self._rest_until_s = _now_s() + seconds
        self._rest_ended.set()
        if seconds:
            self.kick(detail)

    async def tend(self) -> None:
        """Keep it up; runs until cancelled."""
        try:
            while True:
                self._nudged.clear()
                began_s = _now_s()
                try:
                    await self._live()
                except Trouble as trouble:
                    detail = str(trouble)
                except Exception as error:  # noqa: BLE001 -- whatever it is, the next may do better
                    detail = words_of(error)
                    self._learn(error)
                was_good = self.is_up and _now_s() - began_s > _STABLE_AFTER_S
                self._set_up(up=False, detail=detail)
                if detail == RENEWED:
                    continue
                self._failures = 0 if was_good else self._failures + 1
                self._doubt_token(detail)
                await _wait_for(self._nudged, self._pause_s())
                await self._rest()
        finally:
            self._set_up(up=False, detail=STOPPED)

    async def _rest(self) -> None:
        while (left_s := self._rest_until_s - _now_s()) > 0:
            self._rest_ended.clear()
            await _wait_for(self._rest_ended, left_s)

    async def _live(self) -> None:
        """Connect, subscribe and serve until something ends it, which is raised."""
        self.attempts += 1
        loop = asyncio.get_running_loop()
        self._protocol = frames.LeanProtocol()
        self._trouble, self._opened = loop.create_future(), loop.create_future()
        self._answers.clear()
        self._heard_s, self._is_pinged = loop.time(), False
        self._used_token = self._token()
        connection = await open_connection(await self._address(), self._take)
        closed = loop.create_task(connection.wait_closed(), name="lean hub's end")
        closed.add_done_callback(partial(_lost, self._trouble))
        try:
            await connection.send(frames.HANDSHAKE.decode())
            await self._unless_troubled(self._opened, _SHAKE_HANDS_S)
            if not self._opened.done():
                raise Trouble("the broker does not answer in time")
            await self._subscribe(connection)
            self._set_up(up=True, detail=None)
            await self._serve(connection)
        finally:
            self._trouble.cancel()
            closed.cancel()
            with suppress(Exception):
                await connection.close()

    async def _address(self) -> str:
        """Return where the WebSocket is; a server that wants it so is asked first."""
        url, token, query = self._url, self._used_token, ""
        if self._negotiates:
            found = await negotiate(url, token)
            url, token = found.url, found.token
            query = f"&id={quote(found.connection_id)}" if found.connection_id else ""
        scheme, _, rest = url.partition("://")
        socket_scheme = {"http": "ws", "https": "wss"}.get(scheme, scheme)
        joint = "&" if "?" in rest else "?"
        return f"{socket_scheme}://{rest}{joint}access_token={quote(token)}{query}"

    def _learn(self, error: Exception) -> None:
        """Go the other way next time where the server does not take this one."""
        status = error.response.status_code if isinstance(error, InvalidStatus) else None
        if status in _TRY_OTHERWISE or self._negotiates:
            self._negotiates = not self._negotiates

    async def _subscribe(self, connection: ClientConnection) -> None:
        invocations = self._subscriptions.all()
        self._on_opening()
        answers = await self._invoke(connection, invocations)
        if answers:
            await self._unless_troubled(asyncio.gather(*answers), _ANSWER_S)
        if not self._needs_all:
            return
        for answer, (method, _) in zip(answers, invocations, strict=True):
            if answer.done() and not answer.cancelled() and answer.result() is not None:
                raise Trouble(f"could not subscribe: {method}: {scrub(str(answer.result()))}")

    async def _invoke(
        self, connection: ClientConnection, invocations: Sequence[Invocation]
    ) -> list["asyncio.Future[str | None]"]:
        loop = asyncio.get_running_loop()
        answers = []
        for method, arguments in invocations:
            call_id, message = self._protocol.call(method, arguments)
            answer: asyncio.Future[str | None] = loop.create_future()
            answer.add_done_callback(partial(self._answered, call_id, (method, arguments)))
            self._answers[call_id] = answer
            answers.append(answer)
            await connection.send(message.decode())
        return answers

    def _answered(
        self, call_id: str, invocation: Invocation, answer: "asyncio.Future[str | None]"
    ) -> None:
        self._answers.pop(call_id, None)
        refusal = None if answer.cancelled() else answer.result()
        if refusal is not None and not self._needs_all:
            logger.warning("The broker refused {}: {}", invocation[0], scrub(refusal))
            self._on_refused(invocation)

    async def _serve(self, connection: ClientConnection) -> None:
        pinged_s = _now_s()
        while True:
            # Made first and looked at afterwards, so that nothing that is wanted is left out.
            self._more = asyncio.get_running_loop().create_future()
            await self._invoke(connection, self._subscriptions.added())
            await self._unless_troubled(self._more, _LOOK_EVERY_S)
            now_s = _now_s()
            if now_s - pinged_s >= _PING_EVERY_S:
                pinged_s = now_s
                await connection.send(frames.PING.decode())
            if self._is_pinged and now_s - self._heard_s > _SILENT_S:
                raise Trouble("the broker has gone silent")
            if self._token() != self._used_token and self._may_rest():
                raise Trouble(RENEWED)

    async def _unless_troubled(
        self, awaited: "asyncio.Future[Any] | None", within_s: float
    ) -> None:
        """Wait for something (None: only for trouble), not longer than so many seconds.

        Raises:
            Trouble: the connection is to end.
        """
        assert self._trouble is not None  # noqa: S101 -- made with the connection
        waiting: set[asyncio.Future[Any]] = {self._trouble} | ({awaited} if awaited else set())
        await asyncio.wait(waiting, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        if self._trouble.done():
            raise Trouble(self._trouble.result())

    def _take(self, data: bytes | bytearray | memoryview) -> None:
        """Take what was read from the socket."""
        trouble = self._trouble
        if trouble is None or trouble.done():
            return
        self._heard_s = _now_s()
        for event in self._protocol.receive(data):
            match event:
                case frames.Invoked() | frames.Unread():
                    self._pass_on(event)
                case frames.Pinged():
                    self._is_pinged = True
                case frames.Completed():
                    _settle(self._answers.get(event.invocation_id), event.error)
                case frames.Opened():
                    _settle(self._opened, None)
                case _:
                    self.kick(_words_of(event))

    def _pass_on(self, event: frames.Invoked | frames.Unread) -> None:
        try:
            self._on_event(event)
        except Exception:  # noqa: BLE001 -- what came with it in one piece is to be heard as well
            logger.exception("A hub event could not be handled")

    def _pause_s(self) -> float:
        """Return how long to wait before the next attempt: ever longer, and never in step."""
        if not self._failures:
            return 0.0
        longest_s = _LONGEST_RESTING_S if self._may_rest() else _LONGEST_BACKOFF_S
        pause_s = _FIRST_BACKOFF_S * 2 ** min(self._failures - 1, _LAST_STEP)
        return float(min(pause_s, longest_s) * random.uniform(0.5, 1.0))  # noqa: S311 - a pause

    def _doubt_token(self, detail: str) -> None:
        if detail != NOT_LOGGED_IN:
            return
        is_due = self._failures in _DOUBT_TOKEN_AFTER or not self._failures % _DOUBT_TOKEN_EVERY
        if is_due or not self._may_rest():
            self._on_token_doubt()

    def _set_up(self, *, up: bool, detail: str | None) -> None:
        if (up, detail) == (self.is_up, self._detail):
            return
        self.is_up, self._detail = up, detail
        self._on_change(up, detail)


def _lost(trouble: "asyncio.Future[str]", _closed: "asyncio.Task[None]") -> None:
    _settle(trouble, "connection lost")


def _settle[T](future: "asyncio.Future[T] | None", result: T) -> None:
    if future is not None and not future.done():
        future.set_result(result)


def _words_of(end: frames.Refused | frames.Closed | frames.Oversized) -> str:
    match end:
        case frames.Refused():
            return f"the broker refuses: {scrub(end.words)}"
        case frames.Closed():
            said = f": {scrub(end.error)}" if end.error else ""
            return f"the broker closed the connection{said}"
        case frames.Oversized():
            return "the broker sent more than any message is long"


async def _wait_for(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
