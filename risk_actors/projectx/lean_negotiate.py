"""Asking a hub for a connection's id first, where it insists on that."""

from http import HTTPStatus
from typing import NamedTuple

import aiohttp
import msgspec

_WITHIN_S = 5.0
_MAX_ANSWER = 64 * 1024


class Negotiated(NamedTuple):
    """Where to connect."""

    url: str
    token: str
    connection_id: str | None


class _Answer(msgspec.Struct, rename="camel"):
    connection_id: str | None = None
    connection_token: str | None = None
    url: str | None = None
    access_token: str | None = None


async def negotiate(url: str, token: str) -> Negotiated:
    """Ask a hub; with version 0 the connection's id is also its key.

    Raises:
        aiohttp.ClientError: there was no answer, or it was none of success.
        ValueError: the answer makes no sense.
    """
    timeout = aiohttp.ClientTimeout(total=_WITHIN_S)
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.post(f"{url}/negotiate", params={"access_token": token}) as response,
    ):
        if response.status != HTTPStatus.OK:
            response.raise_for_status()
            raise ValueError(f"status {response.status}")
        body = await response.content.read(_MAX_ANSWER)
    answer = msgspec.json.decode(body, type=_Answer)
    if answer.url:
        return Negotiated(answer.url, answer.access_token or token, None)
    found = answer.connection_token or answer.connection_id
    if not found:
        raise ValueError("no connection id")
    return Negotiated(url, token, found)
