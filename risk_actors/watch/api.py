"""Asks the daemon over HTTP: its state once, its state as a stream, and panic.

Whom it talks to is asked before a token is sent, for another guard may have the port by now. No
redirect is followed: only the guard itself can say that it took something.
"""

import asyncio
import json
import math
import time
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any, NamedTuple

import aiohttp
import msgspec

from risk_actors.actors.picture import Picture
from risk_actors.watch import clocks
from risk_actors.watch.sse import Event, EventParser

_ASK_TIMEOUT_S = 3.0
_PANIC_TIMEOUT_S = 5.0
_OK = 200
_TAKEN = (200, 202)
_UNAUTHORISED = 401
_TELLS_NO_RUN = (_UNAUTHORISED, 403, 404)
"""What an older guard, which does not know of runs, answers when it is asked for its own."""
_REFUSALS = range(400, 500)
_ALIVE = "alive"
_DATE_STEP_S = 1.0
"""The header `Date` has whole seconds only."""


class Address(NamedTuple):
    """Where the daemon answers, the token that it wants, and which run of it is meant."""

    host: str
    port: int
    token: str | None = None
    run: str | None = None
    """None where any will do, or it is not known."""

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


class AnotherError(Exception):
    """Another guard answers there than the one that is meant; the text says so."""


class NoAnswerError(Exception):
    """The daemon did not answer, or not with what was asked for; the text says how."""


class RefusedError(Exception):
    """The daemon answers, but not to us; the text is its own."""


class Told(NamedTuple):
    """What came: a state, that it has not changed, or no more than a sign of the line."""

    picture: Picture | None = None
    at_s: float | None = None
    """The daemon's clock when it told; None where it tells no instant."""
    run: str | None = None
    instants: tuple[clocks.Told, ...] = ()
    """What it tells of the daemon's clock."""

    @property
    def is_news(self) -> bool:
        """Whether it says how things stand; a piece of a state does not."""
        return self.picture is not None or self.at_s is not None


class _Stamp(msgspec.Struct, frozen=True):
    """By whom and when a state was told; an older guard does not say."""

    at: str | None = None
    run: str | None = None


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

    async def run(self, address: Address) -> Told:
        """Ask who answers there, without a token.

        Raises:
            NoAnswerError: nobody did in time, or what answers is no guard.
            AnotherError: it is not the run that is meant.
        """
        asked_s = self._now_s()
        try:
            async with (
                asyncio.timeout(_ASK_TIMEOUT_S),
                self._session.get(f"{address.url}/api/run", allow_redirects=False) as response,
            ):
                body = b"{}" if response.status in _TELLS_NO_RUN else await _body(response)
        except TimeoutError:
            raise NoAnswerError(f"no answer within {_ASK_TIMEOUT_S:.0f} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise NoAnswerError(f"nothing answers on port {address.port}") from error
        run = _decoded(body, _Stamp).run
        _check(address, run)
        return Told(run=run, instants=_dates(response, self._now_s(), asked_s))

    async def state(self, address: Address) -> Told:
        """Return `GET /api/state`.

        Raises:
            NoAnswerError: there was none in time, or it is not understood.
            AnotherError: it is not the run that is meant.
            RefusedError: the token is missing or wrong.
        """
        if address.token is not None:
            await self.run(address)
        asked_s = self._now_s()
        try:
            async with (
                asyncio.timeout(_ASK_TIMEOUT_S),
                self._session.get(
                    f"{address.url}/api/state", headers=address.headers, allow_redirects=False
                ) as response,
            ):
                # Its head comes before it: of what is slow to come, only the body is.
                instants = _dates(response, self._now_s(), asked_s)
                body = await _body(response)
        except TimeoutError:
            raise NoAnswerError(f"no answer within {_ASK_TIMEOUT_S:.0f} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise NoAnswerError(f"nothing answers on port {address.port}") from error
        told = self._told(address, [Event(body)], asked_s)
        return told._replace(instants=(*told.instants, *instants))

    async def states(self, address: Address) -> AsyncIterator[Told]:
        """Yield what `GET /api/events` tells, and for each piece of it that the line lives.

        Raises:
            NoAnswerError: the stream cannot be had, or broke.
            AnotherError: it is not the run that is meant.
            RefusedError: the token is missing or wrong.
        """
        if address.token is not None:
            await self.run(address)
        parser, asked_s = EventParser(), self._now_s()
        try:
            async with self._session.get(
                f"{address.url}/api/events",
                headers=address.headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=_ASK_TIMEOUT_S),
            ) as response:
                if response.status != _OK:
                    await _body(response)
                yield Told(instants=_dates(response, self._now_s(), asked_s))
                async for piece in response.content.iter_any():
                    yield self._told(address, parser.feed(piece))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise NoAnswerError("the stream broke") from error

    async def panic(self, address: Address, account_id: int | None) -> Answer:
        """Ask for one account, or all, to be flattened and locked; never raises."""
        try:
            await self.run(address)
        except (NoAnswerError, AnotherError, RefusedError) as error:
            return Answer(Fate.UNREACHED, str(error))
        try:
            async with (
                asyncio.timeout(_PANIC_TIMEOUT_S),
                self._session.post(
                    f"{address.url}/api/panic",
                    json={"account": account_id},
                    headers=address.headers,
                    allow_redirects=False,
                ) as response,
            ):
                return _fate(response.status, await response.read())
        except TimeoutError:
            return Answer(Fate.SILENT, f"no answer within {_PANIC_TIMEOUT_S:.0f} s")
        except aiohttp.ClientConnectorError:
            return Answer(Fate.UNREACHED, f"nothing answers on port {address.port}")
        except (aiohttp.ClientError, OSError) as error:
            return Answer(Fate.SILENT, f"the connection broke ({error})")

    def _told(self, address: Address, events: list[Event], asked_s: float | None = None) -> Told:
        """Return what whole events say; of several that waited, the last is how it stands."""
        if not events:
            return Told()
        heard_s = self._now_s()
        stamp = _decoded(events[-1].data, _Stamp)
        _check(address, stamp.run)
        states = [event.data for event in events if event.name != _ALIVE]
        at_s = _instant_s(stamp.at)
        return Told(
            picture=_decoded(states[-1], Picture) if states else None,
            at_s=at_s,
            run=stamp.run,
            instants=() if at_s is None else (clocks.Told(at_s, at_s, heard_s, asked_s),),
        )


def _check(address: Address, run: str | None) -> None:
    """Raise AnotherError unless it is the run that is meant, or any will do."""
    if address.run is not None and run != address.run:
        raise AnotherError(
            f"another guard answers on port {address.port} now; nothing is sent to it"
        )


def _fate(status: int, body: bytes) -> Answer:
    """Return what an answer to panic means; what is no answer of a guard leaves it open."""
    sentence, error = _field(body, "sentence"), _field(body, "error")
    if status in _TAKEN and sentence is not None:
        return Answer(Fate.TAKEN, sentence)
    if status in _REFUSALS and error is not None:
        return Answer(Fate.REFUSED, error)
    return Answer(Fate.SILENT, error or f"what answered is no guard (status {status})")


async def _body(response: aiohttp.ClientResponse) -> bytes:
    body = await response.read()
    if response.status == _UNAUTHORISED:
        raise RefusedError(_said(body))
    if response.status != _OK:
        raise NoAnswerError(f"it answers {response.status}: {_said(body)}")
    return body


def _decoded[T](body: bytes, wanted: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=wanted)
    except msgspec.MsgspecError as error:
        raise NoAnswerError(f"its answer is not understood ({error})") from error


def _dates(
    response: aiohttp.ClientResponse, heard_s: float, asked_s: float
) -> tuple[clocks.Told, ...]:
    """Return what the header `Date` tells of the daemon's clock."""
    try:
        at_s = parsedate_to_datetime(response.headers["Date"]).timestamp()
    except (KeyError, ValueError):
        return ()
    return (clocks.Told(at_s, at_s + _DATE_STEP_S, heard_s, asked_s),)


def _instant_s(text: str | None) -> float | None:
    try:
        at_s = None if text is None else datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
    return at_s if at_s is None or math.isfinite(at_s) else None


def _field(body: bytes, key: str) -> str | None:
    """Return a text of a JSON object; None where there is none."""
    try:
        told: Any = json.loads(body)
    except ValueError:
        return None
    value = told.get(key) if isinstance(told, dict) else None
    return value if isinstance(value, str) else None


def _said(body: bytes) -> str:
    return _field(body, "error") or body.decode("utf-8", "replace").strip() or "without a word"
