"""The enforcement lane: commands on connections of their own, never behind a read.

The SDK sends commands through the same limiter and pool as everything else, and swallows the
broker's code; here each command is one request, sent at once, answered once, never repeated. What
an answer means is data (`codes.py`); whether to try again is the enforcer's decision.

Whoever has a command writes it to a warm connection itself (`wire_pool.py`), without waiting for
the event loop. When none of these is free, it goes the longer way: by the loop and aiohttp, which
makes a connection where it has none.
"""

import asyncio
import time
from contextlib import suppress
from typing import NamedTuple

import aiohttp
import msgspec
from loguru import logger

from risk_actors.core.commands import (
    Answer,
    CancelOrder,
    CloseContract,
    Command,
    MoveStop,
    Outcome,
    Refusal,
)
from risk_actors.projectx import errors_text, refusal_words
from risk_actors.projectx.broker_text import plain_text
from risk_actors.projectx.budget import RequestBudget
from risk_actors.projectx.codes import CANCEL, CLOSE, MODIFY, PARTIAL_CLOSE, Meaning, meaning_of
from risk_actors.projectx.ports import Clock
from risk_actors.projectx.sdk_meter import TOO_MANY_REQUESTS, seconds_of
from risk_actors.projectx.session import Session
from risk_actors.projectx.time_desk import TimeDesk
from risk_actors.projectx.wire_answer import LONGEST_ANSWER_BYTES, UnreadableAnswerError
from risk_actors.projectx.wire_connection import WireConnection
from risk_actors.projectx.wire_exchange import Exchange
from risk_actors.projectx.wire_pool import WirePool
from risk_actors.projectx.wire_request import Requests, target_of

WARM_EVERY_S = 10.0
"""How often one of the connections is used, in turn, so that no one on the way closes it as idle.
One at a time: the others are free for a command."""
_IDLE_KEPT_S = 75.0
WARM_CONNECTIONS = 3
"""A flatten sends a close and at least one cancel together, while a third may be pinged."""
_PING = "/Status/ping"
_PING_TIMEOUT_S = 5.0
_FIRST_PAUSE_S = 0.05
"""How long after a connection was lost another is made; twice as long after each that follows."""
_CALM_S = 2.0
"""Without a loss for so long, the next is the first again."""

_DIGITS_OF_A_CODE = 6

_UNAUTHORISED = 401
_NOT_EXECUTED = frozenset({400, 403, 404, 405, 422})
"""Client errors that say the command was not carried out (401 and 429 count as uncertain)."""
_ANSWERED = range(200, 300)

_NO_BUDGET = Meaning(
    Answer.REFUSED,
    "not sent: what is left of this minute's requests is kept for closes",
    Refusal.BUSY,
)
_NOT_SENT = Meaning(
    Answer.UNCERTAIN, f"not sent: {errors_text.CANNOT_CONNECT}", Refusal.UNREACHABLE
)
_UNREADABLE = "the answer could not be read"
_CONNECT_SHARE = 0.8
"""Part of a command's time that connecting may take: what has not left by then is known not to
have left."""
_TURNED_AWAY = {
    _UNAUTHORISED: Meaning(
        Answer.UNCERTAIN,
        "the broker did not accept the session (HTTP 401); a new one is being fetched",
        Refusal.SESSION,
    ),
    TOO_MANY_REQUESTS: Meaning(Answer.UNCERTAIN, f"{refusal_words.BUSY} (HTTP 429)", Refusal.BUSY),
}
"""Answers that are given before the command is looked at: it has certainly not happened."""


class Sending(NamedTuple):
    """A command that has left, and how its answer will come."""

    command: Command
    endpoint: str
    token: str
    exchange: Exchange
    connection: WireConnection
    sent_ns: int
    """When it was sent (ns of UTC)."""
    asked_ns: int
    """The same by the clock that nobody can set (ns)."""
    sent_s: float
    """The same by the clock of timeouts (s)."""

    def __repr__(self) -> str:
        return f"Sending(command {self.command.id})"  # the token is nobody's business


class EnforcementLane:
    """Sends commands to the broker. Use it on its event loop only, but for `send_at_once`."""

    def __init__(
        self,
        api_url: str,
        session: Session,
        budget: RequestBudget,
        clock: Clock,
        command_timeout_s: float,
        time_desk: TimeDesk,
    ) -> None:
        self._time = time_desk
        self._api_url = api_url
        self._session = session
        self._budget = budget
        self._clock = clock
        self._timeout_s = command_timeout_s
        self._http: aiohttp.ClientSession | None = None
        target = target_of(api_url)
        self._requests = None if target is None else Requests(target)
        self._target = target
        self._wires: WirePool | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lost = asyncio.Event()

    def open(self) -> None:
        """Make the connection pools; call it on the event loop."""
        self._loop = asyncio.get_running_loop()
        if self._target is not None:
            self._wires = WirePool(self._target, self._time.monotonic_ns, self._tell_lost)
            self._wires.open()
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_KEPT_S),
            timeout=aiohttp.ClientTimeout(
                total=self._timeout_s, sock_connect=self._timeout_s * _CONNECT_SHARE
            ),
        )

    async def close(self) -> None:
        """Close all connections."""
        wires, self._wires = self._wires, None
        if wires is not None:
            wires.close()
        if self._http is not None:
            await self._http.close()
            self._http = None

    @property
    def is_warm(self) -> bool:
        """Whether all its own connections are there. From any thread."""
        return self._wires is not None and self._wires.count >= WARM_CONNECTIONS

    def send_at_once(self, command: Command) -> Sending | None:
        """Send a close or cancel over a warm connection. From any thread; never waits.

        Returns:
            What `follow` needs, which must be called with it on the event loop; None when nothing
            has left, because no connection is free: then `send` is the way.
        """
        # Of a move, the budget decides, which is told of what is sent on the loop.
        return None if isinstance(command, MoveStop) else self._write(command)

    async def follow(self, sending: Sending) -> Outcome:
        """Count a command that was sent at once, and return its outcome. Never raises for it."""
        self._budget.count(self._clock.now_ns())
        command = sending.command
        loop = asyncio.get_running_loop()
        left_s = self._timeout_s - (time.monotonic() - sending.sent_s)
        try:
            answer = await sending.exchange.result(loop.time() + left_s)
        except TimeoutError as error:
            sending.connection.give_up_while(sending.exchange)
            return self._unanswered(command, error, sending.sent_ns)
        except UnreadableAnswerError:
            return _uncertain(command, _UNREADABLE)
        except (EOFError, OSError) as error:
            return _uncertain(command, errors_text.words_of(error))
        self._heed(answer.status, answer.retry_after, sending.token, sending.sent_ns)
        if answer.status in _ANSWERED:
            # After the outcome is on its way: the time can wait, the enforcement cannot.
            loop.call_soon(self._time.answered, sending.asked_ns, answer.date, answer.came_ns)
        return outcome_of(command, sending.endpoint, answer.status, answer.body)

    def _write(self, command: Command) -> Sending | None:
        wires, requests, loop = self._wires, self._requests, self._loop
        if wires is None or requests is None or loop is None:
            return None
        endpoint, body = request_of(command)
        token = self._session.token
        try:
            request = requests.post(endpoint, token, msgspec.json.encode(body))
        except ValueError:
            return None
        exchange = Exchange(loop)
        sent_ns, asked_ns = self._clock.now_ns(), self._time.monotonic_ns()
        connection = wires.send(exchange, request)
        if connection is None:
            return None
        return Sending(
            command, endpoint, token, exchange, connection, sent_ns, asked_ns, time.monotonic()
        )

    async def send(self, command: Command) -> tuple[Outcome, int]:
        """Send one command now and return its outcome and when it was sent (ns of UTC).

        Never waits for the budget, never repeats, never raises because of the broker. A move of a
        stop is not sent at all where it would use what is kept for closes and cancels.
        """
        endpoint, body = request_of(command)
        token = self._session.token
        sent_ns = self._clock.now_ns()
        if isinstance(command, MoveStop) and self._budget.wait_ns(sent_ns):
            return _outcome(command, _NO_BUDGET), sent_ns
        sending = self._write(command)
        if sending is not None:
            return await self.follow(sending), sending.sent_ns
        self._budget.count(sent_ns)
        if self._http is None:
            return _uncertain(command, "the connection is closed"), sent_ns
        asked_ns = self._time.monotonic_ns()
        try:
            async with self._http.post(
                f"{self._api_url}{endpoint}",
                json=body,
                headers={"Authorization": f"Bearer {token}", "Accept": "application/json"},
                allow_redirects=False,
            ) as response:
                came_ns = self._time.monotonic_ns()
                status, content = response.status, await _body_of(response)
                retry_after = response.headers.get("Retry-After")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return self._unanswered(command, error, sent_ns), sent_ns
        self._heed(status, retry_after, token, sent_ns)
        if status in _ANSWERED:
            # After the outcome is on its way: the time can wait, the enforcement cannot.
            date = response.headers.get("Date")
            asyncio.get_running_loop().call_soon(self._time.answered, asked_ns, date, came_ns)
        return outcome_of(command, endpoint, status, content), sent_ns

    def _unanswered(self, command: Command, error: Exception, sent_ns: int) -> Outcome:
        if errors_text.is_unsent(error):
            self._budget.take_back(sent_ns)
            return _outcome(command, _NOT_SENT, is_undone=True)
        if isinstance(error, TimeoutError):
            return _uncertain(command, f"no answer within {self._timeout_s:g} s")
        return _uncertain(command, errors_text.words_of(error))

    def _heed(self, status: int, retry_after: str | None, token: str, sent_ns: int) -> None:
        """Do what an answer's status asks for, besides telling the outcome."""
        if status == _UNAUTHORISED:
            self._session.relogin_soon(token)
        if status == TOO_MANY_REQUESTS:
            # It is for the reads to make room, and for whoever sends commands to send this again.
            self._budget.refused(self._clock.now_ns(), sent_ns, seconds_of(retry_after))

    async def keep_warm(self) -> None:
        """Keep connections open and ready; runs until cancelled."""
        loop = asyncio.get_running_loop()
        pause_s = _FIRST_PAUSE_S
        await self._connect_missing()
        for _ in range(WARM_CONNECTIONS - 1):
            await self.ping()  # those that are new; the first was used with the login
        ping_s = loop.time() + WARM_EVERY_S
        while True:
            self._lost.clear()
            is_complete = await self._connect_missing()
            began_s = loop.time()
            left_s = ping_s - began_s
            is_lost = await self._is_lost_within(left_s if is_complete else min(left_s, pause_s))
            if loop.time() - began_s > _CALM_S:
                pause_s = _FIRST_PAUSE_S
            if is_lost:
                await asyncio.sleep(pause_s)
            if is_lost or not is_complete:
                pause_s = min(pause_s * 2, WARM_EVERY_S)
            if loop.time() >= ping_s:
                await self.ping()
                ping_s = loop.time() + WARM_EVERY_S

    async def ping(self) -> None:
        """Use a connection, and take the broker's time from the answer; never raises for it."""
        wires, requests, loop = self._wires, self._requests, asyncio.get_running_loop()
        if wires is None or requests is None:
            return
        try:
            if not wires.count:
                await wires.connect(_PING_TIMEOUT_S)
        except (OSError, ValueError) as error:
            _not_warm(error)
            return
        exchange, asked_ns = Exchange(loop), self._time.monotonic_ns()
        connection = wires.send(exchange, requests.get(_PING), is_ping=True)
        if connection is None:
            return  # all are in use, and so are warm
        sent_ns = self._clock.now_ns()
        self._budget.count(sent_ns)
        try:
            answer = await exchange.result(loop.time() + _PING_TIMEOUT_S)
        except TimeoutError as error:
            # Such as after a sleep of the PC: those that were not tried are dead as well, and a
            # command that never leaves is better than one of which nobody knows.
            connection.give_up_while(exchange)
            wires.give_up_free()
            _not_warm(error)
        except (EOFError, OSError, UnreadableAnswerError) as error:
            _not_warm(error)
        else:
            if answer.status == TOO_MANY_REQUESTS:
                retry_after_s = seconds_of(answer.retry_after)
                self._budget.refused(self._clock.now_ns(), sent_ns, retry_after_s)
            if answer.status in _ANSWERED:
                self._time.answered(asked_ns, answer.date, answer.came_ns)

    async def _connect_missing(self) -> bool:
        """Make the connections that are missing; tell whether all are there."""
        wires = self._wires
        while wires is not None and wires.count < WARM_CONNECTIONS:
            try:
                await wires.connect(_PING_TIMEOUT_S)
            except (OSError, ValueError) as error:
                _not_warm(error)
                return False
        return True

    async def _is_lost_within(self, seconds: float) -> bool:
        """Wait until a connection is lost; false when none is in that time."""
        try:
            async with asyncio.timeout(seconds):
                await self._lost.wait()
        except TimeoutError:
            return False
        return True

    def _tell_lost(self) -> None:
        """Take, on the wires' thread, that a connection was lost."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._lost.set)


def _not_warm(error: Exception) -> None:
    logger.debug("The enforcement connection is not warm: {}", plain_text(str(error)))


def request_of(command: Command) -> tuple[str, dict[str, int | float | str]]:
    """Return the endpoint and body that carry out a command."""
    match command:
        case CloseContract(size=None):
            return CLOSE, {"accountId": command.account_id, "contractId": command.contract_id}
        case CloseContract():
            return PARTIAL_CLOSE, {
                "accountId": command.account_id,
                "contractId": command.contract_id,
                "size": command.size or 0,
            }
        case CancelOrder():
            return CANCEL, {"accountId": command.account_id, "orderId": command.order_id}
        case MoveStop():
            return MODIFY, {
                "accountId": command.account_id,
                "orderId": command.order_id,
                # A float prints the digits that the price has: prices have far fewer than 15.
                "stopPrice": float(command.stop_price),
            }


def outcome_of(command: Command, endpoint: str, status: int, content: bytes) -> Outcome:
    """Return what the broker's answer means for a command.

    Success is acceptance only: whether it happened is still to be observed.
    """
    if status in _TURNED_AWAY:
        return _outcome(command, _TURNED_AWAY[status], is_undone=True)
    if status in _NOT_EXECUTED:
        return _outcome(command, Meaning(Answer.REFUSED, f"HTTP {status}", Refusal.OTHER))
    if status not in _ANSWERED:
        return _uncertain(command, f"HTTP {status}")
    try:
        answer = msgspec.json.decode(content)
    except msgspec.DecodeError:
        return _uncertain(command, _UNREADABLE)
    if not isinstance(answer, dict) or not isinstance(answer.get("success"), bool):
        return _uncertain(command, _UNREADABLE)
    if answer["success"]:
        return Outcome(command_id=command.id, account_id=command.account_id, answer=Answer.ACCEPTED)
    code = _code_of(answer.get("errorCode"))
    said = plain_text(answer.get("errorMessage"))
    return _outcome(command, meaning_of(endpoint, code, said), code, said)


async def _body_of(response: aiohttp.ClientResponse) -> bytes:
    """Return the body of an answer, or its beginning where it is too long to be one."""
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > LONGEST_ANSWER_BYTES:
            response.close()
            break
    return bytes(body)


def _code_of(code: object) -> int | None:
    """Return an error code, which like an id may come as a string."""
    if isinstance(code, str) and code.isdecimal() and len(code) <= _DIGITS_OF_A_CODE:
        return int(code)
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def _uncertain(command: Command, detail: str) -> Outcome:
    return _outcome(command, Meaning(Answer.UNCERTAIN, detail))


def _outcome(
    command: Command,
    meaning: Meaning,
    code: int | None = None,
    said: str = "",
    *,
    is_undone: bool = False,
) -> Outcome:
    return Outcome(
        command_id=command.id,
        account_id=command.account_id,
        answer=meaning.answer,
        error_code=code,
        detail=f"{meaning.words} ({said})" if said else meaning.words,
        reason=meaning.reason,
        is_undone=is_undone,
    )
