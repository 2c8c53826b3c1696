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
)
from risk_actors.projectx.budget import RequestBudget
from risk_actors.projectx.codes import CANCEL, CLOSE, MEANINGS, MODIFY, PARTIAL_CLOSE, Meaning
from risk_actors.projectx.ports import Clock
from risk_actors.projectx.secrets import scrub
from risk_actors.projectx.session import Session
from risk_actors.projectx.time_desk import TimeDesk

WARM_EVERY_S = 20.0
"""How often the connection is used so that no one on the way closes it as idle."""
_IDLE_KEPT_S = 75.0
_WARM_CONNECTIONS = 2
"""A flatten sends a close and at least one cancel together."""
_PING_TIMEOUT_S = 5.0

_UNAUTHORISED = 401
_NOT_EXECUTED = frozenset({400, 403, 404, 405, 422})
"""Client errors that say the command was not carried out (401 and 429 count as uncertain)."""
_ANSWERED = range(200, 300)

_NO_BUDGET = Meaning(
    Answer.REFUSED, "not sent: what is left of this minute's requests is kept for closes"
)


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
            timeout=aiohttp.ClientTimeout(total=self._timeout_s),
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
                status, content = response.status, await response.read()
        except TimeoutError:
            return _uncertain(command, f"no answer within {self._timeout_s:g} s"), sent_ns
        except (aiohttp.ClientError, OSError, ValueError) as error:
            detail = scrub(str(error)) or type(error).__name__
            return _uncertain(command, f"the connection broke: {detail}"), sent_ns
        if status == _UNAUTHORISED:
            self._session.relogin_soon(token)
        if status in _ANSWERED:
            # After the outcome is on its way: the time can wait, the enforcement cannot.
            date = response.headers.get("Date")
            asyncio.get_running_loop().call_soon(self._time.answered, asked_ns, date, came_ns)
        return outcome_of(command, endpoint, status, content), sent_ns

    async def keep_warm(self) -> None:
        """Keep connections open and ready; runs until cancelled."""
        while True:
            await asyncio.gather(*(self.ping() for _ in range(_WARM_CONNECTIONS)))
            await asyncio.sleep(WARM_EVERY_S)

    async def ping(self) -> None:
        """Use a connection, and take the broker's time from the answer; never raises for it."""
        if self._http is None:
            return
        self._budget.count(self._clock.now_ns())
        asked_ns = self._time.monotonic_ns()
        try:
            async with self._http.get(
                f"{self._api_url}/Status/ping",
                timeout=aiohttp.ClientTimeout(total=_PING_TIMEOUT_S),
            ) as response:
                came_ns = self._time.monotonic_ns()
                await response.read()  # whatever it says: the connection is what counts
                if response.status in _ANSWERED:
                    self._time.answered(asked_ns, response.headers.get("Date"), came_ns)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            logger.debug("The enforcement connection is not warm: {}", scrub(str(error)))


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
    if status in _NOT_EXECUTED:
        return _outcome(command, Meaning(Answer.REFUSED, f"HTTP {status}"))
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
    code = answer.get("errorCode")
    if not isinstance(code, int) or isinstance(code, bool):
        code = None
    meaning = MEANINGS[endpoint].get(code) if code is not None else None
    if meaning is None:
        meaning = Meaning(Answer.REFUSED, f"the broker refused with unknown code {code}")
    said = answer.get("errorMessage")
    return _outcome(command, meaning, code, scrub(said) if isinstance(said, str) else "")


def _uncertain(command: Command, detail: str) -> Outcome:
    return _outcome(command, Meaning(Answer.UNCERTAIN, detail))


def _outcome(
    command: Command, meaning: Meaning, code: int | None = None, said: str = ""
) -> Outcome:
    return Outcome(
        command_id=command.id,
        account_id=command.account_id,
        answer=meaning.answer,
        error_code=code,
        detail=f"{meaning.words} ({said})" if said else meaning.words,
        reason=meaning.reason,
    )
