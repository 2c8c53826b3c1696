"""Every request that the SDK sends is counted, and its answers are heard and cut.

The SDK asks its limiter before each request, also before those that it sends by itself (logging
in, and what belongs to it); so what stands in the limiter's place sees them all. It also keeps to
itself what a 429 says about when to come back, sleeps for a minute after one to a request of its
own, and would read an answer that never ends for ever; all this is seen to at the HTTP client
below it.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import httpx
from project_x_py import ProjectX
from project_x_py.exceptions import ProjectXError

from risk_actors.projectx.budget import RequestBudget
from risk_actors.projectx.ports import Clock

TOO_MANY_REQUESTS = 429
LONGEST_ANSWER_BYTES = 32 * 1024 * 1024
"""Ten times what 20,000 bars take."""
LONGEST_ANSWER_S = 8.0


class TooManyRequestsError(ProjectXError):  # type: ignore[misc]
    """A request of the SDK's own was answered 429.

    Not the SDK's error for it, after which it would sleep.
    """


class Heard:
    """What was heard of the answer to one request."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.retry_after_s: float | None = None


_heard: ContextVar[Heard | None] = ContextVar("heard", default=None)


@contextmanager
def listening() -> Iterator[Heard]:
    """Hear the answer to the one request sent within, which is counted already."""
    heard = Heard()
    token = _heard.set(heard)
    try:
        yield heard
    finally:
        _heard.reset(token)


class SdkMeter:
    """Stands where the SDK has its limiter; never waits. Use it on its event loop only."""

    def __init__(self, client: ProjectX, budget: RequestBudget, clock: Clock) -> None:
        self._client = client
        self._budget = budget
        self._clock = clock
        self._unanswered_ns: list[int] = []
        """When requests of the SDK's own were counted that no answer has come to."""

    async def acquire(self) -> None:
        """Count a request of the SDK's own, and see that its answer is heard.

        The SDK calls it before each request, by this name.
        """
        if _heard.get() is None:
            now_ns = self._clock.now_ns()
            self._budget.count(now_ns)
            self._unanswered_ns.append(now_ns)
        http = self._client._client  # noqa: SLF001 -- there is no other way to its answers
        if http is not None and self._hear not in http.event_hooks["response"]:
            http.event_hooks["response"].append(self._hear)

    def settle(self, *, is_unsent: bool) -> None:
        """Take that a login is over, and whether what it had no answer to never left."""
        if is_unsent:
            for sent_ns in self._unanswered_ns:
                self._budget.take_back(sent_ns)
        self._unanswered_ns.clear()

    async def _hear(self, response: Any) -> None:
        response.stream = _Cut(response.stream)
        heard = _heard.get()
        retry_after_s = seconds_of(response.headers.get("Retry-After"))
        if heard is None and self._unanswered_ns:
            self._unanswered_ns.pop()
        if heard is not None:
            heard.status = response.status_code
            heard.retry_after_s = retry_after_s
        elif response.status_code == TOO_MANY_REQUESTS:
            now_ns = self._clock.now_ns()
            self._budget.refused(now_ns, now_ns, retry_after_s)
            raise TooManyRequestsError("too many requests (HTTP 429)")


class _Cut(httpx.AsyncByteStream):
    """The body of an answer, as far as it is neither too long nor too slow.

    The timeout of the HTTP client is for each piece: byte by byte, a body could take for ever and
    keep its connection.
    """

    def __init__(self, body: Any) -> None:
        self._body = body
        self._until_s = asyncio.get_running_loop().time() + LONGEST_ANSWER_S

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Give the body piece by piece."""
        loop = asyncio.get_running_loop()
        size = 0
        async for piece in self._body:
            size += len(piece)
            if size > LONGEST_ANSWER_BYTES:
                raise httpx.RemoteProtocolError("the answer is too long")
            if loop.time() > self._until_s:
                raise httpx.ReadTimeout("the answer does not end")
            yield piece

    async def aclose(self) -> None:
        """Close the connection or give it back."""
        await self._body.aclose()


def seconds_of(retry_after: str | None) -> float | None:
    """Return the seconds that a Retry-After header says; None where it says none (a date)."""
    if retry_after is None or not retry_after.strip().isdecimal():
        return None
    return float(retry_after)
