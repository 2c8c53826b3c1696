"""One hub of the SDK's realtime client: watched, restarted, never given up.

The SDK's hubs die silently: any refusal while reconnecting ends the hub's task for good, its
retries are counted over the client's whole life and grow slower each time, and a server error
leaves the "connected" flag up (all measured with 4.4.1). So a hub that is down is not left to its
own reconnecting: it is stopped and started through the SDK's hub object, which then makes a new
SignalR client, negotiates afresh with the present token, and has all its retries again. When that
does not help, or the hub object itself misbehaves, it is replaced by that of a new client.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

from loguru import logger

from risk_actors.projectx.errors_text import NOT_LOGGED_IN, words_of
from risk_actors.projectx.say import Repeats
from risk_actors.projectx.secrets import scrub
from risk_actors.projectx.subscriptions import Invocation, Subscriptions

STOPPED = "stopped"
"""Why a hub is down that we closed ourselves."""
_LOOK_EVERY_S = 0.5
_ATTEMPT_S = 3.0
_LONGEST_ATTEMPT_S = 10.0
_ATTEMPT_GROWTH = 1.5
_FIRST_BACKOFF_S = 0.25
_LONGEST_BACKOFF_S = 3.0
"""With the time a connection takes, still under the 5 s in which a dropped hub must be back."""
_STABLE_AFTER_S = 3.0
"""A connection that lived this long was a good one: its end is not one more failure in a row."""
_SEND_TIMEOUT_S = 5.0
_ANSWER_S = 2.0
_STOP_TIMEOUT_S = 1.0
_LAST_STEP = 8
"""Growth ends here: more of it would only overflow."""
_DOUBT_TOKEN_AFTER = frozenset({3, 12, 48})
"""Failures in a row after which the token is suspected, whatever the server says; and every"""
_DOUBT_TOKEN_EVERY = 100
"""of them from there on: a login is no light request."""
REBUILD_EVERY = 3
"""Failures in a row after which the SDK's objects are suspected: a new client is made."""
_NUDGED_AFTER_S = 1.0
"""A sign of life of the broker ends an attempt that has gone on longer than this."""


class HubLink:
    """Keeps one hub connected and subscribed.

    `on_change(up, detail)` is called on the loop when the hub comes up (subscribed) or goes down,
    and when the reason why it is down becomes another.
    With `needs_all` a refused subscription counts as the hub being down.
    """

    def __init__(
        self,
        name: str,
        subscriptions: Subscriptions,
        url: Callable[[], str],
        on_change: Callable[[bool, str | None], None],
        on_token_doubt: Callable[[], None],
        make_hub: Callable[[], Awaitable[Any]],
        *,
        needs_all: bool,
    ) -> None:
        self.name = name
        self.is_up = False
        self._subscriptions = subscriptions
        self._url = url
        self._on_change = on_change
        self._on_token_doubt = on_token_doubt
        self._make_hub = make_hub
        self._needs_all = needs_all
        self._hub: Any = None
        self._is_spoilt = False
        self._nudged = asyncio.Event()
        self._repeats = Repeats()
        self._openings = 0
        self._subscribed_opening = 0
        self._detail: str | None = None
        self._trouble: str | None = None
        self._attempt_since_s = 0.0
        self._up_since_s = 0.0
        self._failures = 0
        self._wake = asyncio.Event()
        self._troubled = asyncio.Event()
        self._abandoned: set[asyncio.Task[None]] = set()

    def is_present(self, hub: Any) -> bool:
        """Tell whether a hub object is the one in use; what others say is history."""
        return hub is self._hub

    def wake(self) -> None:
        """Look at the hub now, as when there is something new to subscribe."""
        self._wake.set()

    def nudge(self) -> None:
        """Try again now, as when the broker has shown a sign of life; nothing if the hub is up."""
        if not self.is_up:
            self._nudged.set()
            self._wake.set()

    def kick(self, detail: str, *, rebuild: bool = False) -> None:
        """Have the hub connected anew, as when the broker said the session has ended.

        Args:
            detail: why, in words.
            rebuild: with a new client: the one in use is in doubt itself.
        """
        self._is_spoilt = self._is_spoilt or rebuild
        self._trouble = detail
        self._troubled.set()
        self._wake.set()

    async def tend(self) -> None:
        """Keep the hub up; runs until cancelled."""
        if self._hub is None:
            await self._start()
        while True:
            self._wake.clear()
            trouble = self._find_trouble()
            if trouble is not None:
                await self._restart(trouble)
            elif self._openings:
                await self._subscribe()
            await _wait_for(self._wake, _LOOK_EVERY_S)

    async def stop(self) -> None:
        """Disconnect for good."""
        self._set_up(up=False, detail=STOPPED)
        await self._discard(politely=True)
        for task in self._abandoned:
            task.cancel()

    def _opened(self, hub: Any) -> None:
        if self.is_present(hub):
            self._openings += 1
            self._wake.set()

    def _closed(self, hub: Any) -> None:
        if self.is_present(hub):
            self.kick("connection lost" if self.is_up else "connection failed")

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._abandoned.discard(task)
        if self._hub is None or self._hub._run_task in (task, None):  # noqa: SLF001
            self._troubled.set()
            self._wake.set()

    def _find_trouble(self) -> str | None:
        """Return why the hub must be restarted, or None while there is hope."""
        task = None if self._hub is None else self._hub._run_task  # noqa: SLF001 -- its only trace
        if task is None:
            return self._trouble or "not started"
        if task.done():
            return _why(task)
        if self._trouble is not None:
            return self._trouble
        took_s = _now_s() - self._attempt_since_s
        if not self._openings and self._nudged.is_set() and took_s > _NUDGED_AFTER_S:
            return "tried again: the broker answers"
        if not self._openings and took_s > self._attempt_s():
            return f"no connection within {self._attempt_s():.0f} s"
        return None

    def _attempt_s(self) -> float:
        growth = _ATTEMPT_GROWTH ** min(self._failures, _LAST_STEP)
        return float(min(_ATTEMPT_S * growth, _LONGEST_ATTEMPT_S))

    async def _restart(self, trouble: str) -> None:
        self._set_up(up=False, detail=trouble)
        await self._discard()
        lived_s = _now_s() - self._up_since_s if self._up_since_s else 0.0
        self._failures = 0 if lived_s > _STABLE_AFTER_S else self._failures + 1
        self._up_since_s = 0.0
        is_in_doubt = self._failures in _DOUBT_TOKEN_AFTER or (
            self._failures and not self._failures % _DOUBT_TOKEN_EVERY
        )
        if is_in_doubt or NOT_LOGGED_IN in trouble:
            self._on_token_doubt()
        if self._failures > 1:
            step = min(self._failures - 2, _LAST_STEP)
            await _wait_for(self._nudged, min(_FIRST_BACKOFF_S * 2**step, _LONGEST_BACKOFF_S))
        if self._failures and not self._failures % REBUILD_EVERY:
            self._is_spoilt = True
        await self._start()

    async def _start(self) -> None:
        """Start a new connection; what goes wrong with it is the trouble that is looked at next."""
        # Only now is the past forgotten: the old connection may have spoken until here.
        self._openings = 0
        self._trouble = None
        self._troubled.clear()
        self._nudged.clear()
        self._attempt_since_s = _now_s()
        try:
            if self._hub is None or self._is_spoilt:
                hub = await asyncio.wait_for(self._make_hub(), _LONGEST_ATTEMPT_S)
                hub.on_open(partial(self._opened, hub))
                hub.on_close(partial(self._closed, hub))
                self._hub, self._is_spoilt = hub, False
            self._hub.url = self._url()
            await asyncio.wait_for(self._hub.start(), _LONGEST_ATTEMPT_S)
            self._hub._run_task.add_done_callback(self._ended)  # noqa: SLF001
        except Exception as error:  # noqa: BLE001 -- whatever it is, another object may do better
            self.kick(f"could not be started: {words_of(error)}", rebuild=True)

    async def _subscribe(self) -> None:
        opening = self._openings
        is_new = not self.is_up or opening != self._subscribed_opening
        if is_new and self.is_up:
            self._set_up(up=False, detail="connection replaced")
        invocations = self._subscriptions.all() if is_new else self._subscriptions.added()
        try:
            refusals = await self._invoke(invocations)
        except Exception as error:  # noqa: BLE001 -- whatever it is, this connection is no good
            words = words_of(error)
            # One that was good so far has ended, and its end was not noticed yet.
            self.kick(f"could not subscribe: {words}" if is_new else "connection lost")
            return
        if refusals and self._needs_all:
            self.kick(f"could not subscribe: {'; '.join(refusals)}")
        elif refusals:
            logger.warning("The {} hub refused: {}", self.name, "; ".join(refusals))
        if is_new and self._trouble is None:
            self._subscribed_opening = opening
            self._up_since_s = _now_s()
            self._set_up(up=True, detail=None)

    async def _invoke(self, invocations: list[Invocation]) -> list[str]:
        """Invoke hub methods, wait for the answers, and return the refusals.

        The SDK's own `send` asks for no answer, so it never learns that a subscription failed, nor
        when it takes effect; the SignalR client below it does.
        """
        client = self._hub._client  # noqa: SLF001
        answers: list[asyncio.Future[str | None]] = []
        for method, arguments in invocations:
            answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
            answers.append(answer)
            await asyncio.wait_for(
                client.send(method, arguments, on_invocation=partial(_take_answer, method, answer)),
                _SEND_TIMEOUT_S,
            )
        if answers:
            await self._wait_for_answers(answers)
        return [refusal for answer in answers if answer.done() and (refusal := answer.result())]

    async def _wait_for_answers(self, answers: list["asyncio.Future[str | None]"]) -> None:
        trouble = asyncio.create_task(self._troubled.wait())
        answered = asyncio.create_task(_all_done(answers))
        try:
            await asyncio.wait(
                {trouble, answered}, timeout=_ANSWER_S, return_when=asyncio.FIRST_COMPLETED
            )
            if not answered.done():
                # Not every server answers; from here on events and snapshots have to show it.
                logger.debug("The {} hub did not answer every subscription", self.name)
        finally:
            trouble.cancel()
            answered.cancel()

    async def _within_bound(self, stopping: Coroutine[Any, Any, None]) -> None:
        """Wait for something to stop; not for ever, nor for its answer to being cancelled."""
        task = asyncio.create_task(stopping)
        # Closing waits for the peer, which may be gone; a second cancellation ends that.
        for _ in range(2):
            await asyncio.wait({task}, timeout=_STOP_TIMEOUT_S)
            if task.done():
                break
            task.cancel()
        else:
            self._abandoned.add(task)
            task.add_done_callback(self._ended)
            return
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.debug("Stopping the {} hub: {}", self.name, scrub(repr(error)))

    def _set_up(self, *, up: bool, detail: str | None) -> None:
        if (up, detail) == (self.is_up, self._detail):
            return
        self.is_up, self._detail = up, detail
        if up:
            logger.info("The {} hub is connected", self.name)
        elif detail == STOPPED:
            logger.info("The {} hub is closed", self.name)
        elif self._repeats.is_due(detail):
            logger.warning("The {} hub is down: {}", self.name, detail)
        self._on_change(up, detail)

    async def _discard(self, *, politely: bool = False) -> None:
        """Have the SDK drop the hub's present connection, within a bound."""
        hub = self._hub
        if hub is None:
            return
        task, socket = hub._run_task, _socket_of(hub)  # noqa: SLF001
        if task is None:
            return
        await self._within_bound(hub.stop())
        if politely and socket is not None:
            await self._within_bound(socket.close())
        if socket is not None:
            # A cancelled SignalR client leaves its socket open until it is garbage collected.
            socket.transport.abort()
        if not task.done():
            # It does not end: what else it may do, it does to an object that nobody uses.
            self._is_spoilt = True
            self._abandoned.add(task)
            task.add_done_callback(self._ended)
        hub._run_task = None  # noqa: SLF001 -- else the SDK would take it as still running
        hub._client = None  # noqa: SLF001


async def _wait_for(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return


async def _all_done(answers: list["asyncio.Future[str | None]"]) -> bool:
    await asyncio.wait(answers)
    return True


async def _take_answer(method: str, answer: "asyncio.Future[str | None]", message: Any) -> None:
    """Take the hub's answer to one invocation: None, or why it was refused."""
    if not answer.done():
        answer.set_result(f"{method}: {message.error}" if message.error else None)


def _socket_of(hub: Any) -> Any:
    """Return the WebSocket under the SDK's hub object, or None."""
    client = hub._client  # noqa: SLF001
    return client._transport._ws if client is not None else None  # noqa: SLF001


def _why(task: asyncio.Task[None]) -> str:
    """Return why a hub's task ended; reading its exception also marks it as seen."""
    if task.cancelled():
        return "its task was cancelled"
    error = task.exception()
    if error is None:
        return "its task ended"
    return words_of(error)


def _now_s() -> float:
    return asyncio.get_running_loop().time()
