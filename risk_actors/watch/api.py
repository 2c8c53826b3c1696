"""Asks the daemon over HTTP: its state once, its state as a stream, and panic."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any, NamedTuple

import aiohttp
import msgspec

from risk_actors.actors.picture import Picture
from risk_actors.watch.sse import EventParser

_ASK_TIMEOUT_S = 3.0
_PANIC_TIMEOUT_S = 5.0
_ERROR_STATUS = 400
_UNAUTHORISED = 401
_SKEW_THAT_COUNTS_S = 2.0
"""The header `Date` has whole seconds only."""


class Address(NamedTuple):
    """Where the daemon answers, and the token that it wants."""

    host: str
    port: int
    token: str | None = None

    @property
    def url(self) -> str:
        """The address as a person would type it, without the token."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @property
    def headers(self) -> dict[str, str]:
        """What goes with each request."""
        return {} if self.token is None else {"Authorization": f"Bearer {self.token}"}


class NotFoundError(Exception):
    """Nobody knows where the daemon is; the text says why."""


class NoAnswerError(Exception):
    """The daemon did not answer, or not with what was asked for; the text says how."""


class RefusedError(Exception):
    """The daemon answers, but not to us; the text is its own."""


class Told(NamedTuple):
    """The state, and how far the daemon's clock is ahead of ours."""

    picture: Picture | None
    """None when the daemon says that nothing changed."""
    skew_s: float


class Fate(StrEnum):
    """What became of a panic."""

    TAKEN = "taken"
    REFUSED = "refused"
    SILENT = "silent"
    """It was sent, and nobody answered: it may or may not have been taken."""
    UNREACHED = "unreached"
    """It was not even sent."""


class Answer(NamedTuple):
    """What became of a panic, in the daemon's words or those of the fault."""

    fate: Fate
    text: str


class Api:
    """One session of requests; each names the address, for that changes with every daemon."""

    def __init__(
        self, session: aiohttp.ClientSession, now_s: Callable[[], float] = time.time
    ) -> None:
        self._session = session
        self._now_s = now_s

    async def state(self, address: Address) -> Told:
        """Return `GET /api/state`.

        Raises:
            NoAnswerError: there was none in time, or it is not understood.
            RefusedError: the token is missing or wrong.
        """
        try:
            async with (
                asyncio.timeout(_ASK_TIMEOUT_S),
                self._session.get(f"{address.url}/api/state", headers=address.headers) as response,
            ):
                body = await _body(response)
                return Told(_picture(body), self._skew_s(response))
        except TimeoutError:
            raise NoAnswerError(f"no answer within {_ASK_TIMEOUT_S:.0f} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise NoAnswerError(f"nothing answers on port {address.port}") from error

    async def states(self, address: Address) -> AsyncIterator[Told]:
        """Yield the state whenever `GET /api/events` tells it, and whenever it says none changed.

        Raises:
            NoAnswerError: the stream cannot be had, or broke.
            RefusedError: the token is missing or wrong.
        """
        parser = EventParser()
        try:
            async with self._session.get(
                f"{address.url}/api/events",
                headers=address.headers,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_ASK_TIMEOUT_S),
            ) as response:
                if response.status >= _ERROR_STATUS:
                    await _body(response)
                skew_s = self._skew_s(response)
                async for piece in response.content.iter_any():
                    events = parser.feed(piece)
                    # Of several that waited, only the last is how it stands.
                    yield Told(_picture(events[-1]) if events else None, skew_s)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NoAnswerError("the stream broke") from error

    async def panic(self, address: Address, account_id: int | None) -> Answer:
        """Ask for one account, or all, to be flattened and locked; never raises."""
        try:
            async with (
                asyncio.timeout(_PANIC_TIMEOUT_S),
                self._session.post(
                    f"{address.url}/api/panic",
                    json={"account": account_id},
                    headers=address.headers,
                ) as response,
            ):
                told = await response.read()
                if response.status >= _ERROR_STATUS:
                    return Answer(Fate.REFUSED, _said(told, "error"))
                return Answer(Fate.TAKEN, _said(told, "sentence"))
        except TimeoutError:
            return Answer(Fate.SILENT, f"no answer within {_PANIC_TIMEOUT_S:.0f} s")
        except aiohttp.ClientConnectorError:
            return Answer(Fate.UNREACHED, f"nothing answers on port {address.port}")
        except (aiohttp.ClientError, OSError) as error:
            return Answer(Fate.SILENT, f"the connection broke ({error})")

    def _skew_s(self, response: aiohttp.ClientResponse) -> float:
        try:
            told_s = parsedate_to_datetime(response.headers["Date"]).timestamp() + 0.5
        except (KeyError, ValueError):
            return 0.0
        skew_s = told_s - self._now_s()
        return skew_s if abs(skew_s) > _SKEW_THAT_COUNTS_S else 0.0


async def _body(response: aiohttp.ClientResponse) -> bytes:
    body = await response.read()
    if response.status == _UNAUTHORISED:
        raise RefusedError(_said(body, "error"))
    if response.status >= _ERROR_STATUS:
        raise NoAnswerError(f"it answers {response.status}: {_said(body, 'error')}")
    return body


def _picture(body: bytes) -> Picture:
    try:
        return msgspec.json.decode(body, type=Picture)
    except msgspec.MsgspecError as error:
        raise NoAnswerError(f"its answer is not understood ({error})") from error


def _said(body: bytes, key: str) -> str:
    try:
        told: Any = json.loads(body)
        return str(told[key])
    except (ValueError, KeyError, TypeError):
        return body.decode("utf-8", "replace").strip() or "without a word"
