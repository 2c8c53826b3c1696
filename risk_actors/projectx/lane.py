"""The enforcement lane: commands on a connection of their own, never behind a read.

The SDK sends commands through the same limiter and pool as everything else, and swallows the
broker's code; here each command is one request, sent at once, answered once, never repeated. What
an answer means is data (`codes.py`); whether to try again is the enforcer's decision.
"""

import asyncio

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

WARM_EVERY_S = 20.0
"""How often the connection is used so that no one on the way closes it as idle."""
_IDLE_KEPT_S = 75.0
_WARM_CONNECTIONS = 2
"""A flatten sends a close and at least one cancel together."""
_PING_TIMEOUT_S = 5.0

_LONGEST_ANSWER_BYTES = 64 * 1024
"""An answer to a command is a line; one that is longer is no answer."""
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


class EnforcementLane:
    """Sends commands to the broker. Use it on its event loop only."""

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

    def open(self) -> None:
        """Make the connection pool; call it on the event loop."""
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_KEPT_S),
            timeout=aiohttp.ClientTimeout(
                total=self._timeout_s, sock_connect=self._timeout_s * _CONNECT_SHARE
            ),
        )

    async def close(self) -> None:
        """Close all connections."""
        if self._http is not None:
            await self._http.close()
            self._http = None

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
                retry_after_s = seconds_of(response.headers.get("Retry-After"))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return self._unanswered(command, error, sent_ns), sent_ns
        if status == _UNAUTHORISED:
            self._session.relogin_soon(token)
        if status == TOO_MANY_REQUESTS:
            # It is for the reads to make room, and for whoever sends commands to send this again.
            self._budget.refused(self._clock.now_ns(), sent_ns, retry_after_s)
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

    async def keep_warm(self) -> None:
        """Keep connections open and ready; runs until cancelled."""
        while True:
            await asyncio.gather(*(self.ping() for _ in range(_WARM_CONNECTIONS)))
            await asyncio.sleep(WARM_EVERY_S)

    async def ping(self) -> None:
        """Use a connection, and take the broker's time from the answer; never raises for it."""
        if self._http is None:
            return
        sent_ns = self._clock.now_ns()
        self._budget.count(sent_ns)
        asked_ns = self._time.monotonic_ns()
        try:
            async with self._http.get(
                f"{self._api_url}/Status/ping",
                timeout=aiohttp.ClientTimeout(total=_PING_TIMEOUT_S),
            ) as response:
                came_ns = self._time.monotonic_ns()
                await _body_of(response)  # whatever it says: the connection is what counts
                if response.status == TOO_MANY_REQUESTS:
                    retry_after_s = seconds_of(response.headers.get("Retry-After"))
                    self._budget.refused(self._clock.now_ns(), sent_ns, retry_after_s)
                if response.status in _ANSWERED:
                    self._time.answered(asked_ns, response.headers.get("Date"), came_ns)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if errors_text.is_unsent(error):
                self._budget.take_back(sent_ns)
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
        return _uncertain(command, "the answer could not be read")
    if not isinstance(answer, dict) or not isinstance(answer.get("success"), bool):
        return _uncertain(command, "the answer could not be read")
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
        if len(body) > _LONGEST_ANSWER_BYTES:
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
