"""Reading over REST through the SDK, within the request budget.

One request is one request: the SDK's higher layers would sleep 60 s after a 429, try three times,
and report a refusal as an empty list, so its single-request method is used and each answer read
here.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from loguru import logger
from project_x_py.exceptions import (
    ProjectXAuthenticationError,
    ProjectXConnectionError,
    ProjectXDataError,
    ProjectXError,
    ProjectXRateLimitError,
    ProjectXServerError,
)

from risk_actors.projectx.budget import RequestBudget
from risk_actors.projectx.errors import ReadFailed, ReadProblem
from risk_actors.projectx.ports import Clock
from risk_actors.projectx.secrets import scrub
from risk_actors.projectx.session import Session

READ_TIMEOUT_S = 5.0
_RELOGIN_WAIT_S = 5.0
_NS_PER_S = 1e9
_IS_A_RETRY = 1
"""Tells the SDK not to "refresh" after a 401: it would only repeat the refused token."""

_PROBLEMS: tuple[tuple[Any, ReadProblem], ...] = (
    (ProjectXAuthenticationError, ReadProblem.UNAUTHORISED),
    (ProjectXRateLimitError, ReadProblem.BUSY),
    (ProjectXConnectionError, ReadProblem.UNREACHABLE),
    (ProjectXServerError, ReadProblem.SERVER_FAULT),
    # The SDK raises it for a 404 and for a body that is no JSON: either way, no such endpoint.
    (ProjectXDataError, ReadProblem.UNSUPPORTED),
    (ProjectXError, ReadProblem.UNSUPPORTED),
)
"""Most special first; what is not listed is a transport error that the SDK does not map."""

_OFFLINE = frozenset({ReadProblem.UNREACHABLE, ReadProblem.SERVER_FAULT, ReadProblem.UNAUTHORISED})


class RestReader:
    """Sends reads, one budget for all, in the order in which they were asked for."""

    def __init__(
        self,
        session: Session,
        budget: RequestBudget,
        clock: Clock,
        on_health: Callable[[bool, str | None], None],
    ) -> None:
        self._session = session
        self._budget = budget
        self._clock = clock
        self._on_health = on_health
        self._turn = asyncio.Lock()

    async def post(self, endpoint: str, body: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to one read; waits while the reads' share of the budget is used up.

        Raises:
            ReadFailed: there was no answer, or it was a refusal.
        """
        try:
            answer = await self._send_with_fresh_token(endpoint, body)
        except ReadFailed as failed:
            if failed.problem in _OFFLINE:
                self._on_health(False, str(failed))
            raise
        self._on_health(True, None)
        if answer.get("success") is False:
            code = answer.get("errorCode")
            code = code if isinstance(code, int) else None
            said = answer.get("errorMessage")
            detail = f"refused with code {code}"
            if isinstance(said, str) and said:
                detail = f"{detail}: {scrub(said)}"
            raise ReadFailed(endpoint, ReadProblem.REFUSED, detail, code)
        return answer

    async def _send_with_fresh_token(self, endpoint: str, body: dict[str, Any]) -> dict[str, Any]:
        token = self._session.token
        try:
            return await self._send(endpoint, body)
        except ReadFailed as failed:
            if failed.problem is not ReadProblem.UNAUTHORISED:
                raise
            if not await self._session.fresh_token(token, _RELOGIN_WAIT_S):
                raise
        return await self._send(endpoint, body)

    async def _send(self, endpoint: str, body: dict[str, Any]) -> dict[str, Any]:
        await self._wait_for_budget()
        try:
            answer = await asyncio.wait_for(
                self._session.client._execute_http_request(  # noqa: SLF001 -- see the module
                    "POST", endpoint, data=body, retry_count=_IS_A_RETRY
                ),
                READ_TIMEOUT_S,
            )
        except Exception as error:
            raise ReadFailed(endpoint, _problem_of(error), _words_of(error)) from error
        if not isinstance(answer, dict):
            raise ReadFailed(endpoint, ReadProblem.SERVER_FAULT, "the answer is no JSON object")
        return answer

    async def _wait_for_budget(self) -> None:
        async with self._turn:
            while wait_ns := self._budget.wait_ns(self._clock.now_ns()):
                logger.debug("Reads wait {:.1f} s for the request budget", wait_ns / _NS_PER_S)
                await asyncio.sleep(wait_ns / _NS_PER_S)
            self._budget.count(self._clock.now_ns())


def _problem_of(error: Exception) -> ReadProblem:
    for kind, problem in _PROBLEMS:
        if isinstance(error, kind):
            return problem
    return ReadProblem.UNREACHABLE


def _words_of(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {READ_TIMEOUT_S:g} s"
    return scrub(str(error)) or type(error).__name__
