"""Reading over REST through the SDK, within the request budget.

One request is one request: the SDK's higher layers would sleep 60 s after a 429, try three times,
and report a refusal as an empty list, so its single-request method is used and each answer read
here. After a 429 all reads pause (`backoff.py`); the one that was refused is not repeated here.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from project_x_py.exceptions import (
    ProjectXAuthenticationError,
    ProjectXConnectionError,
    ProjectXDataError,
    ProjectXError,
    ProjectXRateLimitError,
    ProjectXServerError,
)

from risk_actors.projectx import errors_text
from risk_actors.projectx.broker_text import plain_text
from risk_actors.projectx.budget import RequestBudget, Urgency
from risk_actors.projectx.errors import ReadFailed, ReadProblem
from risk_actors.projectx.ports import Clock
from risk_actors.projectx.read_queue import ReadQueue
from risk_actors.projectx.sdk_meter import TOO_MANY_REQUESTS, Heard, SdkMeter, listening
from risk_actors.projectx.session import Session

READ_TIMEOUT_S = 5.0
SILENT_AFTER_S = 3.0
"""A read without an answer for so long counts as trouble with REST, before it is given up."""
_RELOGIN_WAIT_S = 5.0
_BARS = "/History/retrieveBars"
"""The one endpoint with a limit of its own."""
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
    """Sends reads, one budget for all, the more urgent ones first. Use it on its event loop."""

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
        self._queue = ReadQueue(budget, clock)
        session.client.rate_limiter = SdkMeter(session.client, budget, clock)

    @property
    def waiting(self) -> int:
        """How many reads wait for the budget; may be asked from any thread."""
        return self._queue.waiting

    async def post(
        self,
        endpoint: str,
        body: dict[str, Any],
        *,
        urgency: Urgency = Urgency.NORMAL,
        on_sent: Callable[[], None] = lambda: None,
    ) -> dict[str, Any]:
        """Return the answer to one read; waits while the budget has no room for its urgency.

        A read that waits can be cancelled at any time, and sent again with more urgency.
        `on_sent` is told when it leaves: what happens from then on, the answer may not show.

        Raises:
            ReadFailed: there was no answer, or it was a refusal.
        """
        try:
            answer = await self._send_with_fresh_token(endpoint, body, urgency, on_sent)
        except ReadFailed as failed:
            if failed.problem in _OFFLINE:
                self._on_health(False, str(failed))
            raise
        self._on_health(True, None)
        if answer.get("success") is False:
            code = answer.get("errorCode")
            code = code if isinstance(code, int) else None
            said = plain_text(answer.get("errorMessage"))
            detail = f"refused with code {code}"
            if said:
                detail = f"{detail}: {said}"
            raise ReadFailed(endpoint, ReadProblem.REFUSED, detail, code)
        return answer

    async def _send_with_fresh_token(
        self,
        endpoint: str,
        body: dict[str, Any],
        urgency: Urgency,
        on_sent: Callable[[], None],
    ) -> dict[str, Any]:
        token = self._session.token
        try:
            return await self._send(endpoint, body, urgency, on_sent)
        except ReadFailed as failed:
            if failed.problem is not ReadProblem.UNAUTHORISED:
                raise
            if not await self._session.fresh_token(token, _RELOGIN_WAIT_S):
                raise
        return await self._send(endpoint, body, urgency, on_sent)

    async def _send(
        self,
        endpoint: str,
        body: dict[str, Any],
        urgency: Urgency,
        on_sent: Callable[[], None],
    ) -> dict[str, Any]:
        async with self._queue.turn(urgency, is_bars=endpoint == _BARS) as sent_ns:
            on_sent()
            with listening() as heard, self._noticing_silence(endpoint):
                try:
                    answer = await self._request(endpoint, body)
                except Exception as error:
                    is_unsent = heard.status is None and errors_text.is_unsent(error)
                    self._take_note(heard, sent_ns, is_unsent=is_unsent)
                    problem = ReadProblem.BUSY if _is_refused(heard) else _problem_of(error)
                    words = _words_of(error, heard)
                    raise ReadFailed(endpoint, problem, words, is_unsent=is_unsent) from error
            self._budget.answered(sent_ns)
        if not isinstance(answer, dict):
            raise ReadFailed(endpoint, ReadProblem.SERVER_FAULT, "the answer is no JSON object")
        return answer

    async def _request(self, endpoint: str, body: dict[str, Any]) -> Any:
        return await asyncio.wait_for(
            self._session.client._execute_http_request(  # noqa: SLF001 -- see the module
                "POST", endpoint, data=body, retry_count=_IS_A_RETRY
            ),
            READ_TIMEOUT_S,
        )

    @contextmanager
    def _noticing_silence(self, endpoint: str) -> Iterator[None]:
        """Say when an answer is long in coming: whoever waits for it is blind by then."""
        words = f"{endpoint}: no answer for {SILENT_AFTER_S:g} s"
        loop = asyncio.get_running_loop()
        timer = loop.call_later(SILENT_AFTER_S, self._on_health, False, words)
        try:
            yield
        finally:
            timer.cancel()

    def _take_note(self, heard: Heard, sent_ns: int, *, is_unsent: bool) -> None:
        """Tell the budget whether the broker has let a failed read pass, or never saw it."""
        if _is_refused(heard):
            self._budget.refused(self._clock.now_ns(), sent_ns, heard.retry_after_s)
        elif heard.status is not None:
            self._budget.answered(sent_ns)
        elif is_unsent:
            self._budget.unsent(self._clock.now_ns(), sent_ns)
        else:
            self._budget.reached()


def _is_refused(heard: Heard) -> bool:
    return heard.status == TOO_MANY_REQUESTS


def _problem_of(error: Exception) -> ReadProblem:
    for kind, problem in _PROBLEMS:
        if isinstance(error, kind):
            return problem
    return ReadProblem.UNREACHABLE


def _words_of(error: Exception, heard: Heard) -> str:
    if _is_refused(heard):
        return "too many requests (HTTP 429); reads pause"
    if isinstance(error, TimeoutError):
        return f"no answer within {READ_TIMEOUT_S:g} s"
    if heard.status is None:
        return errors_text.words_of(error)
    if heard.status >= HTTPStatus.BAD_REQUEST:
        return errors_text.words_of_status(heard.status)
    return "the answer cannot be read"
